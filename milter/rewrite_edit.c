/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite_edit - see rewrite_edit.h.
 */
#include "rewrite_edit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct rewrite_edit *
new_edit(struct rewrite_edits *edits, enum rewrite_edit_kind kind,
    enum rewrite_name name)
{
	struct rewrite_edit *edit;

	assert(edits->count < REWRITE_EDITS_MAX);
	edit = &edits->items[edits->count++];
	memset(edit, 0, sizeof(*edit));
	edit->kind = kind;
	edit->name = name;
	return edit;
}

void
rewrite_edit_clear(struct rewrite_edits *edits)
{
	while (edits->count > 0)
		free(edits->items[--edits->count].value);
	edits->failed = 0;
}

void
rewrite_edit_delete(struct rewrite_edits *edits, enum rewrite_name name,
    size_t first, size_t last)
{
	struct rewrite_edit *edit;

	if (first > last)
		return;
	edit = new_edit(edits, REWRITE_EDIT_DELETE, name);
	edit->first = first;
	edit->last = last;
}

void
rewrite_edit_value(struct rewrite_edits *edits, enum rewrite_edit_kind kind,
    enum rewrite_name name, struct buf *value)
{
	struct rewrite_edit *edit = new_edit(edits, kind, name);

	if (value->truncated || value->data == NULL)
		edits->failed = 1;
	else
		edit->value = buf_take(value);
	buf_clear(value);
}

void
rewrite_edit_text(struct rewrite_edits *edits, enum rewrite_edit_kind kind,
    enum rewrite_name name, const char *text)
{
	struct buf value;

	buf_init(&value, REWRITE_MADE_MAX);
	(void)buf_adds(&value, text);
	rewrite_edit_value(edits, kind, name, &value);
}

void
rewrite_edit_replace(struct rewrite_edits *edits, enum rewrite_name name,
    size_t count, struct buf *value)
{
	rewrite_edit_delete(edits, name, 2, count);
	rewrite_edit_value(edits,
	    count > 0 ? REWRITE_EDIT_CHANGE : REWRITE_EDIT_ADD, name, value);
}
