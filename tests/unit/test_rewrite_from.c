/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/rewrite_field milter/charset milter/rewrite_edit milter/notice
 * link: milter/dkim milter/encoded
 * link: milter/rewrite milter/phrase milter/name milter/address milter/scan
 * link: milter/map tests/unit/mta
 *
 * rewrite: From fields as they arrive: folded anywhere, led by any blanks, in
 * UTF-8 with and without SMTPUTF8, nearly From.
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

/* With and without SMFIP_HDR_LEADSPC, and as no MTA hands them over. */
static void
leading_blanks_make_no_difference(void **state)
{
	static const char *const blanks[] = {
	    "", " ", "\t", "   ", "\n ", " \n\t ", "\r\n "};
	static const struct {
		const char *value, *expected;
	} cases[] = {
	    {"Ann <a@b>", "Ann <" OWN ">"},
	    {"\"Other, Ann\" <a@b>", "\"Other, Ann\" <" OWN ">"},
	    {"Ann", "<" OWN ">"},
	    {"", "<" OWN ">"},
	    {OWN ", x@y.example", "<" OWN ">"},
	};
	char value[100];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		for (k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			(void)snprintf(value, sizeof(value), "%s%s", blanks[i],
			    cases[k].value);
			mta_from(value, cases[k].expected);
		}
		/* An allowed one is kept with its blanks. */
		(void)snprintf(value, sizeof(value), "%s%s", blanks[i], OWN);
		mta_from(value, value);
	}
}

/* A fold (and a bare line break, and a bare CR) at each place of a value. */
static void
folded_at_every_place(void **state)
{
	static const char *const values[] = {
	    "Ann B. Other <evil@example.com>",
	    "\"Other, \\\"A\\\"\" (c (d)) <evil@example.com> (e)",
	    "=?utf-8?q?J=C3=BC?= =?utf-8?q?_x?= <evil@example.com>",
	    "Team: evil@example.com, " OWN ";",
	    "Relay <relay@contoso.com>",
	    "<@a.example,@b.example:evil@[192.0.2.1]>",
	};
	static const char *const breaks[] = {
	    "\n ", "\r\n\t", "\n \n ", "\n", "\r", "\r\r\n ", "\001"};
	char folded[200];
	size_t i, k, at;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (k = 0; k < sizeof(breaks) / sizeof(breaks[0]); k++)
			for (at = 0; at <= strlen(values[i]); at++) {
				(void)snprintf(folded, sizeof(folded),
				    "%.*s%s%s", (int)at, values[i], breaks[k],
				    values[i] + at);
				mta_clear();
				mta_add("From", folded);
				mta_decide("<evil@example.com>");
				mta_expect_promise();
			}
}

static void
a_fold_between_words_is_a_blank(void **state)
{
	(void)state;
	mta_from("Ann\n Other\n\t<evil@example.com>", "Ann Other <" OWN ">");
	mta_from("\"Other,\r\n Ann\" <evil\n @example.com>",
	    "\"Other, Ann\" <" OWN ">");
	mta_expect("Reply-To", "\"Other, Ann\" <evil@example.com>");
}

