/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/limit milter/ticks
 *
 * limit, ticks: no window ever holds more than the limit, and little of it is
 * wasted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "milter/limit.h"
#include "milter/ticks.h"

static uint64_t seed;

static uint64_t
random_below(uint64_t n)
{
	/* xorshift64: the same on every run and machine. */
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

struct event {
	int64_t at_ms;
	uint64_t amount;
};

/* The most any interval of the window's length holds, ends included. */
static uint64_t
worst_window(const struct event *events, size_t count, int64_t window_ms)
{
	uint64_t sum = 0, worst = 0;
	size_t first = 0, i;

	for (i = 0; i < count; i++) {
		sum += events[i].amount;
		while (events[i].at_ms - events[first].at_ms > window_ms)
			sum -= events[first++].amount;
		if (sum > worst)
			worst = sum;
	}
	return worst;
}

/* One of the last events is made undone, however long ago it was. */
static void
take_back(struct limit_ring *ring, struct event *events, size_t *count)
{
	size_t back = 1 + random_below(*count < 50 ? *count : 50);
	struct event *event = &events[*count - back];

	limit_take_back(ring, event->at_ms, event->amount);
	(*count)--;
	memmove(event, event + 1, (back - 1) * sizeof(*event));
}

/* Random arrivals in bursts, each stored and read back, as after a restart. */
static void
run(int64_t window_ms, uint64_t max, int restarts, int backs)
{
	enum { EVENTS = 40000 };
	struct event *events = calloc(EVENTS, sizeof(*events));
	unsigned char stored[LIMIT_BYTES];
	struct limit_ring ring;
	int64_t now_ms = 1700000000000;
	size_t count = 0;
	int i;

	limit_init(&ring, window_ms);
	for (i = 0; i < EVENTS; i++) {
		uint64_t amount = 1 + random_below(3);
		int64_t wait;

		if (random_below(20) == 0)
			now_ms +=
			    (int64_t)random_below((uint64_t)window_ms * 2);
		else
			now_ms += (int64_t)random_below(
			    (uint64_t)window_ms / max + 2);
		wait = limit_wait(&ring, now_ms, max, amount);
		assert_true(wait >= 0);
		if (wait > 0 && random_below(4) == 0) {
			/* Come back exactly when told to. */
			now_ms += wait;
			wait = limit_wait(&ring, now_ms, max, amount);
			assert_int_equal(wait, 0);
		}
		if (wait == 0) {
			limit_add(&ring, now_ms, amount);
			events[count++] = (struct event){now_ms, amount};
		}
		if (backs && count > 0 && random_below(5) == 0)
			take_back(&ring, events, &count);
		if (restarts) {
			size_t len = limit_encode(&ring, stored);

			assert_int_equal(
			    limit_decode(&ring, window_ms, stored, len), 0);
		}
	}
	assert_true(count > 1000);
	assert_in_range(worst_window(events, count, window_ms), 1, max);
	free(events);
}

static void
no_window_exceeds_the_limit(void **state)
{
	static const int64_t windows[] = {
	    1000, 60000, 61001, 3600000, 86400000};
	size_t i;

	(void)state;
	seed = 88172645463325252u;
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		run(windows[i], 30, 0, 0);
		run(windows[i], 10, 1, 0);
		run(windows[i], 1000, 1, 0);
		run(windows[i], 30, 0, 1);
		run(windows[i], 1000, 1, 1);
	}
}

/* A sender that uses every slot at once gets it back after at most 1 + 1/60
 * windows. */
static void
little_is_wasted(void **state)
{
	static const int64_t windows[] = {
	    1000, 5000, 60000, 3600000, 86400000, 2592000000};
	size_t i;
	int k;

	(void)state;
	seed = 42;
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		for (k = 0; k < 200; k++) {
			struct limit_ring ring;
			int64_t now_ms =
			    1700000000000 + (int64_t)random_below(100000000);
			int64_t wait;

			limit_init(&ring, windows[i]);
			limit_add(&ring, now_ms, 5);
			wait = limit_wait(&ring, now_ms, 5, 1);
			assert_true(wait > windows[i]);
			assert_true(wait <= windows[i] + windows[i] / 60 + 1);
			assert_int_equal(limit_frees(&ring, now_ms), wait);
			assert_int_not_equal(
			    limit_wait(&ring, now_ms + wait - 1, 5, 1), 0);
			assert_int_equal(
			    limit_wait(&ring, now_ms + wait, 5, 5), 0);
			assert_int_equal(limit_used(&ring, now_ms + wait), 0);
		}
	}
}

