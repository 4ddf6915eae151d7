/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PHRASE_H
#define POSTOAK_PHRASE_H

#include <stddef.h>

#include "address.h"
#include "buf.h"

/*
 * phrase - write address field values of our own: display names quoted or
 * encoded as they need (RFC 5322 3.2.5, RFC 2047 section 5 rule 3), folded
 * within 78 columns, ASCII but for the address itself. Nothing of the input is
 * copied unread: names are taken apart into words and made anew. Pure.
 */

struct phrase_line {
	struct buf *out;
	size_t column;
	int first; /* nothing written yet */
};

/* Begin the value of the field in out. */
void phrase_begin(struct phrase_line *line, struct buf *out, const char *field);

/*
 * Write "Display Name <text>", text being an address by address_format, the
 * name as name_expand makes it of pattern and from.
 */
void phrase_mailbox(struct phrase_line *line, const char *pattern,
    const struct address *from, const char *text);

/* Write the comma between two mailboxes. */
void phrase_comma(struct phrase_line *line);

/*
 * Write unstructured text: folds and control characters become blanks, what is
 * not ASCII becomes encoded words, the end is cut.
 */
void phrase_text(struct phrase_line *line, const char *data, size_t len);

#endif
