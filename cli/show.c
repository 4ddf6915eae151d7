/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show - output for people. See show.h.
 */
#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "utf8.h"

#define LABEL_WIDTH 16 /* "  client secret " */

int
show_colours(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) &&
	       (no_color == NULL || *no_color == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

/* Characters that would let a sender forge, hide or reorder a line: C1, zero
 * width, line separators, marks of direction, the byte order mark. */
static const struct {
	unsigned long first;
	unsigned long last;
} unsafe[] = {
    {0x80, 0x9f},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x2069},
    {0xfeff, 0xfeff},
};

/* Length of the printable UTF-8 character at p, 0 if there is none. */
static size_t
character_len(const char *p)
{
	size_t len = utf8_length(p), i;
	unsigned char first = (unsigned char)*p;
	unsigned long point;

	if (len <= 1)
		return len == 1 && first >= 0x20 && first != 0x7f;
	point = first & (0xffu >> (len + 1));
	for (i = 1; i < len; i++)
		point = point << 6 | ((unsigned char)p[i] & 0x3fu);
	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (point >= unsafe[i].first && point <= unsafe[i].last)
			return 0;
	return len;
}

/* Append one character or its escape; *columns grows. Bytes taken. */
static size_t
put_character(struct buf *out, const char *p, size_t *columns)
{
	size_t len = character_len(p);

	if (len == 0) {
		buf_addf(out, "\\x%02x", (unsigned char)*p);
		*columns += 4;
		return 1;
	}
	buf_add(out, p, len);
	*columns += 1;
	return len;
}

size_t
show_text(struct buf *out, const char *text)
{
	size_t columns = 0;

	while (*text != '\0')
		text += put_character(out, text, &columns);
	return columns;
}

static void
put_blanks(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_adds(out, " ");
}

/* Columns of a text once escaped. */
static size_t
columns_of(const char *text)
{
	size_t columns = 0, len;

	while (*text != '\0') {
		len = character_len(text);
		columns += len == 0 ? 4 : 1;
		text += len == 0 ? 1 : len;
	}
	return columns;
}

void
show_cell(struct buf *out, const char *text, size_t width)
{
	size_t columns = 0;

	if (columns_of(text) > width && width > 3) {
		while (
		    columns + 3 < width &&
		    columns + (character_len(text) == 0 ? 4 : 1) + 3 <= width)
			text += put_character(out, text, &columns);
		buf_adds(out, "...");
		columns += 3;
	} else {
		columns = show_text(out, text);
	}
	if (columns < width)
		put_blanks(out, width - columns);
}

void
show_toned(struct buf *out, const char *text, size_t width, enum show_tone tone,
    int colours)
{
	static const char *const codes[] = {
	    [SHOW_PLAIN] = "",
	    [SHOW_GOOD] = "\033[32m",
	    [SHOW_WARN] = "\033[33m",
	    [SHOW_BAD] = "\033[1;31m",
	    [SHOW_STRONG] = "\033[1m",
	};

	if (!colours || tone == SHOW_PLAIN) {
		show_cell(out, text, width);
		return;
	}
	buf_adds(out, codes[tone]);
	show_cell(out, text, width);
	buf_adds(out, "\033[0m");
}

/* Columns of the next word, and its length in bytes. */
static size_t
word_columns(const char *text, size_t *len)
{
	size_t columns = 0, step;

	for (*len = 0; text[*len] != '\0' && text[*len] != ' '; *len += step) {
		step = character_len(text + *len);
		columns += step == 0 ? 4 : 1;
		step += step == 0;
	}
	return columns;
}

void
show_wrapped(struct buf *out, const char *text, size_t indent)
{
	size_t column = indent, columns, len, end;

	while (*(text += strspn(text, " ")) != '\0') {
		columns = word_columns(text, &len);
		if (column > indent && column + 1 + columns > SHOW_WIDTH) {
			buf_adds(out, "\n");
			put_blanks(out, indent);
			column = indent;
		}
		if (column > indent) {
			buf_adds(out, " ");
			column++;
		}
		for (end = 0; end < len;)
			end += put_character(out, text + end, &column);
		text += len;
	}
	buf_adds(out, "\n");
}

void
show_field(struct buf *out, const char *label, const char *text)
{
	buf_adds(out, "  ");
	show_cell(out, label, LABEL_WIDTH - 2);
	buf_adds(out, "  ");
	show_wrapped(out, text, LABEL_WIDTH + 2);
}

int
show_out(const struct buf *out)
{
	if (out->truncated) {
		fprintf(stderr, "postoak: the output is too large\n");
		return -1;
	}
	if (out->len > 0)
		fwrite(out->data, 1, out->len, stdout);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "postoak: cannot write to standard output: %s\n",
	    strerror(errno));
	return -1;
}

int
show_json(struct json *json)
{
	struct buf out;
	int rc = -1;

	buf_init(&out, SHOW_MAX);
	if (json_write(json, &out, 1) == 0) {
		buf_adds(&out, "\n");
		rc = show_out(&out);
	}
	buf_clear(&out);
	json_free(json);
	return rc;
}

int
show_error(const struct err *err)
{
	struct buf out;

	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "postoak: ");
	show_text(&out, err->text);
	buf_adds(&out, "\n");
	if (out.data != NULL)
		fwrite(out.data, 1, out.len, stderr);
	buf_clear(&out);
	return err_exit_code(err->kind);
}

struct json *
show_error_json(const struct err *err)
{
	struct json *json = json_object();

	json_set_int(json, "version", 1);
	json_set_string(json, "status", "error");
	json_set_string(json, "kind", err_kind_name(err->kind));
	json_set_string(json, "code", err->code);
	json_set_string(json, "text", err->text);
	return json;
}

const char *
show_string(const struct json *json, const char *key)
{
	const char *value = json_get_string(json, key);

	return value != NULL ? value : "";
}

int64_t
show_int(const struct json *json, const char *key)
{
	int64_t value = 0;

	json_get_int(json, key, &value);
	return value;
}

struct show_style
show_style_now(void)
{
	return (struct show_style){
	    .now_s = clock_wall_s(), .colours = show_colours()};
}
