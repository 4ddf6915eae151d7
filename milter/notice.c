/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice - see notice.h.
 */
#include "notice.h"

#include <string.h>
#include <strings.h>

/* 1 if the value begins with the word, blanks before it aside. */
static int
begins(const struct rewrite_value *value, const char *word)
{
	size_t i = 0, n = strlen(word);

	while (i < value->len && value->data[i] <= ' ' && value->data[i] > 0)
		i++;
	return value->len - i >= n &&
	       strncasecmp(value->data + i, word, n) == 0;
}

static int
has(const struct rewrite_value *value, const char *word)
{
	size_t i, n = strlen(word);

	for (i = 0; i + n <= value->len; i++)
		if (strncasecmp(value->data + i, word, n) == 0)
			return 1;
	return 0;
}

static int
is_report(const struct rewrite_field *type)
{
	return type->count > 0 && begins(&type->kept[0], "multipart/report") &&
	       (has(&type->kept[0], "delivery-status") ||
		   has(&type->kept[0], "disposition-notification"));
}

int
notice_is(const struct rewrite_input *input, int null_sender)
{
	const struct rewrite_field *automatic =
	    &input->fields[REWRITE_AUTO_SUBMITTED];

	return null_sender || input->fields[REWRITE_TRACE].count > 0 ||
	       (automatic->count > 0 &&
		   begins(&automatic->kept[0], "auto-replied")) ||
	       is_report(&input->fields[REWRITE_CONTENT_TYPE]);
}

int
notice_loops(const struct rewrite_input *input)
{
	return input->fields[REWRITE_TRACE].count > NOTICE_PASSES_MAX;
}

void
notice_mark(struct rewrite_edits *edits, const struct rewrite_input *input,
    const char *mailbox)
{
	const struct rewrite_field *automatic =
	    &input->fields[REWRITE_AUTO_SUBMITTED];
	struct buf value;

	/* "no" would say that a person wrote it. */
	if (automatic->count != 1 || !begins(&automatic->kept[0], "auto-")) {
		buf_init(&value, REWRITE_MADE_MAX);
		(void)buf_adds(&value, "auto-generated");
		rewrite_edit_replace(
		    edits, REWRITE_AUTO_SUBMITTED, automatic->count, &value);
	}
	rewrite_edit_text(edits, REWRITE_EDIT_ADD, REWRITE_TRACE, mailbox);
}
