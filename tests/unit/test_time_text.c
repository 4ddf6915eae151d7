/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of time_text: times as people say them.
 *
 * link: cli/time_text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/time_text.h"

#define NOW 1795466040 /* 2026-11-23 20:34:00 UTC */

static char out[TIME_TEXT_MAX];

static void
test_span(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
	    {-5, "0 seconds"},
	    {0, "0 seconds"},
	    {1, "1 second"},
	    {59, "59 seconds"},
	    {60, "1 minute"},
	    {119, "1 minute"},
	    {3120, "52 minutes"},
	    {3600, "60 minutes"},
	    {7199, "119 minutes"},
	    {7200, "2 hours"},
	    {2 * 86400 - 1, "47 hours"},
	    {2 * 86400, "2 days"},
	    {707 * (int64_t)86400, "707 days"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
		    time_text_span(out, sizeof(out), rows[i].seconds),
		    rows[i].text);
}

static void
test_when(void **state)
{
	(void)state;
	assert_string_equal(
	    time_text_when(out, sizeof(out), NOW + 3125, NOW), "in 52 minutes");
	assert_string_equal(
	    time_text_when(out, sizeof(out), NOW - 3 * 86400, NOW),
	    "3 days ago");
	assert_string_equal(time_text_when(out, sizeof(out), NOW, NOW), "now");
}

static void
test_date(void **state)
{
	int ok;

	(void)state;
	assert_string_equal(time_text_date(out, sizeof(out), "2028-10-31", NOW),
	    "2028-10-31, in 708 days");
	assert_string_equal(time_text_date(out, sizeof(out), "2026-11-24", NOW),
	    "2026-11-24, in 1 day");
	assert_string_equal(time_text_date(out, sizeof(out), "2026-11-23", NOW),
	    "2026-11-23, today");
	assert_string_equal(time_text_date(out, sizeof(out), "2026-11-22", NOW),
	    "2026-11-22, 1 day ago");
	assert_string_equal(
	    time_text_date(out, sizeof(out), "soon", NOW), "soon");
	assert_int_equal(time_text_days("2026-12-23", NOW, &ok), 30);
	assert_true(ok);
	time_text_days("2026-12-23x", NOW, &ok);
	assert_false(ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_span),
	    cmocka_unit_test(test_when),
	    cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
