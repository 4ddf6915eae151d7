/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dkim - see dkim.h.
 */
#include "dkim.h"

#include <string.h>
#include <strings.h>

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text up to c or the end, without the blanks around it; *at moves behind
 * c. */
static size_t
take(const char **at, const char *end, char c, const char **start)
{
	const char *stop = memchr(*at, c, (size_t)(end - *at));
	const char *next = stop != NULL ? stop + 1 : end;

	if (stop == NULL)
		stop = end;
	while (*at < stop && is_space(**at))
		(*at)++;
	while (stop > *at && is_space(stop[-1]))
		stop--;
	*start = *at;
	*at = next;
	return (size_t)(stop - *start);
}

/* The value of the tag "h" (section 3.2: tags are separated by semicolons). */
static size_t
find_h(const struct rewrite_value *signature, const char **value)
{
	const char *at = signature->data, *end = at + signature->len;
	const char *tag, *tag_at;
	size_t len;

	while (at < end) {
		len = take(&at, end, ';', &tag);
		tag_at = tag;
		if (memchr(tag, '=', len) != NULL &&
		    take(&tag_at, tag + len, '=', value) == 1 &&
		    **value == 'h') {
			*value = tag_at;
			return (size_t)(tag + len - tag_at);
		}
	}
	return 0;
}

int
dkim_signs(const struct rewrite_value *signature, const char *name)
{
	const char *at, *end, *item;
	size_t len = find_h(signature, &at);

	if (len == 0 || signature->cut)
		return 1;
	for (end = at + len; at < end;) {
		len = take(&at, end, ':', &item);
		if (len == strlen(name) && strncasecmp(item, name, len) == 0)
			return 1;
	}
	return 0;
}

static int
is_stale(
    const struct rewrite_edits *edits, const struct rewrite_value *signature)
{
	size_t i;

	for (i = 0; i < edits->count; i++)
		if (edits->items[i].kind != REWRITE_EDIT_SENDER &&
		    dkim_signs(
			signature, rewrite_field_name(edits->items[i].name)))
			return 1;
	return 0;
}

void
dkim_drop_stale(struct rewrite_edits *edits, const struct rewrite_input *input)
{
	const struct rewrite_field *field =
	    &input->fields[REWRITE_DKIM_SIGNATURE];
	struct rewrite_value unread = {.data = "", .cut = 1};
	size_t i;

	/* From the last to the first: each deletion shifts those behind it. */
	if (field->count > REWRITE_KEPT_MAX && is_stale(edits, &unread))
		rewrite_edit_delete(edits, REWRITE_DKIM_SIGNATURE,
		    REWRITE_KEPT_MAX + 1, field->count);
	for (i = REWRITE_KEPT_MAX; i > 0; i--)
		if (i <= field->count && is_stale(edits, &field->kept[i - 1]))
			rewrite_edit_delete(
			    edits, REWRITE_DKIM_SIGNATURE, i, i);
}
