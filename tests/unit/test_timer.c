/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer: in order, cancelled from anywhere, and silent when nothing is due.
 * link: tokend/timer
 * libs: tokend
 */
#include "tokend/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <event2/event.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"

#define MANY 2000

static struct event_base *base;
static int64_t last_ms;
static int fired;
static struct timer many[MANY];
static struct timer victim;

static int
setup(void **state)
{
	(void)state;
	base = event_base_new();
	fired = 0;
	last_ms = 0;
	return timer_start(base);
}

static int
teardown(void **state)
{
	(void)state;
	timer_stop();
	event_base_free(base);
	return 0;
}

static void
note(void *arg)
{
	const struct timer *timer = arg;

	assert_true(timer->at_ms >= last_ms);
	assert_true(timer->at_ms <= clock_boot_ms());
	assert_false(timer_is_set(timer));
	last_ms = timer->at_ms;
	fired++;
}

static void
test_fire_in_order_whatever_was_cancelled(void **state)
{
	int64_t now = clock_boot_ms();
	int i, left = MANY;

	(void)state;
	srand(7);
	for (i = 0; i < MANY; i++) {
		timer_init(&many[i], note, &many[i]);
		timer_set(&many[i], now + rand() % 50);
	}
	for (i = 0; i < MANY; i += 3) {
		timer_cancel(&many[i]);
		timer_cancel(&many[i]);
		left--;
	}
	for (i = 1; i < MANY; i += 3)
		timer_set(&many[i], now + rand() % 50);
	while (fired < left)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(fired, left);
}

static void
cancel_victim(void *arg)
{
	(void)arg;
	timer_cancel(&victim);
	fired++;
}

static void
test_cancelled_inside_another(void **state)
{
	struct timer killer;
	int64_t now = clock_boot_ms();

	(void)state;
	timer_init(&killer, cancel_victim, NULL);
	timer_init(&victim, note, &victim);
	timer_set(&killer, now - 2);
	timer_set(&victim, now - 1);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(fired, 1);
	assert_false(timer_is_set(&victim));
}

static void
again(void *arg)
{
	if (++fired < 5)
		timer_set(arg, clock_boot_ms());
}

static void
test_set_inside_itself(void **state)
{
	struct timer timer;

	(void)state;
	timer_init(&timer, again, &timer);
	timer_set(&timer, 1);
	while (fired < 5)
		event_base_loop(base, EVLOOP_ONCE);
	assert_false(timer_is_set(&timer));
}

static void
test_nothing_wakes_up_for_what_was_cancelled(void **state)
{
	struct timer timer;

	(void)state;
	timer_init(&timer, note, &timer);
	timer_set(&timer, clock_boot_ms() - 1);
	timer_cancel(&timer);
	/* Were the descriptor still armed, this would run its callback. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(fired, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_fire_in_order_whatever_was_cancelled),
	    TEST(test_cancelled_inside_another),
	    TEST(test_set_inside_itself),
	    TEST(test_nothing_wakes_up_for_what_was_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
