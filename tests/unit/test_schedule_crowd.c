/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule with thousands of credentials on a simulated clock: they do not ask
 * together, not after a start, a long stop or a night's sleep either.
 * link: tokend/schedule
 */
#include "tokend/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CROWD 10000
#define DAY_S 86400
#define BUCKET_S 600
#define BUCKETS (DAY_S / BUCKET_S)
#define SETTLED_S (4 * 3600) /* the common start is forgotten by then */

static uint32_t seed;

static int
setup(void **state)
{
	(void)state;
	seed = 2463534242u;
	return 0;
}

/* Marsaglia's xorshift: the same in each run. */
static uint32_t
chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* Renewals of one credential through the day, begun at begin_ms. */
static void
live(int64_t begin_ms, unsigned int *per_second)
{
	int64_t at_ms = begin_ms, life_ms;

	while (at_ms < DAY_S * 1000LL) {
		per_second[at_ms / 1000]++;
		/* 60 to 90 minutes, as Entra ID gives them. */
		life_ms = (3600 + chance() % 1800) * 1000LL;
		at_ms = schedule_renew_at(at_ms, at_ms + life_ms, chance());
	}
}

static void
show(const unsigned int *buckets)
{
	int i, stars;

	for (i = 0; i < BUCKETS; i += 6) {
		printf("%02d:00 %5u ", i / 6, buckets[i]);
		for (stars = (int)buckets[i] / 100; stars > 0; stars--)
			putchar('*');
		putchar('\n');
	}
}

/* All are asked for in the first minute, then renewed for a day. */
static void
test_a_day_of_renewals_is_even(void **state)
{
	static unsigned int per_second[DAY_S], buckets[BUCKETS];
	unsigned int sum = 0, mean, i;

	(void)state;
	for (i = 0; i < CROWD; i++)
		live(chance() % 60000, per_second);
	for (i = 0; i < DAY_S; i++)
		buckets[i / BUCKET_S] += per_second[i];
	show(buckets);
	for (i = SETTLED_S / BUCKET_S; i < BUCKETS; i++)
		sum += buckets[i];
	mean = sum / (BUCKETS - SETTLED_S / BUCKET_S);
	for (i = SETTLED_S / BUCKET_S; i < BUCKETS; i++)
		assert_in_range(buckets[i], mean * 8 / 10, mean * 12 / 10);
	/* Nowhere but in the first minute, a wave in a second. */
	for (i = 60; i < DAY_S; i++)
		assert_true(per_second[i] < 8 * mean / BUCKET_S + 10);
}

/* Eight hours of suspend: every renewal is overdue at the same moment. */
static void
test_waking_up_is_no_wave(void **state)
{
	unsigned int per_second[301] = {0}, most = 0, i;
	int64_t now_ms = 8 * SCHEDULE_HOUR_MS, late_ms;

	(void)state;
	for (i = 0; i < 1000; i++) {
		late_ms = schedule_late_ms(
		    chance() % SCHEDULE_HOUR_MS, now_ms, chance());
		assert_in_range(late_ms, 0, 300 * 1000);
		per_second[late_ms / 1000]++;
	}
	for (i = 0; i < 301; i++)
		most = per_second[i] > most ? per_second[i] : most;
	assert_in_range(most, 4, 20);
	/* A loop that was busy for a moment is not late. */
	assert_int_equal(schedule_late_ms(now_ms - 9000, now_ms, 12345), 0);
}

/* A month of standstill: every refresh token is to be used for its own sake. */
static void
test_a_long_stop_is_no_wave(void **state)
{
	unsigned int per_second[601] = {0}, most = 0, i;
	int64_t left_s;

	(void)state;
	for (i = 0; i < 1000; i++) {
		left_s = schedule_keep_alive_in_s(
		    chance() % DAY_S, 30 * DAY_S, chance());
		assert_in_range(left_s, 0, 600);
		per_second[left_s]++;
	}
	for (i = 0; i < 601; i++)
		most = per_second[i] > most ? per_second[i] : most;
	assert_in_range(most, 2, 15);
}

/* A provider that failed all of them at once is not asked by all at once. */
static void
test_a_failed_crowd_comes_back_spread(void **state)
{
	unsigned int per_second[301] = {0}, most = 0, i;
	int64_t wait_ms;

	(void)state;
	for (i = 0; i < 1000; i++) {
		wait_ms = schedule_backoff_ms(ERR_TEMPORARY, 12, 0, chance());
		per_second[wait_ms / 1000]++;
	}
	for (i = 0; i < 301; i++)
		most = per_second[i] > most ? per_second[i] : most;
	assert_in_range(most, 4, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_a_day_of_renewals_is_even, setup),
	    cmocka_unit_test_setup(test_waking_up_is_no_wave, setup),
	    cmocka_unit_test_setup(test_a_long_stop_is_no_wave, setup),
	    cmocka_unit_test_setup(
		test_a_failed_crowd_comes_back_spread, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
