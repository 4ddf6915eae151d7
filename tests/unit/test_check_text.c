/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of check_text: a finding as an administrator reads it.
 *
 * link: cli/check_text cli/findings cli/show
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/check_text.h"

static struct buf out;
static struct findings findings;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&out, 100000);
	findings_init(&findings, NULL, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_clear(&out);
	findings_clear(&findings);
	return 0;
}

static void
test_verdict_what_was_seen_and_the_remedy_below(void **state)
{
	(void)state;
	findings_add(&findings, FINDINGS_FAIL, "x", "relay@contoso.com",
	    "the transport postoak_relay would send a token to a server that "
	    "is not \033[2J verified");
	findings_remedy(&findings,
	    "in master.cf, give it -o smtp_tls_security_level=secure, and then "
	    "run postfix reload");
	check_text_item(&out, &findings.items[0], 0);
	assert_string_equal(out.data,
	    "  FAIL  relay@contoso.com: the transport postoak_relay would send "
	    "a token to a\n"
	    "        server that is not \\x1b[2J verified\n"
	    "        -> in master.cf, give it -o smtp_tls_security_level="
	    "secure, and then run\n"
	    "           postfix reload\n");
}

static void
test_each_verdict_has_its_mark(void **state)
{
	size_t i;

	(void)state;
	findings_add(&findings, FINDINGS_OK, "x", NULL, "one");
	findings_add(&findings, FINDINGS_NOTE, "x", NULL, "two");
	findings_add(&findings, FINDINGS_WARN, "x", NULL, "three");
	for (i = 0; i < findings.count; i++)
		check_text_item(&out, &findings.items[i], 0);
	assert_string_equal(
	    out.data, "  ok    one\n  -     two\n  warn  three\n");
}

static void
test_colour_is_around_the_mark_only(void **state)
{
	(void)state;
	findings_add(&findings, FINDINGS_FAIL, "x", NULL, "four");
	check_text_item(&out, &findings.items[0], 1);
	assert_string_equal(out.data, "  \033[1;31mFAIL  \033[0mfour\n");
}

static void
test_a_table_keeps_its_columns(void **state)
{
	(void)state;
	findings_add(&findings, FINDINGS_OK, "x", "a@x.org",
	    "allowed:\nSMTP  yes\nPOP   \033no");
	check_text_item(&out, &findings.items[0], 0);
	assert_string_equal(out.data, "  ok    a@x.org: allowed:\n"
				      "           SMTP  yes\n"
				      "           POP   \\x1bno\n");
}

static void
test_a_sentence_is_taken_apart(void **state)
{
	static const char said[] =
	    "account a@x.org: it is over (AADSTS1); do this; then that";

	(void)state;
	findings_add_text(&findings, FINDINGS_FAIL, "x", "a@x.org", said, NULL);
	findings_add_text(&findings, FINDINGS_FAIL, "x", "b@x.org", said, NULL);
	findings_add_text(&findings, FINDINGS_NOTE, "x", NULL, "no more", NULL);
	assert_string_equal(findings.items[0].seen, "it is over (AADSTS1)");
	assert_string_equal(findings.items[0].remedy, "do this; then that");
	assert_string_equal(
	    findings.items[1].seen, "account a@x.org: it is over (AADSTS1)");
	assert_string_equal(findings.items[2].seen, "no more");
	assert_null(findings.items[2].remedy);
}

static void
test_the_summary_counts(void **state)
{
	static const size_t counts[] = {[FINDINGS_OK] = 12,
	    [FINDINGS_NOTE] = 1,
	    [FINDINGS_WARN] = 0,
	    [FINDINGS_FAIL] = 2};
	static const size_t well[FINDINGS_VERDICTS] = {[FINDINGS_OK] = 3};

	(void)state;
	check_text_summary(&out, counts, 0);
	check_text_summary(&out, well, 0);
	assert_string_equal(out.data, "\n2 FAIL, 0 warn, 12 ok; 1 not checked\n"
				      "\n0 FAIL, 0 warn, 3 ok\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_verdict_what_was_seen_and_the_remedy_below, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		test_each_verdict_has_its_mark, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_colour_is_around_the_mark_only, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_a_table_keeps_its_columns, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_a_sentence_is_taken_apart, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_the_summary_counts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
