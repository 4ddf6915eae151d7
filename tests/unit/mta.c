/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mta - see mta.h.
 */
#include "mta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#define FIELDS_MAX 200
struct field {
	const char *name;
	char *value;
};

struct rewrite_policy mta_policy;
int mta_utf8;
static struct address own;
struct rewrite_result mta_result;
static struct field fields[FIELDS_MAX];
size_t mta_count;
char mta_sender[1024];

int
mta_setup(void **state)
{
	(void)state;
	memset(&mta_policy, 0, sizeof(mta_policy));
	mta_utf8 = 0;
	mta_policy.from_name = "%n";
	mta_policy.reply_to = "original";
	mta_policy.on_sender = CONF_SENDER_REWRITE;
	mta_policy.send_as_text = ", sales@contoso.com, @alias.contoso.com";
	map_init(&mta_policy.send_as);
	assert_int_equal(rewrite_allow(&mta_policy, "sales@contoso.com"), 0);
	assert_int_equal(rewrite_allow(&mta_policy, "@alias.contoso.com"), 0);
	assert_int_equal(address_parse_path(OWN, strlen(OWN), &own), 1);
	return 0;
}

void
mta_clear(void)
{
	while (mta_count > 0)
		free(fields[--mta_count].value);
}

int
mta_teardown(void **state)
{
	(void)state;
	mta_clear();
	rewrite_clear(&mta_result);
	map_clear(&mta_policy.send_as);
	return 0;
}

void
mta_add(const char *name, const char *value)
{
	assert_true(mta_count < FIELDS_MAX);
	fields[mta_count].name = name;
	fields[mta_count++].value = strdup(value);
}

size_t
mta_place(const char *name, size_t index)
{
	size_t i;

	for (i = 0; i < mta_count; i++)
		if (strcasecmp(fields[i].name, name) == 0 && --index == 0)
			return i;
	return mta_count;
}

void
mta_change(const char *name, size_t index, const char *value)
{
	size_t i = mta_place(name, index);

	if (i == mta_count) {
		if (value != NULL)
			mta_add(name, value);
		return;
	}
	free(fields[i].value);
	if (value != NULL) {
		fields[i].value = strdup(value);
		return;
	}
	memmove(fields + i, fields + i + 1,
	    (mta_count - i - 1) * sizeof(fields[0]));
	mta_count--;
}

static void
carry_out(const struct rewrite_edit *edit)
{
	const char *name =
	    edit->name < REWRITE_NAMES ? rewrite_field_name(edit->name) : NULL;
	size_t i;

	switch (edit->kind) {
	case REWRITE_EDIT_SENDER:
		strcpy(mta_sender, edit->value);
		break;
	case REWRITE_EDIT_DELETE:
		for (i = edit->last; i >= edit->first; i--)
			mta_change(name, i, NULL);
		break;
	case REWRITE_EDIT_CHANGE:
		assert_true(mta_place(name, 1) < mta_count);
		mta_change(name, 1, edit->value);
		break;
	case REWRITE_EDIT_ADD:
		mta_add(name, edit->value);
		break;
	}
}

void
mta_decide(const char *envelope)
{
	struct rewrite_input input = {.sender = envelope, .utf8 = mta_utf8};
	struct rewrite_senders senders;
	size_t i;

	rewrite_clear(&mta_result);
	strcpy(mta_sender, envelope);
	for (i = 0; i < mta_count; i++) {
		enum rewrite_name name = rewrite_field_find(fields[i].name);
		struct rewrite_field *field;

		if (name == REWRITE_NAMES)
			continue;
		field = &input.fields[name];
		if (field->count < REWRITE_KEPT_MAX) {
			size_t len = strlen(fields[i].value);

			field->kept[field->count].data = fields[i].value;
			field->kept[field->count].cut = len > REWRITE_VALUE_MAX;
			field->kept[field->count].len =
			    len > REWRITE_VALUE_MAX ? REWRITE_VALUE_MAX : len;
		}
		field->count++;
	}
	rewrite_read(&input, &senders);
	assert_int_equal(
	    rewrite_decide(&mta_policy, &own, &input, &senders, &mta_result),
	    0);
	/* The values are borrowed: edit only now. */
	for (i = 0; i < mta_result.edits.count; i++)
		carry_out(&mta_result.edits.items[i]);
}

const char *
mta_value(const char *name)
{
	size_t i = mta_place(name, 1);

	return i < mta_count ? fields[i].value : NULL;
}

void
mta_expect(const char *name, const char *value)
{
	const char *is = mta_value(name);

	if (value == NULL && is == NULL)
		return;
	if (value == NULL || is == NULL || strcmp(value, is) != 0)
		fail_msg("%s: \"%s\", expected \"%s\"", name,
		    is ? is : "(none)", value ? value : "(none)");
}

void
mta_expect_folded(const char *name)
{
	const char *p = mta_value(name);
	size_t column = strlen(name) + 2;

	for (; *p != '\0'; p++) {
		if (*p == '\n') {
			assert_true(p[1] == ' ' || p[1] == '\t');
			column = 0;
		} else {
			assert_true((unsigned char)*p >= ' ');
			assert_true((unsigned char)*p < 0x7f);
			column++;
			if (column > 78)
				fail_msg(
				    "%s too long: %s", name, mta_value(name));
		}
	}
}

static int
is_allowed(const struct address *address)
{
	char key[ADDRESS_TEXT_MAX];

	address_key(address, key);
	return strcmp(key, OWN) == 0 || strcmp(key, "sales@contoso.com") == 0 ||
	       strcmp(strchr(key, '@'), "@alias.contoso.com") == 0;
}

/* After the edits: exactly one From with one allowed address, and an allowed
 * envelope sender. */
void
mta_expect_promise(void)
{
	struct address_list list;
	struct address address;
	const char *from = mta_value("From");

	assert_non_null(from);
	assert_int_equal(mta_place("From", 2), mta_count);
	if (address_parse(from, strlen(from), &list) < 0)
		fail_msg("From: %s: %s", from, list.problem);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.flags, 0);
	assert_true(is_allowed(&list.kept[0]));
	assert_int_equal(
	    address_parse_path(mta_sender, strlen(mta_sender), &address), 1);
	assert_true(is_allowed(&address));
	mta_expect("Bcc", NULL);
	mta_expect("Return-Path", NULL);
}

/* Decide about one From field. */
void
mta_from(const char *value, const char *expected)
{
	mta_clear();
	mta_add("From", value);
	mta_decide("<app@local.example>");
	mta_expect_promise();
	mta_expect("From", expected);
}
