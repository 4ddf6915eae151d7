/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/rewrite_field milter/charset milter/rewrite_edit milter/notice
 * link: milter/dkim milter/encoded
 * link: milter/rewrite milter/phrase milter/name milter/address milter/scan
 * link: milter/map tests/unit/mta
 *
 * notice: what mail systems write in answer to mail, and loops of it.
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

#include "milter/notice.h"
#include "mta.h"

#define DAEMON "MAILER-DAEMON@host.example (Mail Delivery System)"
#define REPORT "multipart/report; report-type=delivery-status; boundary=x"

static void
null_sender_is_marked(void **state)
{
	(void)state;
	mta_add("From", DAEMON);
	mta_decide("<>");
	mta_expect_promise();
	assert_string_equal(mta_sender, "<" OWN ">");
	mta_expect("From", "Mail Delivery System <" OWN ">");
	mta_expect("Auto-Submitted", "auto-generated");
	mta_expect("X-Postoak-Trace", OWN);
}

/* A field of its own is kept; what says "a person wrote it" is not. */
static void
auto_submitted_is_kept_or_added(void **state)
{
	static const char *const cases[][2] = {
	    {" Auto-Replied (rejected)", " Auto-Replied (rejected)"},
	    {"\tauto-notified; x=y", "\tauto-notified; x=y"},
	    {"no", "auto-generated"},
	    {"", "auto-generated"},
	    {"autobahn", "auto-generated"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mta_clear();
		mta_add("From", DAEMON);
		mta_add("Auto-Submitted", cases[i][0]);
		mta_decide("");
		mta_expect("Auto-Submitted", cases[i][1]);
		assert_int_equal(mta_place("Auto-Submitted", 2), mta_count);
	}
	/* Of two contradicting ones neither. */
	mta_clear();
	mta_add("From", DAEMON);
	mta_add("Auto-Submitted", "auto-replied");
	mta_add("Auto-Submitted", "no");
	mta_decide("");
	mta_expect("Auto-Submitted", "auto-generated");
	assert_int_equal(mta_place("Auto-Submitted", 2), mta_count);
}

static void
is_notice(const char *name, const char *value, int expected)
{
	mta_clear();
	mta_add("From", OWN);
	mta_add(name, value);
	mta_decide("<" OWN ">");
	mta_expect_promise();
	mta_expect("X-Postoak-Trace", expected ? OWN : NULL);
	if (expected)
		assert_non_null(mta_value("Auto-Submitted"));
}

static void
notices_with_a_sender(void **state)
{
	(void)state;
	is_notice("Auto-Submitted", "auto-replied", 1);
	is_notice("Auto-Submitted", " AUTO-REPLIED; owner=x", 1);
	is_notice("Auto-Submitted", "auto-generated", 0);
	is_notice("Auto-Submitted", "no", 0);
	is_notice("Content-Type", REPORT, 1);
	is_notice("content-type",
	    "Multipart/Report;\n boundary=x;\n report-type="
	    "\"disposition-notification\"",
	    1);
	is_notice("Content-Type", "multipart/report; report-type=tlsrpt", 0);
	is_notice("Content-Type", "text/plain; name=delivery-status", 0);
	is_notice("Subject", "auto-replied", 0);
}

/* Each pass adds a trace, as each forwarder leaves it in place. */
static void
a_loop_is_stopped(void **state)
{
	int passes = 0;

	(void)state;
	mta_add("From", DAEMON);
	for (;;) {
		mta_decide(passes == 0 ? "<>" : "<forwarder@x.example>");
		if (mta_result.discarded)
			break;
		mta_expect_promise();
		passes++;
		assert_int_equal(
		    mta_place("X-Postoak-Trace", (size_t)passes + 1),
		    mta_count);
		assert_true(passes < 20);
	}
	assert_int_equal(passes, NOTICE_PASSES_MAX + 1);
	assert_int_equal(mta_result.edits.count, 0);
	assert_int_equal(mta_result.refused, 0);
	assert_string_equal(mta_result.reason,
	    "it is a delivery notice or an automatic reply in a loop: it has "
	    "passed 6 times");
}

static void
on_bounce(void **state)
{
	(void)state;
	mta_policy.on_bounce = CONF_BOUNCE_REJECT;
	mta_add("From", DAEMON);
	mta_decide("<>");
	assert_int_equal(mta_result.refused, 1);
	assert_string_equal(mta_result.reason,
	    "it is a delivery notice or an automatic reply, which this relay "
	    "does not send");
	mta_policy.on_bounce = CONF_BOUNCE_DISCARD;
	mta_decide("<>");
	assert_int_equal(mta_result.refused, 0);
	assert_int_equal(mta_result.discarded, 1);
	assert_int_equal(mta_result.edits.count, 0);
	/* Whatever on_sender says, and only notices. */
	mta_policy.on_sender = CONF_SENDER_PASS;
	mta_decide("<>");
	assert_int_equal(mta_result.discarded, 1);
	mta_policy.on_sender = CONF_SENDER_REJECT;
	mta_decide("<>");
	assert_int_equal(mta_result.discarded, 1);
	mta_policy.on_sender = CONF_SENDER_REWRITE;
	mta_decide("<" OWN ">");
	assert_int_equal(mta_result.discarded, 0);
	mta_expect_promise();
}

static void
pass_leaves_notices_alone(void **state)
{
	int i;

	(void)state;
	mta_policy.on_sender = CONF_SENDER_PASS;
	mta_add("From", DAEMON);
	for (i = 0; i < 10; i++)
		mta_add("X-Postoak-Trace", OWN);
	mta_decide("<>");
	assert_int_equal(mta_result.edits.count, 0);
	assert_int_equal(mta_result.discarded, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, mta_setup, mta_teardown)
	const struct CMUnitTest tests[] = {
	    T(null_sender_is_marked),
	    T(auto_submitted_is_kept_or_added),
	    T(notices_with_a_sender),
	    T(a_loop_is_stopped),
	    T(on_bounce),
	    T(pass_leaves_notices_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
