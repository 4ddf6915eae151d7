/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block - see block.h.
 */
#include "block.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELDS_MAX (HOSTILE_FIELDS + 16)

static const char *const allowed[] = {
    "relay@contoso.com", "sales@contoso.com", NULL};
const struct judge_rules block_rules = {
    .addresses = allowed, .domain = "@alias.contoso.com"};

/* In place of milter/config: these messages have no configuration. */
void
config_put(struct config *config)
{
	assert(config == NULL);
}

struct field {
	const char *name;
	const char *value;
	int ours;    /* the MTA puts a blank before the value */
	int deleted; /* and still counted */
};

void
block_init(struct block *block)
{
	static const char own[] = "relay@contoso.com";

	memset(block, 0, sizeof(*block));
	map_init(&block->policy.send_as);
	(void)rewrite_allow(&block->policy, "sales@contoso.com");
	(void)rewrite_allow(&block->policy, "@alias.contoso.com");
	block->policy.send_as_text = "";
	(void)address_parse_path(own, strlen(own), &block->own);
	message_init(&block->message);
}

void
block_clear(struct block *block)
{
	rewrite_clear(&block->result);
	message_clear(&block->message);
	map_clear(&block->policy.send_as);
}

static void
choose_policy(struct block *block, const struct hostile *hostile)
{
	static const char *const from_names[] = {
	    "%n", "%n via Contoso", "Fixed, 100%%", "%n (%n)"};
	static const char *const reply_tos[] = {
	    "original", "none", "desk@contoso.com"};

	block->policy.from_name = from_names[hostile->state % 4];
	block->policy.reply_to = reply_tos[hostile->state / 4 % 3];
}

int
block_decide(struct block *block, const struct hostile *hostile)
{
	struct rewrite_input input;
	struct rewrite_senders senders;
	size_t i;

	choose_policy(block, hostile);
	message_mail(&block->message, NULL, hostile->sender, NULL, 0);
	if (hostile->utf8)
		message_utf8(&block->message);
	for (i = 0; i < hostile->count; i++)
		message_header(&block->message, hostile->fields[i].name,
		    hostile->fields[i].value);
	message_input(&block->message, &input);
	rewrite_clear(&block->result);
	rewrite_read(&input, &senders);
	if (rewrite_decide(&block->policy, &block->own, &input, &senders,
		&block->result) < 0)
		return -1;
	return block->result.refused || block->result.discarded ? -1 : 0;
}

static int
same_name(const char *a, const char *b)
{
	size_t len = strlen(b);

	return strncasecmp(a, b, len) == 0 &&
	       a[len + strspn(a + len, " \t")] == '\0';
}

/* The field that an MTA takes for the index-th of that name; count if none. */
static size_t
find(const struct field *fields, size_t count, const char *name, size_t index)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (same_name(fields[i].name, name) && --index == 0)
			break;
	return i;
}

static void
delete_field(struct field *fields, size_t *count, size_t at, enum block_mta mta)
{
	/* An index behind the last one deletes nothing. */
	if (at == *count)
		return;
	if (mta == BLOCK_SENDMAIL) {
		fields[at].deleted = 1;
		return;
	}
	memmove(fields + at, fields + at + 1,
	    (*count - at - 1) * sizeof(fields[0]));
	(*count)--;
}

static void
carry_out(struct field *fields, size_t *count, const struct rewrite_edit *edit,
    enum block_mta mta)
{
	const char *name = rewrite_field_name(edit->name);
	size_t i, at = *count;

	if (edit->kind == REWRITE_EDIT_DELETE) {
		for (i = edit->last; i >= edit->first; i--)
			delete_field(
			    fields, count, find(fields, *count, name, i), mta);
		return;
	}
	if (edit->kind == REWRITE_EDIT_CHANGE)
		at = find(fields, *count, name, 1);
	/* A change of a field that is not there adds one. */
	assert(at < FIELDS_MAX);
	*count += at == *count;
	fields[at] =
	    (struct field){.name = name, .value = edit->value, .ours = 1};
}

static void
put(struct block *block, const char *text)
{
	size_t len = strlen(text);

	assert(block->len + len < sizeof(block->text));
	memcpy(block->text + block->len, text, len);
	block->len += len;
}

static void
put_fields(struct block *block, const struct field *fields, size_t count)
{
	size_t i;

	block->len = 0;
	for (i = 0; i < count; i++) {
		if (fields[i].deleted)
			continue;
		put(block, fields[i].name);
		put(block, fields[i].ours ? ": " : ":");
		put(block, fields[i].value);
		put(block, "\n");
	}
}

static size_t
copy_fields(struct field *fields, const struct hostile *hostile)
{
	size_t i;

	for (i = 0; i < hostile->count; i++)
		fields[i] = (struct field){.name = hostile->fields[i].name,
		    .value = hostile->fields[i].value};
	return hostile->count;
}

void
block_edit(
    struct block *block, const struct hostile *hostile, enum block_mta mta)
{
	struct field fields[FIELDS_MAX];
	size_t i, count = copy_fields(fields, hostile);
	const struct rewrite_edits *edits = &block->result.edits;

	(void)snprintf(
	    block->sender, sizeof(block->sender), "%s", hostile->sender);
	for (i = 0; i < edits->count; i++) {
		const struct rewrite_edit *edit = &edits->items[i];

		if (edit->kind == REWRITE_EDIT_SENDER)
			(void)snprintf(block->sender, sizeof(block->sender),
			    "%s", edit->value);
		else
			carry_out(fields, &count, edit, mta);
	}
	put_fields(block, fields, count);
}

void
block_before(struct block *block, const struct hostile *hostile)
{
	struct field fields[FIELDS_MAX];

	put_fields(block, fields, copy_fields(fields, hostile));
}
