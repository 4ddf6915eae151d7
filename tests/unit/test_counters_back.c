/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/limit
 * link: milter/lmdb_store
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal milter/lmdb_check milter/ticks milter/map
 * link: tests/unit/counters_place
 * libs: milter
 *
 * counters: what is taken back is not counted, and nothing else is missing. How
 * long a message is known.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters_place.h"
#include "log.h"
#include "milter/counters.h"

#define LIMITS 2 /* of each message: one of its own, and one all share */
#define WHO 5

static struct err err;
static long shift_s;

/* Wins over libc's: time goes on when the test says so, too. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_BOOTTIME || id == CLOCK_REALTIME)
		ts->tv_sec += shift_s;
	return rc;
}

static void
fill(struct counters_item items[LIMITS], unsigned who, uint64_t amount)
{
	char name[16];
	size_t i;

	memset(items, 0, LIMITS * sizeof(*items));
	(void)snprintf(name, sizeof(name), "w%u", who);
	for (i = 0; i < LIMITS; i++) {
		counters_key(items[i].key, "account", i == 0 ? name : "",
		    "messages", 60);
		items[i].window_ms = 3600000;
		items[i].max = 1000000;
		items[i].amount = amount;
	}
}

static void
count(const char *id, struct counters_item items[LIMITS], uint64_t amount)
{
	fill(items, 0, amount);
	assert_int_equal(
	    counters_reserve(counters, id, items, LIMITS, 0, NULL, &err), 1);
}

static void
back(const char *id, struct counters_item items[LIMITS])
{
	assert_int_equal(
	    counters_take_back(counters, id, items, LIMITS, &err), 0);
}

/* Of w<who>, or of all. */
static uint64_t
used(unsigned who, int all)
{
	struct counters_item items[LIMITS];

	fill(items, who, 1);
	assert_int_equal(counters_read(counters, items, LIMITS, &err), 0);
	return items[all].used;
}

static void
reopen(void)
{
	counters_close(counters);
	counters = counters_place_open();
}

static void
taken_back_it_was_never_there(void **state)
{
	struct counters_item items[LIMITS];

	(void)state;
	count("4X", items, 3);
	back("4X", items);
	assert_int_equal(used(0, 0) + used(0, 1), 0);
	/* It may come again, and is counted then. */
	count("4X", items, 3);
	assert_int_equal(used(0, 0), 3);
	count("4X", items, 3);
	assert_int_equal(used(0, 0), 3);
}

static void
twice_is_once(void **state)
{
	struct counters_item items[LIMITS], kept[LIMITS], other[LIMITS];

	(void)state;
	count("4X", items, 3);
	count("4Y", other, 4);
	memcpy(kept, items, sizeof(kept));
	back("4X", items);
	back("4X", items);
	back("4X", kept);
	assert_int_equal(used(0, 0), 4);
	assert_int_equal(used(0, 1), 4);
}

/* What another call has counted is not this one's. */
static void
nobody_takes_back_what_another_one_counted(void **state)
{
	struct counters_item items[LIMITS], again[LIMITS];

	(void)state;
	count("4X", items, 3);
	count("4X", again, 3);
	assert_int_equal(again[0].counted_ms, 0);
	back("4X", again);
	assert_int_equal(used(0, 0), 3);
	/* One without a name cannot be told from others. */
	count(NULL, items, 2);
	back(NULL, items);
	assert_int_equal(used(0, 0), 5);
}

static void
after_a_reset_there_is_nothing_to_take(void **state)
{
	struct counters_item items[LIMITS], other[LIMITS];

	(void)state;
	count("4X", items, 3);
	assert_int_equal(counters_reset(counters, items, LIMITS, &err), 0);
	count("4Y", other, 4);
	back("4X", items);
	assert_int_equal(used(0, 0), 4);
}

static void
what_was_written_down_is_taken_back_too(void **state)
{
	struct counters_item items[LIMITS];

	(void)state;
	count("4X", items, 3);
	counters_tick(counters);
	back("4X", items);
	assert_int_equal(used(0, 0), 0);
	count("4X", items, 3);
	reopen();
	back("4X", items);
	assert_int_equal(used(0, 0), 0);
	reopen();
	assert_int_equal(used(0, 0), 0);
}

/*
 * A child counts three messages, takes the second one back, or dies before it
 * does, and is killed in any case.
 */
