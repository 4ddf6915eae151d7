/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane: how many at a time, and who is next.
 * link: tokend/lane
 */
#include "tokend/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SERVER "https://login.example"
#define MANY 1000

static struct lane_turn *turns[MANY];
static char order[MANY + 1];
static size_t went;

static int
setup(void **state)
{
	(void)state;
	memset(turns, 0, sizeof(turns));
	memset(order, 0, sizeof(order));
	went = 0;
	return 0;
}

static void
note(void *arg)
{
	order[went++] = *(const char *)arg;
}

/* Ask for n places from turns[at] on; returns how many went ahead. */
static size_t
enter(size_t at, size_t n, const char *endpoint, const char *party)
{
	size_t i, ahead = 0;
	union {
		const char *in;
		void *out;
	} arg = {party};
	int now;

	for (i = at; i < at + n; i++) {
		turns[i] = lane_enter(endpoint, party, note, arg.out, &now);
		ahead += (size_t)now;
	}
	return ahead;
}

static void
leave(size_t at, size_t n)
{
	size_t i;

	for (i = at; i < at + n; i++) {
		lane_leave(turns[i]);
		turns[i] = NULL;
	}
}

static void
test_so_many_at_a_time(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(enter(0, MANY, SERVER "/t/token", "a"), LANE_WIDTH);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(lane_running(),
		    MANY - i < LANE_WIDTH ? MANY - i : LANE_WIDTH);
		leave(i, 1);
	}
	assert_int_equal(went, MANY - LANE_WIDTH);
	assert_int_equal(lane_running() + lane_waiting(), 0);
}

/* Tenants of one provider share its lane; another server has its own. */
static void
test_a_lane_is_a_server(void **state)
{
	(void)state;
	assert_int_equal(
	    enter(0, LANE_WIDTH, SERVER "/one/token", "a"), LANE_WIDTH);
	assert_int_equal(enter(20, 1, "HTTPS://LOGIN.example/two", "b"), 0);
	assert_int_equal(enter(21, 1, "https://login.example:444/", "c"), 1);
	assert_int_equal(enter(22, 1, "https://login.example.org/", "d"), 1);
	leave(0, LANE_WIDTH);
	assert_string_equal(order, "b");
	leave(20, 3);
}

static void
test_a_crowd_does_not_keep_one_waiting(void **state)
{
	(void)state;
	enter(0, 500, SERVER, "a");
	enter(500, 3, SERVER, "b");
	leave(0, 4);
	assert_string_equal(order, "bbba");
	leave(4, 499);
	assert_int_equal(went, 503 - LANE_WIDTH);
}

static void
test_who_gives_up_is_not_called(void **state)
{
	(void)state;
	enter(0, LANE_WIDTH, SERVER, "a");
	enter(20, 1, SERVER, "b");
	enter(21, 1, SERVER, "c");
	leave(20, 1);
	assert_int_equal(lane_waiting(), 1);
	leave(0, LANE_WIDTH);
	leave(21, 1);
	assert_string_equal(order, "c");
	lane_leave(NULL);
}

/* Each fails as soon as it is called. */
static void
fail_at_once(void *arg)
{
	size_t *i = arg;
	struct lane_turn *turn = turns[*i];

	went++;
	turns[*i] = NULL;
	lane_leave(turn);
}

static void
test_turns_that_end_at_once(void **state)
{
	static size_t index[MANY];
	size_t i;
	int now;

	(void)state;
	enter(0, LANE_WIDTH, SERVER, "a");
	for (i = LANE_WIDTH; i < MANY; i++) {
		index[i] = i;
		turns[i] =
		    lane_enter(SERVER, "a", fail_at_once, &index[i], &now);
	}
	leave(0, 1);
	assert_int_equal(went, MANY - LANE_WIDTH);
	leave(1, LANE_WIDTH - 1);
	assert_int_equal(lane_running() + lane_waiting(), 0);
}

/* The last test: there is no way back. */
static void
test_closed(void **state)
{
	(void)state;
	enter(0, LANE_WIDTH, SERVER, "a");
	enter(20, 1, SERVER, "a");
	lane_close();
	assert_int_equal(enter(21, 1, "https://other.example/", "a"), 0);
	leave(0, LANE_WIDTH);
	assert_int_equal(went, 0);
	assert_int_equal(lane_running(), 0);
	leave(20, 2);
	assert_int_equal(lane_waiting(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_so_many_at_a_time, setup),
	    cmocka_unit_test_setup(test_a_lane_is_a_server, setup),
	    cmocka_unit_test_setup(
		test_a_crowd_does_not_keep_one_waiting, setup),
	    cmocka_unit_test_setup(test_who_gives_up_is_not_called, setup),
	    cmocka_unit_test_setup(test_turns_that_end_at_once, setup),
	    cmocka_unit_test_setup(test_closed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
