/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/rewrite_field milter/charset milter/rewrite_edit milter/notice
 * link: milter/dkim milter/encoded
 * link: milter/rewrite milter/phrase milter/name milter/address milter/scan
 * link: milter/map tests/unit/mta
 *
 * rewrite: which edits a message gets. The edits are carried out on a list of
 * fields, as an MTA does it, and the promise is checked: one From with one
 * allowed address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "mta.h"

static void
own_sender_is_left_alone(void **state)
{
	(void)state;
	mta_add("From", "Relay <relay@contoso.com>");
	mta_add("Subject", "x");
	mta_decide("<relay@contoso.com>");
	assert_int_equal(mta_result.edits.count, 0);
	assert_int_equal(mta_result.changed, 0);
	mta_expect_promise();
}

static void
send_as_is_left_alone(void **state)
{
	(void)state;
	mta_add("From", " \"Sales, EMEA\"\n <Sales@CONTOSO.com>");
	mta_decide("<anyone@alias.contoso.com>");
	assert_int_equal(mta_result.edits.count, 0);
	mta_expect_promise();
}

static void
foreign_sender_becomes_the_account(void **state)
{
	(void)state;
	mta_add("From", "ERP System <erp@app.local>");
	mta_add("Sender", "root@app.local");
	mta_add("Bcc", "x@y.example");
	mta_add("bcc", "z@y.example");
	mta_add("Return-Path", "<erp@app.local>");
	mta_decide("<erp@app.local>");
	mta_expect_promise();
	assert_int_equal(mta_result.changed, 1);
	mta_expect("From", "ERP System <relay@contoso.com>");
	mta_expect("Reply-To", "ERP System <erp@app.local>");
	mta_expect("X-Original-From", "ERP System <erp@app.local>");
	mta_expect("Sender", NULL);
	assert_string_equal(mta_sender, "<relay@contoso.com>");
	assert_string_equal(mta_result.was, "erp@app.local");
	assert_string_equal(mta_result.now, "relay@contoso.com");
}

static void
allowed_from_with_foreign_envelope(void **state)
{
	(void)state;
	mta_add("From", "sales@contoso.com");
	mta_decide("<bounce@app.local>");
	mta_expect("From", "sales@contoso.com");
	mta_expect("Reply-To", NULL);
	mta_expect("X-Original-From", NULL);
	assert_string_equal(mta_sender, "<sales@contoso.com>");
}

static void
foreign_from_with_allowed_envelope(void **state)
{
	(void)state;
	mta_add("From", "erp@app.local");
	mta_decide("<sales@contoso.com>");
	mta_expect("From", "<relay@contoso.com>");
	assert_string_equal(mta_sender, "<sales@contoso.com>");
	mta_expect_promise();
}

static void
existing_reply_to_is_kept(void **state)
{
	(void)state;
	mta_add("Reply-To", "Desk <desk@app.local>");
	mta_add("From", "erp@app.local");
	mta_decide("<erp@app.local>");
	mta_expect("Reply-To", "Desk <desk@app.local>");
	assert_int_equal(mta_place("Reply-To", 2), mta_count);
}

/* Else the reader would answer the account. */
static void
reply_to_that_names_nobody_is_none(void **state)
{
	static const char *const values[] = {
	    "", " ", "<>", "nobody", "a@b c@d", "undisclosed-recipients:;"};
	size_t i;

	(void)state;
	mta_add("From", "erp@app.local");
	mta_add("Reply-To", "");
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		mta_change("From", 1, "erp@app.local");
		mta_change("Reply-To", 1, values[i]);
		mta_decide("<erp@app.local>");
		mta_expect("Reply-To", "<erp@app.local>");
		mta_expect_promise();
	}
}

static void
reply_to_behind_an_empty_one_is_kept(void **state)
{
	(void)state;
	mta_add("From", "erp@app.local");
	mta_add("Reply-To", "");
	mta_add("Reply-To", "desk@app.local");
	mta_decide("<erp@app.local>");
	mta_expect("Reply-To", "desk@app.local");
	assert_int_equal(mta_place("Reply-To", 2), mta_count);
}

static void
unreadable_reply_to_stays_under_none(void **state)
{
	(void)state;
	mta_policy.reply_to = "none";
	mta_add("From", "erp@app.local");
	mta_add("Reply-To", "nobody");
	mta_decide("<erp@app.local>");
	mta_expect("Reply-To", "nobody");
}

static void
reply_to_policies(void **state)
{
	(void)state;
	mta_policy.reply_to = "none";
	mta_add("From", "erp@app.local");
	mta_decide("<erp@app.local>");
	mta_expect("Reply-To", NULL);
	mta_change("From", 1, "erp@app.local");
	mta_policy.reply_to = "desk@contoso.com";
	mta_decide("<erp@app.local>");
	mta_expect("Reply-To", "desk@contoso.com");
}