/* The envelope's, too: no route, no quotes that need not be. */
static void
an_allowed_envelope_is_written_plainly(void **state)
{
	static const char *const cases[][2] = {
	    {"<sales@contoso.com>", "<sales@contoso.com>"},
	    {"sales@contoso.com", "sales@contoso.com"},
	    {"<Sales@Contoso.com>", "<Sales@Contoso.com>"},
	    {"<@evil.example:sales@contoso.com>", "<sales@contoso.com>"},
	    {"<\"sales\"@contoso.com>", "<sales@contoso.com>"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mta_clear();
		mta_add("From", OWN);
		mta_decide(cases[i][0]);
		assert_string_equal(mta_sender, cases[i][1]);
		assert_int_equal(mta_result.changed, 0);
	}
}

/* RFC 6532: allowed, but only where the message was declared so. */
static void
utf8_addresses(void **state)
{
	(void)state;
	assert_int_equal(
	    rewrite_allow(&mta_policy, "j\xc3\xbcrgen@contoso.com"), 0);
	mta_add("From", "J\xc3\xbc <j\xc3\xbcrgen@contoso.com>");
	mta_utf8 = 1;
	mta_decide("<j\xc3\xbcrgen@contoso.com>");
	assert_int_equal(mta_result.edits.count, 0);
	mta_utf8 = 0;
	mta_decide("<j\xc3\xbcrgen@contoso.com>");
	mta_expect_promise();
	mta_expect("From", "=?utf-8?b?SsO8?= <" OWN ">");
	assert_string_equal(mta_sender, "<" OWN ">");
}

static void
utf8_names(void **state)
{
	(void)state;
	mta_add("From", "J\xc3\xbc <" OWN ">");
	mta_utf8 = 1;
	mta_decide("<" OWN ">");
	assert_int_equal(mta_result.edits.count, 0);
	mta_utf8 = 0;
	mta_decide("<" OWN ">");
	mta_expect("From", "=?utf-8?b?SsO8?= <" OWN ">");
	mta_expect("Reply-To", NULL);
	/* Not UTF-8 at all: never as it is. */
	mta_utf8 = 1;
	mta_clear();
	mta_add("From", "J\xfc <" OWN ">");
	mta_decide("<" OWN ">");
	mta_expect("From", "=?windows-1252?b?Svw=?= <" OWN ">");
}

/* What looks like From and is not stays what it is: another field. */
static void
look_alikes_are_other_fields(void **state)
{
	static const char *const names[] = {"X-From", "Fromm", "Fr0m", "From-",
	    "F\xd1\x80om", "From\xc2\xa0", "\xef\xbc\xa6rom", "Form",
	    "Resent-Fro", "_From", "From.", "From\001"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		mta_clear();
		mta_add(names[i], "boss@contoso.com");
		mta_decide("<a@b.example>");
		mta_expect(names[i], "boss@contoso.com");
		mta_expect_promise();
	}
}

static void
deletions_go_from_the_last_to_the_first(void **state)
{
	size_t i, deleted = 0;

	(void)state;
	for (i = 0; i < 90; i++) {
		mta_add("From", "evil@example.com");
		mta_add("Sender", "evil@example.com");
		mta_add("Bcc", "evil@example.com");
		/* FIELDS_MAX of mta.c */
		if (mta_count > 195)
			break;
	}
	mta_decide("<evil@example.com>");
	for (i = 0; i < mta_result.edits.count; i++) {
		const struct rewrite_edit *edit = &mta_result.edits.items[i];

		if (edit->kind == REWRITE_EDIT_DELETE) {
			assert_true(edit->first <= edit->last);
			deleted += edit->last - edit->first + 1;
		}
	}
	assert_true(deleted > 190);
	mta_expect_promise();
	mta_expect("Sender", NULL);
}

/* Charsets of several bytes: kept when beyond doubt, else left out. */
static void
names_in_other_charsets(void **state)
{
	(void)state;
	mta_from("=?big5?b?pECkQA==?= <a@b>", "=?big5?b?pECkQA==?= <" OWN ">");
	mta_from("=?shift_jis?b?g1yDjA==?= <a@b>",
	    "=?shift_jis?b?g1yDjA==?= <" OWN ">");
	mta_from("=?gb2312?b?zfU=?= <a@b>", "=?gb2312?b?zfU=?= <" OWN ">");
	/* <x@y> behind a character, in plain sight of an ISO 2022 reader. */
	mta_from("Ann =?iso-2022-jp?b?GyRCPCsbKEI8eEB5Pg==?= <a@b>",
	    "Ann <" OWN ">");
	mta_from("Ann =?shift_jis?b?g1w8eEB5Pg==?= <a@b>", "Ann <" OWN ">");
	/* "+AEA-" is an '@' in UTF-7. */
	mta_from("Ann =?utf-7?q?boss+AEA-x?= <a@b>", "Ann <" OWN ">");
	mta_from("Ann =?x-unheard-of?q?abc?= <a@b>", "Ann <" OWN ">");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, mta_setup, mta_teardown)
	const struct CMUnitTest tests[] = {
	    T(leading_blanks_make_no_difference),
	    T(folded_at_every_place),
	    T(a_fold_between_words_is_a_blank),
	    T(an_allowed_envelope_is_written_plainly),
	    T(utf8_addresses),
	    T(utf8_names),
	    T(look_alikes_are_other_fields),
	    T(deletions_go_from_the_last_to_the_first),
	    T(names_in_other_charsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
