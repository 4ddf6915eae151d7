/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmarc: records, sound and hostile.
 *
 * link: cli/dmarc
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/dmarc.h"

static struct dmarc
read_good(const char *text)
{
	struct dmarc dmarc;

	assert_true(dmarc_is_record(text));
	assert_int_equal(dmarc_read(&dmarc, text), 0);
	return dmarc;
}

static void
test_sound_records(void **state)
{
	struct dmarc d;

	(void)state;
	d = read_good("v=DMARC1; p=reject; rua=mailto:d@x.org");
	assert_int_equal(d.policy, DMARC_REJECT);
	assert_int_equal(d.subdomains, DMARC_REJECT);
	assert_int_equal(d.percent, 100);
	assert_false(d.strict_spf);
	d = read_good("v=dmarc1 ;\tP = Quarantine ; sp=none;pct=25;aspf=s;"
		      "adkim= S ;");
	assert_int_equal(d.policy, DMARC_QUARANTINE);
	assert_int_equal(d.subdomains, DMARC_NO_POLICY);
	assert_int_equal(d.percent, 25);
	assert_true(d.strict_spf);
	assert_true(d.strict_dkim);
	assert_int_equal(read_good("v=DMARC1;p=none").policy, DMARC_NO_POLICY);
	/* What makes no sense is ignored, RFC 7489 section 6.3. */
	d = read_good("v=DMARC1; p=reject; pct=900; sp=maybe; aspf; =x; ;;");
	assert_int_equal(d.percent, 100);
	assert_int_equal(d.subdomains, DMARC_REJECT);
	assert_string_equal(dmarc_policy_name(d.policy), "reject");
}

static void
test_records_that_are_none(void **state)
{
	static const char *const others[] = {
	    "", "v=DMARC", "v=DMARC10; p=none", "p=none; v=DMARC1", "v=spf1"};
	static const char *const bad[] = {"v=DMARC1", "v=DMARC1;",
	    "v=DMARC1; p", "v=DMARC1; p=", "v=DMARC1; p=rejected",
	    "v=DMARC1; p=re ject", "v=DMARC1; xp=reject", "v=DMARC1; sp=reject",
	    "v=DMARC1; p=;reject", "v=DMARC1 =;=;=", "v=DMARC1;p=\377\376"};
	struct dmarc dmarc;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(dmarc_is_record(others[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(dmarc_is_record(bad[i]));
		if (dmarc_read(&dmarc, bad[i]) != -1)
			fail_msg("accepted: %s", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sound_records),
	    cmocka_unit_test(test_records_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