static void
forged_original_is_removed(void **state)
{
	(void)state;
	mta_add("X-Original-From", "a@b");
	mta_add("From", OWN);
	mta_add("x-original-from", "c@d");
	mta_decide("<" OWN ">");
	mta_expect("X-Original-From", NULL);
	mta_expect("From", OWN);
}

static void
sender_field_of_an_allowed_message(void **state)
{
	(void)state;
	mta_add("From", OWN);
	mta_add("Sender", "sales@contoso.com");
	mta_decide("<" OWN ">");
	mta_expect("Sender", "sales@contoso.com");
	mta_change("Sender", 1, "boss@contoso.com");
	mta_decide("<" OWN ">");
	mta_expect("Sender", NULL);
	mta_add("Sender", "sales@contoso.com");
	mta_add("Sender", "sales@contoso.com");
	mta_decide("<" OWN ">");
	mta_expect("Sender", NULL);
}

static void
resent_fields(void **state)
{
	(void)state;
	mta_add("From", OWN);
	mta_add("Resent-From", "evil@example.com");
	mta_add("Resent-Sender", "evil@example.com");
	mta_decide("<" OWN ">");
	mta_expect("Resent-From", NULL);
	mta_expect("Resent-Sender", NULL);
}

static void
from_repeated(void **state)
{
	(void)state;
	mta_add("From", OWN);
	mta_add("FROM", "sales@contoso.com");
	mta_add("Subject", "x");
	mta_add("from", "evil@example.com");
	mta_decide("<" OWN ">");
	mta_expect_promise();
	mta_expect("From", "<" OWN ">");
	mta_expect(
	    "X-Original-From", OWN ", sales@contoso.com, evil@example.com");
}

static void
from_missing(void **state)
{
	(void)state;
	mta_add("Subject", "x");
	mta_decide("<erp@app.local>");
	mta_expect_promise();
	mta_expect("From", "<relay@contoso.com>");
	mta_expect("Reply-To", "<erp@app.local>");
	mta_expect("X-Original-From", NULL);
}

static void
from_unreadable(void **state)
{
	static const char *const values[] = {"", " ", "Ann", "<>", "a@b@c",
	    "relay@contoso.com <evil@example.com>",
	    "evil@example.com <relay@contoso.com>", "relay@contoso.com\n",
	    "relay@contoso.com,", "(relay@contoso.com", "\"relay@contoso.com",
	    "evil@example.com\r relay@contoso.com", "G:;",
	    "relay@contoso.com evil@example.com", "\xff\xfe@\xfd",
	    "<relay@contoso.com> <evil@example.com>"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		mta_clear();
		mta_add("From", values[i]);
		mta_decide("<app@local.example>");
		mta_expect_promise();
		if (mta_value("X-Original-From") != NULL)
			mta_expect_folded("X-Original-From");
	}
}

static void
null_sender(void **state)
{
	(void)state;
	mta_add("From", "MAILER-DAEMON@host.example (Mail Delivery System)");
	mta_decide("<>");
	mta_expect_promise();
	assert_string_equal(mta_sender, "<relay@contoso.com>");
	mta_expect("Auto-Submitted", "auto-generated");
	mta_change("Auto-Submitted", 1, " Auto-Replied (rejected)");
	mta_decide("");
	mta_expect("Auto-Submitted", " Auto-Replied (rejected)");
	mta_change("Auto-Submitted", 1, "no");
	mta_decide("<>");
	mta_expect("Auto-Submitted", "auto-generated");
	mta_decide("<a@b>");
	mta_expect("Auto-Submitted", "auto-generated");
}

static void
unreadable_envelope(void **state)
{
	(void)state;
	mta_add("From", OWN);
	mta_decide("root");
	mta_expect_promise();
	mta_decide("<a@b>x");
	mta_expect_promise();
	mta_decide("<\"relay@contoso.com\"@evil.example>");
	mta_expect_promise();
}

static void
reject(const char *envelope, const char *sentence)
{
	mta_decide(envelope);
	if (sentence == NULL) {
		assert_int_equal(mta_result.refused, 0);
		return;
	}
	assert_int_equal(mta_result.refused, 1);
	assert_string_equal(mta_result.reason, sentence);
	assert_int_equal(mta_result.edits.count, 0);
}

#define ALLOWED                                                                \
	"; send as relay@contoso.com, sales@contoso.com, @alias.contoso.com"

