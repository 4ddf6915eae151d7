/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/message milter/rewrite milter/rewrite_field milter/rewrite_edit
 * link: milter/notice milter/dkim milter/phrase milter/name milter/encoded
 * link: milter/charset milter/address milter/scan milter/map
 * link: tests/unit/block tests/unit/hostile tests/unit/judge
 *
 * A million hostile header blocks end with exactly one allowed From each, by a
 * judge that shares no code with the milter; edits carried out as Postfix and
 * as sendmail do it. POSTOAK_BLOCKS sets another number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block.h"

static struct hostile hostile;
static struct block block;

static int
setup(void **state)
{
	(void)state;
	block_init(&block);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	block_clear(&block);
	return 0;
}

static void
judge(uint64_t number, enum block_mta mta)
{
	struct judge_rules rules = block_rules;
	const char *wrong;

	rules.utf8 = block.message.utf8;
	block_edit(&block, &hostile, mta);
	wrong = judge_block(&rules, block.text, block.len);
	if (wrong == NULL)
		wrong = judge_envelope(&rules, block.sender);
	if (wrong == NULL)
		return;
	fprintf(stderr, "after the edits, from %s:\n%.*s", block.sender,
	    (int)block.len, block.text);
	block_before(&block, &hostile);
	fail_msg("message %llu (mta %d): %s\n%.*s", (unsigned long long)number,
	    mta, wrong, (int)block.len, block.text);
}

static void
a_million_blocks(void **state)
{
	const char *wanted_text = getenv("POSTOAK_BLOCKS");
	unsigned long wanted =
	    wanted_text != NULL ? strtoul(wanted_text, NULL, 10) : 1000000;
	unsigned long judged = 0, refused = 0, untouched = 0;
	uint64_t number;

	(void)state;
	for (number = 0; judged < wanted; number++) {
		hostile_make(&hostile, number);
		if (block_decide(&block, &hostile) < 0) {
			assert_true(block.result.reason[0] != '\0');
			refused++;
			continue;
		}
		judge(number, BLOCK_POSTFIX);
		judge(number, BLOCK_SENDMAIL);
		untouched += block.result.edits.count == 0;
		judged++;
	}
	printf("%lu judged, %lu of them untouched, %lu refused or discarded\n",
	    judged, untouched, refused);
	/* The generator is neither all bad nor all good. */
	assert_true(refused < judged / 5);
	assert_true(untouched > judged / 100);
}

static const char *
verdict(const char *text)
{
	return judge_block(&block_rules, text, strlen(text));
}

/* A judge that finds nothing wrong would prove nothing. */
static void
the_judge_is_strict(void **state)
{
	static const char *const wrong[] = {"", "Subject: x\n",
	    "From: evil@example.com\n", "From: x <evil@example.com>\n",
	    "From: relay@contoso.com\nFrom: relay@contoso.com\n",
	    "From: relay@contoso.com\nfrom \t: evil@example.com\n",
	    "From: relay@contoso.com, evil@example.com\n",
	    "From: relay@contoso.com <relay@contoso.com>\n",
	    "From: \"relay@contoso.com\n", "From: <relay@contoso.com> x\n",
	    "From: <relay@contoso.com\n", "From: (x) <relay@contoso.com>\n",
	    "From: <relay@contoso.com>\rFrom: x\n", "From: \"a\"@b.example\n",
	    "From: evil@example.com@alias.contoso.com\n",
	    "From: M\xc3\xbc <relay@contoso.com>\n", "From:\n", "From: Ann\n",
	    "From: relay@contoso.com\nBcc: x\n",
	    "From: relay@contoso.com\nReturn-Path: x\n",
	    "From: relay@contoso.com\nSender: evil@example.com\n",
	    "From: relay@contoso.com\nSubject: x\rFrom: y\n"};
	static const char *const right[] = {"From: relay@contoso.com\n",
	    "Subject: x\nFROM : \"Other, Ann\"\n <Relay@Contoso.com>\nTo: y\n",
	    "From:x@alias.contoso.com\n",
	    "From: J. =?utf-8?q?=3C?= <sales@contoso.com> \n",
	    "From: relay@contoso.com\nSender: sales@contoso.com\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (verdict(wrong[i]) == NULL)
			fail_msg("taken: %s", wrong[i]);
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (verdict(right[i]) != NULL)
			fail_msg("%s: %s", right[i], verdict(right[i]));
	assert_non_null(judge_envelope(&block_rules, "<>"));
	assert_non_null(judge_envelope(&block_rules, "<evil@example.com>"));
	assert_null(judge_envelope(&block_rules, "<relay@contoso.com>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_judge_is_strict),
	    cmocka_unit_test_setup_teardown(a_million_blocks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
