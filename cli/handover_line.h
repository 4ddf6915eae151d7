/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HANDOVER_LINE_H
#define POSTOAK_HANDOVER_LINE_H

#include <stddef.h>

#include "buf.h"

/*
 * handover_line - the characters of a text that went through word processors,
 * mail programs and chats: which of them are blanks, quotes, colons, dashes.
 * Called by handover. Pure.
 */

enum handover_class {
	HANDOVER_OTHER,
	HANDOVER_BLANK,	    /* also no-break and tabulator */
	HANDOVER_SEPARATOR, /* colon, equals sign, arrow, bar */
	HANDOVER_QUOTE,
	HANDOVER_DASH,
	HANDOVER_BULLET, /* also emphasis */
	HANDOVER_UNSEEN, /* zero width, marks of direction */
};

/* A line of a text. */
struct handover_line {
	const char *begin; /* behind the marks of a quoted mail */
	const char *end;
	int number;
	int depth; /* of quotation */
};

/* The class of the character at p, which is no NUL, and its length. A byte that
 * is no UTF-8 is one of Windows-1252. */
enum handover_class handover_class(const char *p, size_t *len);

/* Behind the marks of a quoted mail, "> > ", at most depth of them; depth is
 * set to how many there were. */
const char *handover_unquote(const char *p, const char *end, int *depth);

/* Behind blanks, bullets, numbers of a list, quotes, emphasis. */
const char *handover_skip_marks(const char *p, const char *end);

/* Behind blanks. */
const char *handover_skip_blanks(const char *p, const char *end);

/* 1 if one word, or nothing, is from p to end. */
int handover_is_alone(const char *p, const char *end);

/*
 * Append the value from p to end: without blanks and a pair of quotes around
 * it, and without what is not seen. plain: a hyphen of any kind is "-" (not in
 * a password, which may hold anything).
 */
void handover_value(struct buf *out, const char *p, const char *end, int plain);

#endif