static void
killed_after(int takes_back, uint64_t left)
{
	struct counters_item items[3][LIMITS];
	int status;
	pid_t child;

	counters_close(counters);
	child = fork();
	if (child == 0) {
		counters = counters_place_open();
		count("4X", items[0], 1);
		count("4Y", items[1], 10);
		count("4Z", items[2], 100);
		if (takes_back)
			back("4Y", items[1]);
		(void)kill(getpid(), SIGKILL);
	}
	(void)waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	counters = counters_place_open();
	assert_int_equal(used(0, 0), left);
	assert_int_equal(used(0, 1), left);
	/* The first one is known, the second one only if it counts. */
	count("4X", items[0], 1);
	count("4Y", items[1], 10);
	assert_int_equal(used(0, 0), 111);
	reopen();
	assert_int_equal(used(0, 0), 111);
}

static void
killed_before_it_is_taken_back_it_counts(void **state)
{
	(void)state;
	killed_after(0, 111);
}

static void
killed_after_it_is_taken_back_it_does_not(void **state)
{
	(void)state;
	killed_after(1, 101);
}

/* --- how long it is known ------------------------------------------------- */

static void
nothing(void)
{
}

static void
write_down(void)
{
	counters_tick(counters);
}

/* The same message, for the first and the second time. */
static int
is_counted(const char *id)
{
	struct counters_item items[LIMITS];

	count(id, items, 1);
	return items[0].counted_ms != 0;
}

static void
known_for_five_minutes(void **state)
{
	static void (*const between[])(void) = {nothing, write_down, reopen};
	char id[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(between) / sizeof(between[0]); i++) {
		(void)snprintf(id, sizeof(id), "4X%zu", i);
		assert_int_equal(is_counted(id), 1);
		between[i]();
		assert_int_equal(is_counted(id), 0);
		shift_s += 290;
		assert_int_equal(is_counted(id), 0);
		/* Not from when it came again, and if nobody else came, too. */
		shift_s += 11;
		assert_int_equal(is_counted(id), 1);
		between[i]();
		shift_s += 30 * 24 * 3600;
		assert_int_equal(is_counted(id), 1);
		assert_int_equal(is_counted(id), 0);
	}
}

/* Whatever others do meanwhile. */
static void
known_among_others(void **state)
{
	char other[16];
	int i;

	(void)state;
	assert_int_equal(is_counted("4X"), 1);
	for (i = 0; i < 29; i++) {
		shift_s += 10;
		(void)snprintf(other, sizeof(other), "4Y%d", i);
		assert_int_equal(is_counted(other), 1);
		counters_tick(counters);
		assert_int_equal(is_counted("4X"), 0);
	}
	shift_s += 11;
	assert_int_equal(is_counted("4X"), 1);
}

/* --- at random ------------------------------------------------------------ */

#define STEPS 4000
#define RECENT 64 /* any of the last ones may be taken back */

static uint64_t seed = 88172645463325252u;

static uint64_t
random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

struct message {
	char id[16];
	unsigned who;
	struct counters_item items[LIMITS];
};

/* What is counted is at all times the sum of what was not taken back. */
static void
the_sum_is_what_is_left(void **state)
{
	static struct message recent[RECENT];
	uint64_t expected[WHO] = {0}, all = 0;
	unsigned i, who;

	(void)state;
	for (i = 0; i < STEPS; i++) {
		struct message *m = &recent[random_below(RECENT)];

		if (m->items[0].counted_ms != 0 && random_below(3) > 0) {
			expected[m->who] -= m->items[0].amount;
			all -= m->items[0].amount;
			back(m->id, m->items);
		} else {
			m->who = (unsigned)random_below(WHO);
			(void)snprintf(m->id, sizeof(m->id), "%u", i);
			fill(m->items, m->who, 1 + random_below(9));
			assert_int_equal(counters_reserve(counters, m->id,
					     m->items, LIMITS, 0, NULL, &err),
			    1);
			expected[m->who] += m->items[0].amount;
			all += m->items[0].amount;
		}
		if (random_below(100) == 0)
			counters_tick(counters);
		if (random_below(400) == 0)
			reopen();
		who = (unsigned)random_below(WHO);
		assert_int_equal(used(who, 0), expected[who]);
		assert_int_equal(used(who, 1), all);
	}
	assert_true(all > 0);
}

int
main(void)
{
#define T(f)                                                                   \
	cmocka_unit_test_setup_teardown(                                       \
	    f, counters_place_setup, counters_place_teardown)
	const struct CMUnitTest tests[] = {
	    T(taken_back_it_was_never_there),
	    T(twice_is_once),
	    T(nobody_takes_back_what_another_one_counted),
	    T(after_a_reset_there_is_nothing_to_take),
	    T(what_was_written_down_is_taken_back_too),
	    T(killed_before_it_is_taken_back_it_counts),
	    T(killed_after_it_is_taken_back_it_does_not),
	    T(known_for_five_minutes),
	    T(known_among_others),
	    T(the_sum_is_what_is_left),
	};
#undef T

	log_open("test_counters_back", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