static void
on_sender_reject(void **state)
{
	(void)state;
	mta_policy.on_sender = CONF_SENDER_REJECT;
	mta_add("From", "erp@app.local");
	reject("<" OWN ">",
	    "the From address erp@app.local is not this account's" ALLOWED);
	reject("<erp@app.local>", "the envelope sender <erp@app.local> is not "
				  "this account's" ALLOWED);
	mta_change("From", 1, OWN);
	reject("<" OWN ">", NULL);
	mta_change("From", 1, "Ann");
	reject("<" OWN ">", "the From field cannot be read: a name without an "
			    "address" ALLOWED);
	mta_change("From", 1, OWN ", " OWN);
	reject(
	    "<" OWN ">", "the From field holds more than one address" ALLOWED);
	mta_change("From", 1, NULL);
	reject("<" OWN ">",
	    "the message has 0 From fields instead of one" ALLOWED);
	/* Nobody would read why. */
	mta_add("From", "MAILER-DAEMON@host.example");
	reject("<>", NULL);
	mta_expect_promise();
}

static void
on_sender_pass(void **state)
{
	(void)state;
	mta_policy.on_sender = CONF_SENDER_PASS;
	mta_add("From", "erp@app.local");
	mta_add("Bcc", "a@b");
	mta_decide("<erp@app.local>");
	assert_int_equal(mta_result.edits.count, 0);
	assert_int_equal(mta_result.changed, 0);
	assert_string_equal(mta_result.now, "erp@app.local");
}

static void
endless_repetition_is_refused(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		mta_add("From", OWN);
	mta_decide("<" OWN ">");
	mta_expect_promise();
	for (i = 0; i < 101; i++)
		mta_add("Bcc", "a@b");
	mta_decide("<" OWN ">");
	assert_int_equal(mta_result.refused, 1);
}

static void
oversized_from_is_replaced(void **state)
{
	char *value = malloc(100001);

	(void)state;
	memset(value, ' ', 100000);
	memcpy(value, "\"x\"", 3);
	strcpy(value + 100000 - 19, "<relay@contoso.com>");
	mta_add("From", value);
	mta_decide("<" OWN ">");
	mta_expect_promise();
	mta_expect("From", "<relay@contoso.com>");
	free(value);
}

static void
names_of_fields(void **state)
{
	(void)state;
	assert_int_equal(rewrite_field_find("fRoM"), REWRITE_FROM);
	assert_int_equal(rewrite_field_find("From "), REWRITE_FROM);
	assert_int_equal(rewrite_field_find("From\t "), REWRITE_FROM);
	assert_int_equal(rewrite_field_find("Fromm"), REWRITE_NAMES);
	assert_int_equal(rewrite_field_find("Fro"), REWRITE_NAMES);
	assert_int_equal(rewrite_field_find(""), REWRITE_NAMES);
	assert_int_equal(rewrite_field_find("X-From"), REWRITE_NAMES);
	assert_int_equal(rewrite_field_find("Reply-to"), REWRITE_REPLY_TO);
}

/* Fields made of fragments that mislead parsers: the promise always holds. */
static void
hostile_fields(void **state)
{
	static const char *const bits[] = {"relay@contoso.com", "<", ">", "(",
	    ")", "\"", "\\", ",", ":", ";", "@", " ", "\n ", "\r", "evil@x.y",
	    "=?utf-8?q?", "?=", "\xc3\xbc", "\xff", ".", "[", "]",
	    "G:", "sales", "\t", "\n"};
	static const char *const names[] = {
	    "From", "From", "From", "Sender", "Reply-To", "X-Original-From"};
	unsigned seed = 7;
	int round;

	(void)state;
	for (round = 0; round < 100000; round++) {
		size_t count, n;

		mta_clear();
		seed = seed * 1103515245 + 12345;
		count = (seed >> 16) % 4;
		while (count-- > 0) {
			char value[300] = "";

			seed = seed * 1103515245 + 12345;
			n = (seed >> 16) % 9;
			while (n-- > 0) {
				seed = seed * 1103515245 + 12345;
				strcat(value,
				    bits[(seed >> 16) %
					 (sizeof(bits) / sizeof(bits[0]))]);
			}
			seed = seed * 1103515245 + 12345;
			mta_add(names[(seed >> 16) % 6], value);
		}
		mta_decide("<app@local.example>");
		mta_expect_promise();
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, mta_setup, mta_teardown)
	const struct CMUnitTest tests[] = {
	    T(own_sender_is_left_alone),
	    T(send_as_is_left_alone),
	    T(foreign_sender_becomes_the_account),
	    T(allowed_from_with_foreign_envelope),
	    T(foreign_from_with_allowed_envelope),
	    T(existing_reply_to_is_kept),
	    T(reply_to_that_names_nobody_is_none),
	    T(reply_to_behind_an_empty_one_is_kept),
	    T(unreadable_reply_to_stays_under_none),
	    T(reply_to_policies),
	    T(forged_original_is_removed),
	    T(sender_field_of_an_allowed_message),
	    T(resent_fields),
	    T(from_repeated),
	    T(from_missing),
	    T(from_unreadable),
	    T(null_sender),
	    T(unreadable_envelope),
	    T(on_sender_reject),
	    T(on_sender_pass),
	    T(endless_repetition_is_refused),
	    T(oversized_from_is_replaced),
	    T(names_of_fields),
	    T(hostile_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
