/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: whose held message goes next.
 *
 * link: milter/turns
 */
#include "milter/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct turns turns;

static int
teardown(void **state)
{
	(void)state;
	turns_clear(&turns);
	return 0;
}

static void
the_oldest_of_those_who_never_had_a_turn(void **state)
{
	struct turns_lane lanes[] = {
	    {.account = 1, .number = 7, .open = 1},
	    {.account = 2, .number = 5, .open = 1},
	    {.account = 3, .number = 3},
	};

	(void)state;
	assert_int_equal(turns_next(lanes, 3), 1);
	lanes[1].open = 0;
	assert_int_equal(turns_next(lanes, 3), 0);
	lanes[0].open = 0;
	assert_int_equal(turns_next(lanes, 3), TURNS_NONE);
	assert_int_equal(turns_next(lanes, 0), TURNS_NONE);
}

static void
one_after_the_other_however_many_lanes(void **state)
{
	/* Account 1 has two lanes, and older mail in both. */
	struct turns_lane lanes[] = {
	    {.account = 1, .number = 1, .open = 1},
	    {.account = 2, .number = 9, .open = 1},
	    {.account = 1, .number = 2, .open = 1},
	};
	static const size_t expected[] = {0, 1, 0, 1, 0};
	size_t i, lane;

	(void)state;
	for (i = 0; i < 5; i++) {
		lane = turns_next(lanes, 3);
		assert_int_equal(lane, expected[i]);
		turns_take(lanes, 3, lane, i + 1);
	}
	/* Within an account the oldest goes first, in whichever lane. */
	lanes[0].number = 10;
	lanes[1].open = 0;
	assert_int_equal(turns_next(lanes, 3), 2);
}

static void
remembered_from_run_to_run(void **state)
{
	(void)state;
	assert_int_equal(turns_last(&turns, 5), 0);
	turns_had(&turns, 5);
	turns_had(&turns, 6);
	assert_true(turns_last(&turns, 5) < turns_last(&turns, 6));
	turns_had(&turns, 5);
	assert_true(turns_last(&turns, 5) > turns_last(&turns, 6));
	assert_int_equal(turns.count, 2);
	turns_clear(&turns);
	assert_int_equal(turns_last(&turns, 5), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_oldest_of_those_who_never_had_a_turn),
	    cmocka_unit_test(one_after_the_other_however_many_lanes),
	    cmocka_unit_test_teardown(remembered_from_run_to_run, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
