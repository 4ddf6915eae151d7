/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: which of the kernel's clocks is read, and in which unit.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct timespec boot, wall;
static int is_set;

/* Wins over libc's: what the clocks say is given while is_set. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!is_set)
		return (int)syscall(SYS_clock_gettime, id, ts);
	assert_true(id == CLOCK_BOOTTIME || id == CLOCK_REALTIME);
	*ts = id == CLOCK_BOOTTIME ? boot : wall;
	return 0;
}

static int
unset(void **state)
{
	(void)state;
	is_set = 0;
	return 0;
}

static int64_t
kernel_ms(clockid_t id)
{
	struct timespec ts;

	assert_int_equal(syscall(SYS_clock_gettime, id, &ts), 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
test_never_goes_back_and_keeps_pace(void **state)
{
	int64_t before_ms, now_ms, begin_ms = kernel_ms(CLOCK_BOOTTIME);

	(void)state;
	do {
		before_ms = kernel_ms(CLOCK_BOOTTIME);
		now_ms = clock_boot_ms();
		assert_in_range(now_ms, before_ms, kernel_ms(CLOCK_BOOTTIME));
	} while (now_ms < begin_ms + 5);
}

static void
test_units(void **state)
{
	(void)state;
	/* More seconds than 32 bits hold; a part of a millisecond is cut. */
	boot = (struct timespec){5, 999999};
	wall = (struct timespec){5000000000, 999999999};
	is_set = 1;
	assert_true(clock_boot_ms() == 5000);
	assert_true(clock_wall_ms() == 5000000000999);
	assert_true(clock_wall_s() == 5000000000);
	boot.tv_nsec = 1000000;
	assert_true(clock_boot_ms() == 5001);
}

static void
test_lifetimes_do_not_jump_with_wall_time(void **state)
{
	(void)state;
	boot = (struct timespec){100, 0};
	wall = (struct timespec){1800000000, 0};
	is_set = 1;
	assert_true(clock_boot_ms() == 100000);
	wall.tv_sec = 0;
	assert_true(clock_boot_ms() == 100000);
	assert_true(clock_wall_s() == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_never_goes_back_and_keeps_pace),
	    cmocka_unit_test_teardown(test_units, unset),
	    cmocka_unit_test_teardown(
		test_lifetimes_do_not_jump_with_wall_time, unset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