static void
wait_is_for_as_much_as_is_needed(void **state)
{
	struct limit_ring ring;
	int64_t t = 1700000000000;

	(void)state;
	limit_init(&ring, 64000); /* buckets of a second */
	limit_add(&ring, t, 3);
	limit_add(&ring, t + 10000, 5);
	assert_int_equal(limit_wait(&ring, t + 20000, 10, 2), 0);
	assert_int_equal(limit_wait(&ring, t + 20000, 10, 3), 45000);
	assert_int_equal(limit_wait(&ring, t + 20000, 10, 5), 45000);
	assert_int_equal(limit_wait(&ring, t + 20000, 10, 6), 55000);
	assert_int_equal(limit_wait(&ring, t + 20000, 10, 11), -1);
	assert_int_equal(limit_wait(&ring, t + 20000, 4, 1), 55000);
}

static void
a_clock_that_goes_back_frees_nothing(void **state)
{
	struct limit_ring ring;
	int64_t t = 1700000000000;

	(void)state;
	limit_init(&ring, 60000);
	limit_add(&ring, t, 30);
	assert_int_equal(limit_used(&ring, t - 3600000), 30);
	assert_true(limit_wait(&ring, t - 3600000, 30, 1) > 3600000);
	limit_add(&ring, t - 3600000, 1);
	assert_int_equal(limit_used(&ring, t), 31);
}

static void
sums_do_not_overflow(void **state)
{
	struct limit_ring ring;

	(void)state;
	limit_init(&ring, 60000);
	limit_add(&ring, 1000000, UINT64_MAX - 1);
	limit_add(&ring, 1000000, 10);
	assert_true(limit_used(&ring, 1000000) == UINT64_MAX);
	assert_int_equal(limit_wait(&ring, 1000000, 10, 1) > 0, 1);
}

static void
raised_forgotten_and_rebased(void **state)
{
	struct limit_ring ring;
	int64_t now = 1000000;

	(void)state;
	limit_init(&ring, 64000); /* buckets of a second */
	limit_add(&ring, now, 5);
	limit_raise(&ring, now + 2000, 12);
	assert_int_equal(limit_used(&ring, now + 2000), 12);
	limit_raise(&ring, now + 2000, 3);
	assert_int_equal(limit_used(&ring, now + 2000), 12);
	/* The clock is put back: all is there, and nothing is later. */
	limit_rebase(&ring, now - 500000);
	assert_int_equal(limit_used(&ring, now - 500000), 12);
	assert_int_equal(ring.newest, 500);
	assert_int_equal(limit_used(&ring, now - 500000 + 64999), 12);
	assert_int_equal(limit_used(&ring, now - 500000 + 65000), 0);
	limit_init(&ring, 64000);
	limit_add(&ring, now, 5);
	limit_add(&ring, now + 2000, 7);
	limit_forget(&ring, 1001);
	assert_int_equal(limit_used(&ring, now + 2000), 7);
	limit_forget(&ring, 5000);
	assert_int_equal(limit_used(&ring, now + 2000), 0);
}

static void
taken_back(void **state)
{
	struct limit_ring ring, before;
	int64_t now = 1000000;

	(void)state;
	limit_init(&ring, 64000); /* buckets of a second */
	limit_add(&ring, now, 5);
	limit_add(&ring, now + 2000, 7);
	before = ring;
	limit_take_back(&ring, now, 3);
	assert_int_equal(limit_used(&ring, now + 2000), 9);
	/* From that bucket, and no more than is there. */
	limit_take_back(&ring, now + 999, 3);
	assert_int_equal(limit_used(&ring, now + 2000), 7);
	assert_int_equal(limit_has_more(&ring, &before, now + 2000), 0);
	assert_int_equal(limit_has_more(&before, &ring, now + 2000), 1);
	/* As many in all, and not the same: it has more in one bucket. */
	limit_add(&ring, now + 2000, 5);
	assert_int_equal(limit_has_more(&ring, &before, now + 2000), 1);
	/* What is forgotten, or not yet, is nobody's. */
	limit_take_back(&ring, now - 65000, 1);
	limit_take_back(&ring, now + 3000, 1);
	assert_int_equal(limit_used(&ring, now + 2000), 12);
	limit_take_back(&ring, now + 2000, 12);
	assert_int_equal(limit_used(&ring, now + 2000), 0);
	assert_int_equal(limit_has_more(&before, &before, now + 90000), 0);
}

