/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/ticks
 *
 * ticks: what is kept of the clock, and what cannot have been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "milter/ticks.h"

static const struct ticks stored = {
    .ticks_ms = 1000, .boot_ms = 500, .wall_ms = 2000, .boot_id = "one"};

static int64_t
after(int64_t boot_ms, int64_t wall_ms, const char *boot_id)
{
	struct ticks before = stored, now = {.boot_ms = boot_ms};

	now.wall_ms = wall_ms;
	strcpy(now.boot_id, boot_id);
	return ticks_advance(&before, &now);
}

/* Whatever is done to the clock of the machine while it runs. */
static void
goes_by_the_time_since_boot(void **state)
{
	(void)state;
	assert_int_equal(after(700, 2200, "one"), 1200);
	assert_int_equal(after(700, 9000000, "one"), 1200);
	assert_int_equal(after(700, 1, "one"), 1200);
}

static void
never_goes_back_over_a_boot(void **state)
{
	(void)state;
	assert_int_equal(after(100, 5000, "two"), 4000);
	assert_int_equal(after(100, 1, "two"), 1000);
	assert_int_equal(after(100, 5000, ""), 4000);
}

static int
kept(const struct ticks *ticks)
{
	unsigned char data[TICKS_BYTES];
	struct ticks read;

	ticks_encode(ticks, data);
	return ticks_decode(&read, data, sizeof(data));
}

static void
what_no_clock_shows_is_damage(void **state)
{
	static const int64_t wrong[] = {
	    -1, INT64_MIN, INT64_MAX, INT64_MAX / 1000};
	struct ticks ticks;
	size_t i;

	(void)state;
	assert_int_equal(kept(&stored), 0);
	for (i = 0; i < 4; i++) {
		ticks = stored;
		ticks.ticks_ms = wrong[i];
		assert_int_equal(kept(&ticks), -1);
		ticks = stored;
		ticks.boot_ms = wrong[i];
		assert_int_equal(kept(&ticks), -1);
		ticks = stored;
		ticks.wall_ms = wrong[i];
		assert_int_equal(kept(&ticks), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goes_by_the_time_since_boot),
	    cmocka_unit_test(never_goes_back_over_a_boot),
	    cmocka_unit_test(what_no_clock_shows_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
