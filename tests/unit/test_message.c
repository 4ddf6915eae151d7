/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what is kept of a message is bounded, and what did not fit is
 * known to be missing.
 *
 * link: milter/lmdb_store
 * link: milter/message milter/config milter/rewrite milter/rewrite_field
 * link: milter/rewrite_edit milter/notice milter/dkim milter/charset
 * link: milter/phrase milter/name milter/encoded milter/route milter/address
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/scan milter/counters milter/counters_lmdb milter/lmdb_file
 * link: milter/lmdb_check
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal
 * link: milter/ticks milter/limit milter/map
 * libs: milter
 */
#include "milter/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FROM REWRITE_FROM

static struct message m;

static int
setup(void **state)
{
	(void)state;
	message_init(&m);
	message_mail(&m, NULL, "<a@x.org>", "login", 1000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	message_clear(&m);
	return 0;
}

/* len times 'x', to be freed. */
static char *
long_text(size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static void
assert_kept(size_t i, const char *value)
{
	assert_int_equal(m.fields[FROM].kept[i].len, strlen(value));
	assert_memory_equal(
	    m.values.data + m.fields[FROM].kept[i].start, value, strlen(value));
}

static void
test_envelope_that_does_not_fit(void **state)
{
	char *text = long_text(MESSAGE_SENDER_MAX);

	(void)state;
	assert_string_equal(m.sender, "<a@x.org>");
	assert_string_equal(m.login, "login");
	/* Not an address, so that nobody takes its beginning for one. */
	message_mail(&m, NULL, text, text, 0);
	assert_string_equal(m.sender, "?");
	assert_string_equal(m.login, "");
	text[MESSAGE_SENDER_MAX - 1] = '\0';
	message_mail(&m, NULL, text, NULL, 0);
	assert_string_equal(m.sender, text);
	assert_string_equal(m.login, "");
	text[MESSAGE_LOGIN_MAX - 1] = '\0';
	message_mail(&m, NULL, "", text, 0);
	assert_string_equal(m.login, text);
	free(text);
}

static void
test_recipients_are_counted_by_domain(void **state)
{
	static const char domains[] = "@x.org\0@x.org\0@b.example";

	(void)state;
	message_rcpt(&m, "<a@X.ORG>");
	message_rcpt(&m, "<b@x.org>");
	message_rcpt(&m, "<root>");
	message_rcpt(&m, "<>");
	message_rcpt(&m, "<a@b@c>");
	message_rcpt(&m, "c@b.example");
	assert_int_equal(m.recipients, 6);
	assert_int_equal(m.unlisted, 3);
	assert_int_equal(m.domains.len, sizeof(domains));
	assert_memory_equal(m.domains.data, domains, sizeof(domains));
}

static void
test_more_recipients_than_fit(void **state)
{
	const size_t fit = MESSAGE_DOMAINS_MAX / strlen("@0123456.org.");
	char recipient[32];
	size_t i;

	(void)state;
	for (i = 0; i < fit + 10; i++) {
		snprintf(recipient, sizeof(recipient), "<a@%07zu.org>", i);
		message_rcpt(&m, recipient);
	}
	assert_int_equal(m.recipients, fit + 10);
	assert_int_equal(m.unlisted, 10);
	assert_true(m.domains.len <= MESSAGE_DOMAINS_MAX);
}

static void
test_fields(void **state)
{
	int i;

	(void)state;
	message_header(&m, "Subject", "From: e@x.org");
	message_header(&m, "fROM", "a@x.org");
	message_header(&m, "From", "");
	assert_int_equal(m.fields[FROM].count, 2);
	assert_kept(0, "a@x.org");
	assert_kept(1, "");
	for (i = 0; i < REWRITE_KEPT_MAX; i++)
		message_header(&m, "From", "b@x.org");
	assert_int_equal(m.fields[FROM].count, 2 + REWRITE_KEPT_MAX);
	assert_kept(REWRITE_KEPT_MAX - 1, "b@x.org");
	assert_int_equal(m.fields[REWRITE_SENDER].count, 0);
}

static void
test_long_values_are_cut_and_say_so(void **state)
{
	char *text = long_text(REWRITE_VALUE_MAX + 1);

	(void)state;
	message_header(&m, "From", text);
	assert_true(m.fields[FROM].kept[0].cut);
	assert_int_equal(m.fields[FROM].kept[0].len, REWRITE_VALUE_MAX);
	text[REWRITE_VALUE_MAX] = '\0';
	message_header(&m, "From", text);
	assert_false(m.fields[FROM].kept[1].cut);
	assert_kept(1, text);
	free(text);
}

static void
test_more_values_than_fit(void **state)
{
	static const char *const names[] = {"Sender", "Reply-To", "From"};
	char *text = long_text(REWRITE_VALUE_MAX);
	int i;

	(void)state;
	for (i = 0; i < 3 * REWRITE_KEPT_MAX; i++)
		message_header(&m, names[i / REWRITE_KEPT_MAX], text);
	free(text);
	assert_true(m.values.len <= MESSAGE_VALUES_MAX);
	for (i = 0; i < REWRITE_KEPT_MAX; i++) {
		assert_true(m.fields[FROM].kept[i].cut);
		assert_int_equal(m.fields[FROM].kept[i].len, 0);
		assert_false(m.fields[REWRITE_SENDER].kept[i].cut);
	}
	/* The next message has the room again. */
	message_mail(&m, NULL, "<b@x.org>", NULL, 0);
	message_header(&m, "From", "a@x.org");
	assert_false(m.fields[FROM].kept[0].cut);
	assert_kept(0, "a@x.org");
}

static void
test_bytes(void **state)
{
	(void)state;
	message_header(&m, "From", "a@x.org"); /* ": " and CRLF */
	message_body(&m, 5000000000);
	message_body(&m, 0);
	assert_int_equal(m.bytes, 15 + 5000000000);
	assert_int_equal(m.size, 1000);
}

/* The digest of a message; with all that differs between messages. */
static unsigned long long
digest(
    const char *sender, const char *rcpt, const char *name, const char *value)
{
	message_mail(&m, NULL, sender, "login", 0);
	message_rcpt(&m, rcpt);
	message_header(&m, name, value);
	return m.digest;
}

static void
test_digest_tells_messages_apart(void **state)
{
	const unsigned long long it = digest("a", "b", "Date", "1");

	(void)state;
	assert_true(it == digest("a", "b", "Date", "1"));
	assert_true(it != digest("c", "b", "Date", "1"));
	assert_true(it != digest("a", "c", "Date", "1"));
	assert_true(it != digest("a", "b", "Data", "1"));
	assert_true(it != digest("a", "b", "Date", "2"));
	/* What runs on from one to the next is another. */
	assert_true(it != digest("ab", "", "Date", "1"));
	assert_true(it != digest("a", "b", "Date1", ""));
}

static void
test_reset_keeps_the_client_only(void **state)
{
	(void)state;
	assert_int_equal(route_client_parse(&m.client, "192.0.2.1"), 0);
	message_rcpt(&m, "<root>");
	message_rcpt(&m, "<a@x.org>");
	message_header(&m, "From", "a@x.org");
	message_reset(&m);
	assert_true(m.client.known);
	assert_string_equal(m.sender, "");
	assert_string_equal(m.login, "");
	assert_int_equal(m.recipients + m.unlisted + m.domains.len, 0);
	assert_int_equal(m.values.len + m.fields[FROM].count, 0);
	assert_int_equal(m.size + m.bytes, 0);
	assert_true(m.digest == MAP_HASH_START);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Behind such a break another reader may see another field. */
static void
test_bare_line_breaks(void **state)
{
	static const struct {
		const char *name, *value;
		int broken;
	} cases[] = {
	    {"Subject", "x", 0},
	    {"Subject", "x\n y", 0},
	    {"Subject", "\r\n\ty\n z", 0},
	    {"Subject", "x\rFrom: evil@example.com", 1},
	    {"Subject", "x\nFrom: evil@example.com", 1},
	    {"Subject", "x\r\r\n y", 1},
	    {"Subject", "x\r", 1},
	    {"Subject", "x\n", 1},
	    {"Sub\rject", "x", 1},
	    {"Reply-To", "x\ry", 1},
	    /* Removed or replaced whole. */
	    {"From", "x\ry", 0},
	    {"Bcc", "x\ry", 0},
	};
	struct rewrite_input input;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		message_mail(&m, NULL, "<a@b>", NULL, 0);
		message_header(&m, cases[i].name, cases[i].value);
		message_input(&m, &input);
		if (input.broken != cases[i].broken)
			fail_msg("%s: %s", cases[i].name, cases[i].value);
	}
}

/* Recipients are kept for the null sender only, and all of them. */
static void
test_quiet_recipients(void **state)
{
	char recipient[500];
	int i;

	(void)state;
	message_mail(&m, NULL, "<a@b>", NULL, 0);
	message_rcpt(&m, "<c@d>");
	assert_int_equal(m.quiet.len, 0);
	message_mail(&m, NULL, "<>", NULL, 0);
	message_rcpt(&m, "<c@d>");
	message_rcpt(&m, "e@f");
	assert_int_equal(m.quiet.len, 10);
	assert_memory_equal(m.quiet.data, "<c@d>\0e@f", 10);
	message_mail(&m, NULL, "", NULL, 0);
	assert_int_equal(m.quiet.len, 0);
	for (i = 0; i < 200; i++) {
		(void)snprintf(
		    recipient, sizeof(recipient), "<%0400d@b.example>", i);
		message_rcpt(&m, recipient);
	}
	assert_int_equal(m.quiet.len, 0);
	assert_int_equal(m.recipients, 200);
}

static void
test_utf8_is_declared(void **state)
{
	struct rewrite_input input;

	(void)state;
	message_mail(&m, NULL, "<a@b>", NULL, 0);
	message_input(&m, &input);
	assert_int_equal(input.utf8, 0);
	message_utf8(&m);
	message_input(&m, &input);
	assert_int_equal(input.utf8, 1);
	message_mail(&m, NULL, "<a@b>", NULL, 0);
	message_input(&m, &input);
	assert_int_equal(input.utf8, 0);
	/* The sendmail command's. */
	message_mail(&m, NULL, "a@b", NULL, 0);
	message_input(&m, &input);
	assert_int_equal(input.utf8, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_envelope_that_does_not_fit),
	    TEST(test_recipients_are_counted_by_domain),
	    TEST(test_more_recipients_than_fit),
	    TEST(test_fields),
	    TEST(test_long_values_are_cut_and_say_so),
	    TEST(test_more_values_than_fit),
	    TEST(test_bytes),
	    TEST(test_digest_tells_messages_apart),
	    TEST(test_reset_keeps_the_client_only),
	    TEST(test_bare_line_breaks),
	    TEST(test_quiet_recipients),
	    TEST(test_utf8_is_declared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
