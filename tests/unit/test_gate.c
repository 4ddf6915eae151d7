/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/gate
 *
 * gate: a milter told to stop waits for the messages under way, on a clock
 * that nobody sets: pthread's own wait on the wall clock is not used.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "milter/gate.h"

/* Wins over libc's: a wait on the wall clock would end up here. */
int
pthread_cond_timedwait(
    pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	(void)cond;
	(void)mutex;
	(void)until;
	fail_msg("the gate waits on the wall clock");
	return 0;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *
end_one(void *arg)
{
	(void)arg;
	gate_end();
	return NULL;
}

/* The gate stays closed, so that what it does is one test. */
static void
waits_as_long_as_it_may_and_closes(void **state)
{
	pthread_t thread;
	int64_t begin_ms;

	(void)state;
	gate_begin();
	assert_int_equal(gate_decide(), 1);
	gate_decided();
	begin_ms = now_ms();
	gate_close(150);
	assert_true(now_ms() - begin_ms >= 149);
	assert_int_equal(gate_decide(), 0);

	begin_ms = now_ms();
	assert_int_equal(pthread_create(&thread, NULL, end_one, NULL), 0);
	gate_close(60000);
	assert_true(now_ms() - begin_ms < 30000);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_as_long_as_it_may_and_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
