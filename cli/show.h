/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SHOW_H
#define POSTOAK_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "json.h"

/*
 * show - output for people: colours where a terminal takes them, columns,
 * wrapped text, and nothing that came from outside put on a terminal raw.
 * Everything is collected in a buffer and written once.
 */

#define SHOW_WIDTH 80
#define SHOW_MAX (192 * 1024 * 1024) /* bytes of one output */

enum show_tone { SHOW_PLAIN, SHOW_GOOD, SHOW_WARN, SHOW_BAD, SHOW_STRONG };

/* 1 if standard output takes colours: a terminal, no NO_COLOR, no TERM=dumb.
 * https://no-color.org */
int show_colours(void);

/*
 * Append text with control characters (C0, DEL, C1) and bytes that are no
 * UTF-8 shown as \xNN. Returns the columns it takes.
 */
size_t show_text(struct buf *out, const char *text);

/* The same, cut to width columns with "..." or filled up with blanks. */
void show_cell(struct buf *out, const char *text, size_t width);

/* The same in a tone; colours 0: plain. */
void show_toned(struct buf *out, const char *text, size_t width,
    enum show_tone tone, int colours);

/*
 * Append text wrapped at SHOW_WIDTH, all lines but the first indented; the
 * first one goes on at column `indent`. Ends with a newline.
 */
void show_wrapped(struct buf *out, const char *text, size_t indent);

/* Append "  label    text", text wrapped behind the label's column. */
void show_field(struct buf *out, const char *label, const char *text);

/* Write a buffer to standard output. 0, or -1 with a message on standard
 * error. */
int show_out(const struct buf *out);

/* Write a document to standard output, indented, and free it. 0 or -1. */
int show_json(struct json *json);

/* "postoak: text" on standard error, escaped and wrapped; returns the exit
 * code for the kind. */
int show_error(const struct err *err);

/* An error as a document: version, status, kind, code, text. */
struct json *show_error_json(const struct err *err);

/* How tables are shown. */
struct show_style {
	int64_t now_s; /* wall clock */
	int colours;
	int whole; /* lists have each account's bars and ends, too */
};

/* A member of an answer: "" or 0 if it is absent or of another type. */
const char *show_string(const struct json *json, const char *key);
int64_t show_int(const struct json *json, const char *key);

/* By this terminal and the clock. */
struct show_style show_style_now(void);

#endif
