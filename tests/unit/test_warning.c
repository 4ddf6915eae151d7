/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warning: how urgent, and who was told already.
 * link: tokend/warning
 */
#include "tokend/warning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY WARNING_DAY_S
#define NOW 1793491200LL /* 2026-11-01 */

static void
test_dates(void **state)
{
	(void)state;
	assert_int_equal(warning_date_s("2026-11-01"), NOW);
	assert_int_equal(warning_date_s("2026-11-01x"), -1);
	assert_int_equal(warning_date_s("soon"), -1);
	assert_int_equal(warning_date_s(NULL), -1);
}

static void
test_expiry_has_five_steps(void **state)
{
	static const struct {
		int64_t left_s;
		int level;
	} cases[] = {{61 * DAY, 0}, {60 * DAY + 1, 0}, {60 * DAY, 1},
	    {31 * DAY, 1}, {30 * DAY, 2}, {7 * DAY + 1, 2}, {7 * DAY, 3},
	    {DAY, 4}, {1, 4}, {0, 5}, {-1000 * DAY, 5}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    warning_expiry(NOW + cases[i].left_s, NOW), cases[i].level);
	assert_int_equal(warning_expiry(0, NOW), 0);
	assert_int_equal(warning_expiry(-1, NOW), 0);
}

static void
test_idle_refresh_token(void **state)
{
	(void)state;
	assert_int_equal(warning_idle(NOW - 74 * DAY, NOW), 0);
	assert_int_equal(warning_idle(NOW - 75 * DAY, NOW), 1);
	assert_int_equal(warning_idle(NOW - 85 * DAY, NOW), 2);
	assert_int_equal(warning_idle(NOW - 90 * DAY, NOW), 3);
	assert_int_equal(warning_idle(0, NOW), 0);
}

static void
test_sign_in_frequency(void **state)
{
	(void)state;
	/* Every seven days. */
	assert_int_equal(warning_sign_in(NOW - 5 * DAY, 7 * DAY, NOW), 0);
	assert_int_equal(warning_sign_in(NOW - 6 * DAY, 7 * DAY, NOW), 1);
	assert_int_equal(
	    warning_sign_in(NOW - 7 * DAY + 3600, 7 * DAY, NOW), 2);
	/* Every ninety days: a week before, a day before. */
	assert_int_equal(warning_sign_in(NOW - 82 * DAY, 90 * DAY, NOW), 0);
	assert_int_equal(warning_sign_in(NOW - 83 * DAY, 90 * DAY, NOW), 1);
	assert_int_equal(warning_sign_in(NOW - 89 * DAY, 90 * DAY, NOW), 2);
	/* Nothing has been learnt. */
	assert_int_equal(warning_sign_in(NOW - 89 * DAY, 0, NOW), 0);
	assert_int_equal(warning_sign_in(0, DAY, NOW), 0);
}

static void
test_clock(void **state)
{
	(void)state;
	assert_int_equal(warning_clock(300), 0);
	assert_int_equal(warning_clock(-300), 0);
	assert_int_equal(warning_clock(301), 1);
	assert_int_equal(warning_clock(-86400), 1);
}

static void
test_addresses(void **state)
{
	char seen[WARNING_ADDRESSES_MAX] = "", before[WARNING_ADDRESS_MAX] = "";
	char address[40];
	int i;

	(void)state;
	assert_int_equal(warning_address(seen, "192.0.2.10", before), 0);
	assert_int_equal(warning_address(seen, "192.0.2.10", before), 0);
	assert_string_equal(seen, "192.0.2.10");
	/* The other family is no change, nor is another host of its net. */
	assert_int_equal(warning_address(seen, "2001:db8:1:2::3", before), 0);
	assert_int_equal(
	    warning_address(seen, "2001:DB8:1:2:ffff::9", before), 0);
	assert_string_equal(seen, "2001:db8:1:2::/64 192.0.2.10");
	assert_int_equal(warning_address(seen, "198.51.100.7", before), 1);
	assert_string_equal(before, "192.0.2.10");
	assert_int_equal(warning_address(seen, "2001:db8:9::1", before), 1);
	assert_string_equal(before, "2001:db8:1:2::/64");
	/* Back to one that is known. */
	assert_int_equal(warning_address(seen, "192.0.2.10", before), 0);
	assert_int_equal(warning_address(seen, "192.0.2.10 %n", before), 0);
	assert_int_equal(warning_address(seen, "", before), 0);
	for (i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "2001:db8:%x:cccc:dddd::1",
		    0xa000 + i);
		assert_int_equal(warning_address(seen, address, before), 1);
	}
	assert_true(strlen(seen) < 8 * 30);
}

static void
test_each_step_is_told_once(void **state)
{
	(void)state;
	assert_int_equal(warning_due(0, 0, 0, NOW), 0);
	assert_int_equal(warning_due(1, 0, 0, NOW), 1);
	assert_int_equal(warning_due(1, 1, NOW - 20 * DAY, NOW), 0);
	assert_int_equal(warning_due(2, 1, NOW - 20, NOW), 1);
	assert_int_equal(warning_due(1, 2, NOW - 20 * DAY, NOW), 0);
	/* It was gone and is back. */
	assert_int_equal(warning_due(1, 0, NOW - 3600, NOW), 0);
	assert_int_equal(warning_due(1, 0, NOW - DAY, NOW), 1);
	/* Told by a clock that was wrong. */
	assert_int_equal(warning_due(1, 0, NOW + 900 * DAY, NOW), 1);
}

static void
test_states(void **state)
{
	static const struct {
		const char *state, *told;
		int64_t ago_s;
		int due;
	} cases[] = {
	    {"ok", "", NOW, 0},
	    {"idle", "", NOW, 0},
	    {"idle", "needs_admin", DAY, 0},
	    {"needs_admin", "", NOW, 1},
	    {"needs_admin", "ok", 1, 1},
	    {"needs_login", "needs_admin", 1, 1},
	    {"needs_admin", "needs_admin", DAY - 1, 0},
	    {"needs_admin", "needs_admin", DAY, 1},
	    {"ok", "needs_admin", 1, 1},
	    {"ok", "ok", 9 * DAY, 0},
	    {"stale", "ok", NOW, 1},
	    {"stale", "ok", DAY - 1, 0},
	    {"retrying", "ok", DAY - 1, 0},
	    {"retrying", "ok", DAY, 1},
	    {"retrying", "stale", 1, 1},
	    {"stale", "stale", 9 * DAY, 0},
	    {"ok", "retrying", 1, 1},
	    /* Who waits for a person needs one also while the line is cut. */
	    {"retrying", "needs_login", 9 * DAY, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(warning_state_due(cases[i].state,
				     cases[i].told, NOW - cases[i].ago_s, NOW),
		    cases[i].due);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_expiry_has_five_steps),
	    cmocka_unit_test(test_idle_refresh_token),
	    cmocka_unit_test(test_sign_in_frequency),
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_each_step_is_told_once),
	    cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
