/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name - see name.h.
 */
#include "name.h"

#include <string.h>

#include "encoded.h"

int
name_is_utf8(const char *data, size_t len)
{
	size_t step;

	for (; len > 0; data += step, len -= step) {
		step = scan_utf8(data, len);
		if (step == 0)
			return 0;
	}
	return 1;
}

static int
is_space(char c)
{
	return (c >= 0 && c <= ' ') || c == 0x7f;
}

/* Append one character to the text part at the end, making one if need be. */
static void
add_char(struct name *name, char c)
{
	int fresh = name->count == 0 || name->parts[name->count - 1].encoded;

	if (is_space(c))
		c = ' ';
	/* One blank between words, none at the beginning. */
	if (c == ' ' && (fresh || name->text[name->len - 1] == ' '))
		return;
	if (name->len == name->max || (fresh && name->count == NAME_PARTS_MAX))
		return;
	if (fresh)
		name->parts[name->count++] =
		    (struct name_part){.start = name->len};
	name->text[name->len++] = c;
	name->parts[name->count - 1].len++;
}

static void
add_text(struct name *name, const char *data, size_t len)
{
	while (len-- > 0)
		add_char(name, *data++);
}

/*
 * A character of somebody's name. Angle brackets would let it show an address
 * of its own to readers that take a field apart carelessly.
 */
static void
add_name_char(struct name *name, char c)
{
	if (c == '<' || c == '>') {
		name->disarmed = 1;
		c = ' ';
	}
	add_char(name, c);
}

static void
add_word(struct name *name, const char *data, size_t len)
{
	char shown[ENCODED_TEXT_MAX];
	struct name_part *part;
	size_t shown_len;

	if (!encoded_is_word(data, len) || name->count == NAME_PARTS_MAX ||
	    name->len + len > name->max) {
		while (len-- > 0)
			add_name_char(name, *data++);
		return;
	}
	if (encoded_disarm(data, len, shown, &shown_len)) {
		name->disarmed = 1;
		add_text(name, shown, shown_len);
		return;
	}
	part = &name->parts[name->count++];
	*part =
	    (struct name_part){.start = name->len, .len = len, .encoded = 1};
	memcpy(name->text + name->len, data, len);
	name->len += len;
}

/* Pass over a comment at data; it was checked by address. */
static size_t
comment_length(const char *data, size_t len)
{
	size_t i;
	int depth = 0;

	for (i = 0; i < len; i++) {
		if (data[i] == '\\')
			i++;
		else if (data[i] == '(')
			depth++;
		else if (data[i] == ')' && --depth == 0)
			return i + 1;
	}
	return len;
}

/* A quoted string at data: its content. Returns its length. */
static size_t
add_quoted(struct name *name, const char *data, size_t len)
{
	size_t i;

	for (i = 1; i < len && data[i] != '"'; i++) {
		if (data[i] == '\\' && i + 1 < len)
			i++;
		if (data[i] != '\r' && data[i] != '\n')
			add_name_char(name, data[i]);
	}
	return i < len ? i + 1 : len;
}

static void
add_phrase(struct name *name, struct scan_slice raw)
{
	size_t i = 0, start;

	while (i < raw.len) {
		if (is_space(raw.data[i])) {
			add_char(name, ' ');
			i++;
		} else if (raw.data[i] == '(') {
			add_char(name, ' ');
			i += comment_length(raw.data + i, raw.len - i);
		} else if (raw.data[i] == '"') {
			i += add_quoted(name, raw.data + i, raw.len - i);
		} else {
			start = i;
			while (i < raw.len && !is_space(raw.data[i]) &&
			       raw.data[i] != '(' && raw.data[i] != '"')
				i++;
			add_word(name, raw.data + start, i - start);
		}
	}
}

static void
add_comment(struct name *name, struct scan_slice raw)
{
	size_t i = 0, start;

	while (i < raw.len) {
		if (is_space(raw.data[i]) ||
		    (raw.data[i] == '\\' && i + 1 < raw.len)) {
			i += raw.data[i] == '\\';
			add_name_char(name, raw.data[i++]);
			continue;
		}
		start = i;
		while (i < raw.len && !is_space(raw.data[i]) &&
		       raw.data[i] != '\\')
			i++;
		if (i == start)
			i++;
		add_word(name, raw.data + start, i - start);
	}
}

static void
add_name(struct name *name, const struct address *from, int with_local)
{
	if (from->name.len > 0)
		add_phrase(name, from->name);
	else if (from->comment.len > 0)
		add_comment(name, from->comment);
	else if (with_local)
		add_text(name, from->local, strlen(from->local));
}

/*
 * Some readers decode encoded words anywhere, in quotes and within other text,
 * also those that only came to be when the pieces of a name were put together.
 */
static void
break_encoded(struct name *name)
{
	char shown[ENCODED_TEXT_MAX];
	size_t i, at, start, len, shown_len;

	for (i = 0; i < name->count; i++) {
		struct name_part *part = &name->parts[i];
		char *data = name->text + part->start;

		for (at = 0; !part->encoded; at += start + 2) {
			len = encoded_find(data + at, part->len - at, &start);
			if (len == 0)
				break;
			if (!encoded_disarm(
				data + at + start, len, shown, &shown_len))
				continue;
			data[at + start + 1] = ' ';
			name->disarmed = 1;
		}
	}
}

/* Cut text parts where a character was cut, and their trailing blanks. */
static void
trim(struct name *name)
{
	size_t i;

	for (i = 0; i < name->count; i++) {
		struct name_part *part = &name->parts[i];
		const char *data = name->text + part->start;
		size_t whole = part->len;

		if (part->encoded)
			continue;
		/* At most three bytes of an unfinished character. */
		while (name->len == name->max && whole > 0 &&
		       part->len - whole < 3 && !name_is_utf8(data, whole))
			whole--;
		if (name_is_utf8(data, whole))
			part->len = whole;
		while (part->len > 0 && data[part->len - 1] == ' ')
			part->len--;
	}
}

void
name_expand(struct name *name, const char *pattern, const struct address *from)
{
	int more = strcmp(pattern, "%n") != 0;

	name->len = name->count = 0;
	name->disarmed = 0;
	name->max = NAME_MAX_LEN;
	for (; *pattern != '\0'; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'n') {
			if (from != NULL)
				add_name(name, from, more);
			pattern++;
		} else {
			if (pattern[0] == '%' && pattern[1] == '%')
				pattern++;
			add_char(name, *pattern);
		}
	}
	break_encoded(name);
	trim(name);
}

int
name_is_harmless(const struct address *from)
{
	struct name name;

	if (from->name.len == 0)
		return 1;
	name_expand(&name, "%n", from);
	return !name.disarmed;
}

void
name_text(struct name *name, const char *data, size_t len)
{
	name->len = name->count = 0;
	name->disarmed = 0;
	name->max = NAME_TEXT_MAX;
	add_text(name, data, len);
	trim(name);
}
