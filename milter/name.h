/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NAME_H
#define POSTOAK_NAME_H

#include <stddef.h>

#include "address.h"

/*
 * name - a display name taken apart into text, unquoted, and the sender's own
 * encoded words (RFC 2047), which are handed on as they stand: no charset has
 * to be known for that. Control characters become blanks, and what would make
 * an address of a name is left out. Pure and bounded.
 */

#define NAME_MAX_LEN 512  /* bytes of a display name that are kept */
#define NAME_TEXT_MAX 900 /* bytes of a free text that are kept */
#define NAME_PARTS_MAX 24

struct name_part {
	size_t start;
	size_t len;
	int encoded; /* an encoded word */
};

struct name {
	char text[NAME_TEXT_MAX];
	size_t len;
	size_t max;
	struct name_part parts[NAME_PARTS_MAX];
	size_t count;
	int disarmed; /* what would make an address of it was left out */
};

/*
 * The name of "from" (its comment when it has no name) in place of "%n" in
 * pattern; "%%" is a percent sign. When from has no name and the pattern
 * consists of more than "%n", its local part stands in. from may be NULL.
 */
void name_expand(
    struct name *name, const char *pattern, const struct address *from);

/* Free text as a single part (none if it is blank). */
void name_text(struct name *name, const char *data, size_t len);

/* 1 if nothing in the name of from has to be left out. */
int name_is_harmless(const struct address *from);

int name_is_utf8(const char *data, size_t len);

#endif
