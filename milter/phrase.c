/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phrase - see phrase.h.
 */
#include "phrase.h"

#include <stdio.h>
#include <string.h>

#include "encoded.h"
#include "name.h"

#define COLUMNS 78
#define WORD_MAX 60 /* a longer one is encoded so that it can be folded */

static void
put(struct phrase_line *line, const char *data, size_t len)
{
	/* buf notes when it is full; the owner of out looks. */
	(void)buf_add(line->out, data, len);
	line->column += len;
}

/* A word with a blank, or a fold, before it. */
static void
put_word(struct phrase_line *line, const char *data, size_t len)
{
	if (!line->first) {
		if (line->column + 1 + len > COLUMNS - 1) {
			put(line, "\n", 1);
			line->column = 0;
		}
		put(line, " ", 1);
	}
	line->first = 0;
	put(line, data, len);
}

static size_t
word_length(const char *data, size_t len)
{
	const char *blank = memchr(data, ' ', len);

	return blank != NULL ? (size_t)(blank - data) : len;
}

/* 1 if the text has to be encoded: not ASCII, or a word that cannot fold. */
static int
needs_encoding(const char *data, size_t len, size_t longest)
{
	size_t i, word = 0;

	for (i = 0; i < len; i++) {
		if ((unsigned char)data[i] >= 0x80)
			return 1;
		word = data[i] == ' ' ? 0 : word + 1;
		if (word > longest)
			return 1;
	}
	return 0;
}

static int
needs_quotes(const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] != ' ' && !scan_is_atext(data[i]))
			return 1;
		/* Must not be taken for an encoded word. */
		if (data[i] == '=' && i + 1 < len && data[i + 1] == '?')
			return 1;
	}
	return 0;
}

static void
put_quoted(struct phrase_line *line, const char *data, size_t len)
{
	char word[2 * NAME_TEXT_MAX + 2];
	size_t n = 0, i;

	word[n++] = '"';
	for (i = 0; i <= len; i++) {
		if (i == len)
			word[n++] = '"';
		if (i == len || data[i] == ' ') {
			put_word(line, word, n);
			n = 0;
			continue;
		}
		if (data[i] == '"' || data[i] == '\\')
			word[n++] = '\\';
		word[n++] = data[i];
	}
}

static void
put_plain(struct phrase_line *line, const char *data, size_t len)
{
	size_t word;

	while (len > 0) {
		word = word_length(data, len);
		put_word(line, data, word);
		data += word;
		len -= word;
		if (len > 0) {
			data++;
			len--;
		}
	}
}

static size_t
base64(char *out, const char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i, n = 0;

	for (i = 0; i < len; i += 3) {
		unsigned long bits = (unsigned long)(unsigned char)data[i]
				     << 16;

		if (i + 1 < len)
			bits |= (unsigned long)(unsigned char)data[i + 1] << 8;
		if (i + 2 < len)
			bits |= (unsigned char)data[i + 2];
		out[n++] = digits[bits >> 18];
		out[n++] = digits[bits >> 12 & 63];
		out[n++] = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? digits[bits & 63] : '=';
	}
	return n;
}

/* As many bytes as fit into most, whole characters only. */
static size_t
chunk_length(const char *data, size_t len, size_t most, int utf8)
{
	size_t n = 0, step;

	if (!utf8)
		return len < most ? len : most;
	while (n < len) {
		step = scan_utf8(data + n, len - n);
		if (n + step > most)
			break;
		n += step;
	}
	return n;
}

/* Encoded words. Bytes that are no UTF-8 are most likely Windows' Latin. */
static void
put_encoded(struct phrase_line *line, const char *data, size_t len)
{
	int utf8 = name_is_utf8(data, len);
	const char *charset = utf8 ? "utf-8" : "windows-1252";
	size_t overhead = strlen(charset) + strlen("=?"
						   "?b?"
						   "?=");
	char word[ENCODED_WORD_MAX + 1];
	size_t n, used, room;

	while (len > 0) {
		room = ENCODED_WORD_MAX;
		/* The first word cannot be folded away from the field name. */
		if (line->first && COLUMNS - line->column < room)
			room = COLUMNS - line->column;
		n = chunk_length(data, len, (room - overhead) / 4 * 3, utf8);
		used = (size_t)snprintf(word, sizeof(word), "=?%s?b?", charset);
		used += base64(word + used, data, n);
		memcpy(word + used, "?=", 2);
		put_word(line, word, used + 2);
		data += n;
		len -= n;
	}
}

/* The blank between two encoded words is not shown: it has to be inside. */
static void
put_encoded_part(struct phrase_line *line, const struct name *name, size_t i)
{
	const struct name_part *part = &name->parts[i];
	char text[NAME_TEXT_MAX + 2];
	size_t n = 0;

	if (i > 0 && name->parts[i - 1].encoded)
		text[n++] = ' ';
	memcpy(text + n, name->text + part->start, part->len);
	n += part->len;
	if (i + 1 < name->count && name->parts[i + 1].encoded)
		text[n++] = ' ';
	put_encoded(line, text, n);
}

static void
put_part(struct phrase_line *line, const struct name *name, size_t i)
{
	const struct name_part *part = &name->parts[i];
	const char *data = name->text + part->start;

	if (part->encoded)
		put_word(line, data, part->len);
	else if (needs_encoding(data, part->len, WORD_MAX))
		put_encoded_part(line, name, i);
	else if (needs_quotes(data, part->len))
		put_quoted(line, data, part->len);
	else
		put_plain(line, data, part->len);
}

void
phrase_begin(struct phrase_line *line, struct buf *out, const char *field)
{
	line->out = out;
	line->column = strlen(field) + 2;
	line->first = 1;
}

void
phrase_mailbox(struct phrase_line *line, const char *pattern,
    const struct address *from, const char *text)
{
	struct name name;
	char angle[ADDRESS_TEXT_MAX + 2];
	size_t i;

	name_expand(&name, pattern, from);
	for (i = 0; i < name.count; i++)
		if (name.parts[i].len > 0)
			put_part(line, &name, i);
	(void)snprintf(angle, sizeof(angle), "<%s>", text);
	put_word(line, angle, strlen(angle));
}

void
phrase_comma(struct phrase_line *line)
{
	put(line, ",", 1);
}

void
phrase_text(struct phrase_line *line, const char *data, size_t len)
{
	struct name name;

	name_text(&name, data, len);
	if (name.count == 0)
		return;
	if (needs_encoding(name.text, name.parts[0].len, WORD_MAX))
		put_encoded(line, name.text, name.parts[0].len);
	else
		put_plain(line, name.text, name.parts[0].len);
}