static void
foreign_bytes_are_no_ring(void **state)
{
	unsigned char data[LIMIT_BYTES];
	struct limit_ring ring;
	size_t len;

	(void)state;
	limit_init(&ring, 60000);
	limit_add(&ring, 1700000000000, 7);
	limit_add(&ring, 1700000030000, 300);
	len = limit_encode(&ring, data);
	assert_int_equal(limit_decode(&ring, 60000, data, len), 0);
	assert_int_equal(limit_used(&ring, 1700000030000), 307);
	assert_int_equal(limit_decode(&ring, 61000, data, len), -1);
	assert_int_equal(limit_decode(&ring, 60000, data, 10), -1);
	assert_int_equal(limit_decode(&ring, 60000, data, len - 1), -1);
	assert_int_equal(limit_is_over(data, len, 1700000030000), 0);
	assert_int_equal(limit_is_over(data, len, 1700000092000), 1);
	/* Slots out of order, and one that is none. */
	data[16] = 64;
	assert_int_equal(limit_decode(&ring, 60000, data, len), -1);
	data[16] = 65;
	assert_int_equal(limit_decode(&ring, 60000, data, len), -1);
	memset(data + 8, 0xff, 8);
	assert_int_equal(limit_decode(&ring, 60000, data, len), -1);
	memset(data, 0x01, sizeof(data));
	assert_int_equal(limit_decode_any(&ring, data, sizeof(data)), -1);
}

/* Whatever is in it, and short when that is little. */
static void
a_ring_is_stored_whole(void **state)
{
	unsigned char data[LIMIT_BYTES];
	struct limit_ring ring, again;
	int i, bit;

	(void)state;
	for (bit = 0; bit < 57; bit++) {
		limit_init(&ring, 64000);
		for (i = 0; i < LIMIT_SLOTS; i++)
			limit_add(&ring, 1700000000000 + i * 1000,
			    ((uint64_t)1 << bit) + (uint64_t)i);
		assert_int_equal(limit_decode(&again, 64000, data,
				     limit_encode(&ring, data)),
		    0);
		assert_memory_equal(&again, &ring, sizeof(ring));
	}
	limit_init(&ring, 64000);
	limit_add(&ring, 1700000000000, UINT64_MAX);
	assert_int_equal(
	    limit_decode(&again, 64000, data, limit_encode(&ring, data)), 0);
	assert_memory_equal(&again, &ring, sizeof(ring));
	limit_init(&ring, 64000);
	limit_add(&ring, 1700000000000, 100);
	assert_in_range(limit_encode(&ring, data), 16, 18);
}

static struct ticks
clocks(int64_t boot_ms, int64_t wall_ms, const char *boot_id)
{
	struct ticks now = {.boot_ms = boot_ms, .wall_ms = wall_ms};

	strcpy(now.boot_id, boot_id);
	return now;
}

static void
ticks_ignore_the_wall_clock(void **state)
{
	struct ticks stored = {0}, now = clocks(1000, 5000000, "a");

	(void)state;
	assert_int_equal(ticks_advance(&stored, &now), 5000000);
	now = clocks(2000, 1, "a"); /* set back by an hour and more */
	assert_int_equal(ticks_advance(&stored, &now), 5001000);
	now = clocks(3000, 900000000, "a"); /* set forward by ten days */
	assert_int_equal(ticks_advance(&stored, &now), 5002000);
}

static void
ticks_go_on_across_a_reboot(void **state)
{
	struct ticks stored = {0}, now = clocks(100000, 5000000, "a");

	(void)state;
	(void)ticks_advance(&stored, &now);
	now = clocks(50, 5060000, "b"); /* off for a minute */
	assert_int_equal(ticks_advance(&stored, &now), 5060000);
	now = clocks(60, 4000000, "c"); /* came up in the past */
	assert_int_equal(ticks_advance(&stored, &now), 5060000);
	now = clocks(70, 6000000, "c"); /* and was corrected */
	assert_int_equal(ticks_advance(&stored, &now), 5060010);
	now = clocks(80, 4000000, ""); /* no boot id to be had */
	assert_int_equal(ticks_advance(&stored, &now), 5060010);
}

static void
ticks_survive_storing(void **state)
{
	struct ticks stored = {0}, again, now = clocks(7, 8, "boot");
	unsigned char data[TICKS_BYTES];

	(void)state;
	(void)ticks_advance(&stored, &now);
	ticks_encode(&stored, data);
	assert_int_equal(ticks_decode(&again, data, sizeof(data)), 0);
	assert_memory_equal(&again, &stored, sizeof(again));
	assert_int_equal(ticks_decode(&again, data, 5), -1);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(ticks_decode(&again, data, sizeof(data)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_window_exceeds_the_limit),
	    cmocka_unit_test(little_is_wasted),
	    cmocka_unit_test(wait_is_for_as_much_as_is_needed),
	    cmocka_unit_test(a_clock_that_goes_back_frees_nothing),
	    cmocka_unit_test(sums_do_not_overflow),
	    cmocka_unit_test(raised_forgotten_and_rebased),
	    cmocka_unit_test(taken_back),
	    cmocka_unit_test(foreign_bytes_are_no_ring),
	    cmocka_unit_test(a_ring_is_stored_whole),
	    cmocka_unit_test(ticks_ignore_the_wall_clock),
	    cmocka_unit_test(ticks_go_on_across_a_reboot),
	    cmocka_unit_test(ticks_survive_storing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
