/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REWRITE_EDIT_H
#define POSTOAK_REWRITE_EDIT_H

#include "buf.h"
#include "rewrite_input.h"

/*
 * rewrite_edit - the edits of a message while they are decided about. Pure;
 * session carries them out.
 */

#define REWRITE_EDITS_MAX 32   /* more than all rules together make */
#define REWRITE_MADE_MAX 16384 /* bytes of a value that is made here */

enum rewrite_edit_kind {
	REWRITE_EDIT_SENDER, /* envelope sender becomes value */
	REWRITE_EDIT_DELETE, /* fields of that name from last to first */
	REWRITE_EDIT_CHANGE, /* the first field of that name */
	REWRITE_EDIT_ADD,
};

struct rewrite_edit {
	enum rewrite_edit_kind kind;
	enum rewrite_name name;
	size_t first, last; /* DELETE: indexes from 1, last to first */
	char *value;	    /* owned by the list; NULL for DELETE */
};

struct rewrite_edits {
	size_t count;
	int failed; /* out of memory or room: the list is not complete */
	struct rewrite_edit items[REWRITE_EDITS_MAX];
};

/* Free the values; the list is empty then. */
void rewrite_edit_clear(struct rewrite_edits *edits);

/* Delete the fields of that name from number first to last; none if first is
 * behind last. */
void rewrite_edit_delete(struct rewrite_edits *edits, enum rewrite_name name,
    size_t first, size_t last);

/* Takes what was written into value, and clears it. */
void rewrite_edit_value(struct rewrite_edits *edits,
    enum rewrite_edit_kind kind, enum rewrite_name name, struct buf *value);
void rewrite_edit_text(struct rewrite_edits *edits, enum rewrite_edit_kind kind,
    enum rewrite_name name, const char *text);

/* Leave one field of that name, of which there are "count", with the value. */
void rewrite_edit_replace(struct rewrite_edits *edits, enum rewrite_name name,
    size_t count, struct buf *value);

#endif
