/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_own: what a host knows of counters it shares, and what it may give
 * out of a limit by itself.
 * link: milter/counters_own milter/own_file milter/lmdb_work milter/lmdb_file
 * link: milter/counters_own_keys milter/counters_walk milter/lmdb_keys
 * link: milter/lmdb_store milter/tally milter/lmdb_check
 * link: milter/limit milter/ticks milter/pending milter/journal milter/map
 * libs: milter
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "milter/counters_own.h"
#include "milter/counters_own_keys.h"

#define HOUR_MS 3600000
#define NOW 1700000000000

static char directory[64];
static struct own_file *own;
static struct err err;

static void
open_own(void)
{
	own = own_file_open(directory, &err);
	if (own == NULL)
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/postoak-own-XXXXXX");
	assert_non_null(mkdtemp(directory));
	open_own();
	own_file_follow(own, NOW);
	return 0;
}

static int
teardown(void **state)
{
	char name[100];

	(void)state;
	own_file_close(own);
	(void)snprintf(name, sizeof(name), "%s/data.mdb", directory);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s/lock.mdb", directory);
	(void)unlink(name);
	return rmdir(directory);
}

static struct counters_item
item(const char *key, uint64_t max, uint64_t amount)
{
	struct counters_item out = {
	    .window_ms = HOUR_MS, .max = max, .amount = amount};

	(void)snprintf(out.key, sizeof(out.key), "%s", key);
	return out;
}

/* The store counted amount, of which "before" was there. */
static void
noted(const char *key, uint64_t before, uint64_t amount)
{
	struct counters_item one = item(key, 100, amount);

	one.used = before;
	assert_int_equal(
	    counters_own_note(own, own_file_expected(own), &one, 1, 1, &err),
	    0);
}

static int
reserve(const char *key, uint64_t max, uint64_t amount, int share, int doubts)
{
	struct counters_item one = item(key, max, amount);
	int granted;

	assert_int_equal(counters_own_reserve(own, NULL, &one, 1, share, doubts,
			     0, &granted, &err),
	    0);
	assert_int_equal(granted, one.wait_ms == 0);
	return granted;
}

static uint64_t
used(const char *key)
{
	struct counters_item one = item(key, 1000000, 1);

	assert_int_equal(counters_own_read(own, &one, 1, &err), 0);
	return one.used;
}

/* Give out one by one; how many it were. */
static int
all_it_gives(const char *key, uint64_t max, int share)
{
	int count = 0;

	while (reserve(key, max, 1, share, 0))
		count++;
	return count;
}

static void
a_share_of_what_is_free(void **state)
{
	(void)state;
	noted("a", 60, 4);
	assert_int_equal(used("a"), 64);
	assert_int_equal(all_it_gives("a", 100, 50), 18);
	assert_int_equal(used("a"), 82);
	assert_int_equal(all_it_gives("b", 100, 33), 33);
	assert_int_equal(all_it_gives("c", 1, 50), 0);
	assert_int_equal(all_it_gives("d", 3, 100), 3);
}

/* More than the limit never fits, more than the share may fit later. */
static void
waits(void **state)
{
	struct counters_item one = item("a", 10, 11);
	int granted;

	(void)state;
	assert_int_equal(
	    counters_own_reserve(own, NULL, &one, 1, 50, 0, 0, &granted, &err),
	    0);
	assert_int_equal(one.wait_ms, -1);
	one.amount = 6;
	assert_int_equal(
	    counters_own_reserve(own, NULL, &one, 1, 50, 0, 0, &granted, &err),
	    0);
	assert_true(one.wait_ms > 0);
}

static void
in_doubt_the_upper_half_is_not_given(void **state)
{
	(void)state;
	noted("a", 48, 1);
	assert_int_equal(reserve("a", 100, 1, 100, 1), 1);
	assert_int_equal(reserve("a", 100, 1, 100, 1), 0);
	assert_int_equal(reserve("a", 100, 1, 100, 0), 1);
}

static void
the_same_message_counts_once(void **state)
{
	struct counters_item one = item("a", 10, 4);
	int granted, i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(counters_own_reserve(own, "4X", &one, 1, 50, 0,
				     0, &granted, &err),
		    0);
		assert_int_equal(granted, 1);
	}
	assert_int_equal(used("a"), 4);
}

/* What the store tells never makes less of what is known. */
static void
news(void **state)
{
	struct counters_own_news told = {
	    .key = "a", .width_us = 56250000, .total = 70};

	(void)state;
	noted("a", 9, 1);
	assert_int_equal(counters_own_hear(own, &told, 1, &err), 0);
	assert_int_equal(used("a"), 70);
	told.total = 3;
	assert_int_equal(counters_own_hear(own, &told, 1, &err), 0);
	assert_int_equal(used("a"), 70);
}

/* All own rings are listed; "unheard" those the store knows too little of. */
static void
what_is_to_be_given_back(void **state)
{
	struct counters_own_part parts[COUNTERS_OWN_LIST_MAX];
	char after[COUNTERS_KEY_MAX] = "";
	size_t count, i, seen = 0;
	char key[16];

	(void)state;
	for (i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "k%zu", i);
		noted(key, 0, i + 1);
	}
	assert_int_equal(reserve("k7", 1000, 5, 50, 0), 1);
	do {
		assert_int_equal(
		    counters_own_list(own, 0, after, parts, &count, &err), 0);
		seen += count;
	} while (count > 0);
	assert_int_equal(seen, 100);
	after[0] = '\0';
	assert_int_equal(
	    counters_own_list(own, 1, after, parts, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(parts[0].key, "k7");
	assert_int_equal(parts[0].ring.sum, 13);
	/* Counted again meanwhile: it is still to be told. */
	assert_int_equal(reserve("k7", 1000, 1, 50, 0), 1);
	assert_int_equal(counters_own_heard(
			     own, own_file_expected(own), &parts[0], 20, &err),
	    0);
	after[0] = '\0';
	assert_int_equal(
	    counters_own_list(own, 1, after, parts, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(counters_own_heard(
			     own, own_file_expected(own), &parts[0], 21, &err),
	    0);
	after[0] = '\0';
	assert_int_equal(
	    counters_own_list(own, 1, after, parts, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(used("k7"), 21);
}

/* Both what was counted here alone, and what the store counted. */
static void
what_was_not_sent_is_taken_back(void **state)
{
	struct counters_item one = item("a", 100, 4);
	struct limit_ring ring;
	int granted;

	(void)state;
	noted("a", 50, 1);
	assert_int_equal(
	    counters_own_reserve(own, "4X", &one, 1, 100, 0, 0, &granted, &err),
	    0);
	assert_int_equal(granted, 1);
	assert_int_equal(one.counted_alone, 1);
	assert_int_equal(used("a"), 55);
	/* Once, and only by its name. */
	assert_int_equal(counters_own_take_back(own, "4Y", &one, 1, &err), 0);
	assert_int_equal(used("a"), 55);
	assert_int_equal(counters_own_take_back(own, "4X", &one, 1, &err), 0);
	assert_int_equal(counters_own_take_back(own, "4X", &one, 1, &err), 0);
	assert_int_equal(used("a"), 51);
	assert_int_equal(counters_own_rings(own, &one, 1, &ring, &err), 0);
	assert_int_equal(ring.sum, 1);
	one = item("a", 100, 1);
	one.counted_ms = own_file_expected(own);
	assert_int_equal(counters_own_take_back(own, "4Z", &one, 1, &err), 0);
	assert_int_equal(counters_own_rings(own, &one, 1, &ring, &err), 0);
	assert_int_equal(ring.sum, 0);
	/* What all have is what the store told. */
	assert_int_equal(used("a"), 51);
}

/*
 * Told the store, one taken back, another one counted: as many as before, and
 * not those the store has heard of.
 */
static void
another_one_in_its_place_is_still_unheard(void **state)
{
	struct counters_own_part parts[COUNTERS_OWN_LIST_MAX];
	struct counters_item one = item("a", 100, 1);
	char after[COUNTERS_KEY_MAX] = "";
	size_t count;
	int granted;

	(void)state;
	assert_int_equal(
	    counters_own_reserve(own, "4X", &one, 1, 100, 0, 0, &granted, &err),
	    0);
	assert_int_equal(
	    counters_own_list(own, 1, after, parts, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(counters_own_take_back(own, "4X", &one, 1, &err), 0);
	/* Two buckets on. */
	own_file_follow(own, own_file_expected(own) + 120000);
	assert_int_equal(reserve("a", 100, 1, 100, 0), 1);
	assert_int_equal(
	    counters_own_heard(own, own_file_expected(own), &parts[0], 1, &err),
	    0);
	after[0] = '\0';
	assert_int_equal(
	    counters_own_list(own, 1, after, parts, &count, &err), 0);
	assert_int_equal(count, 1);
}

static void
a_reset_forgets(void **state)
{
	struct counters_item one = item("a", 100, 1);

	(void)state;
	noted("a", 50, 1);
	assert_int_equal(reserve("a", 100, 1, 50, 0), 1);
	assert_int_equal(counters_own_reset(own, &one, 1, &err), 0);
	assert_int_equal(used("a"), 0);
}

/* The name and all that was counted outlive the process. */
static void
it_is_kept(void **state)
{
	char name[OWN_FILE_NAME_MAX];

	(void)state;
	noted("a", 50, 1);
	(void)snprintf(name, sizeof(name), "%s", own_file_name(own));
	assert_int_equal(strlen(name), OWN_FILE_NAME_MAX - 1);
	own_file_close(own);
	open_own();
	assert_string_equal(own_file_name(own), name);
	assert_int_equal(used("a"), 51);
	assert_int_equal(own_file_expected(own), 0);
}

/* A store whose clock is behind: nothing may be later than its now. */
static void
another_clock_that_is_behind(void **state)
{
	struct counters_item one = item("a", 100, 1);
	struct limit_ring ring;

	(void)state;
	noted("a", 50, 1);
	own_file_close(own);
	open_own();
	own_file_follow(own, NOW - 10 * HOUR_MS);
	assert_int_equal(used("a"), 51);
	assert_int_equal(counters_own_rings(own, &one, 1, &ring, &err), 0);
	assert_true(ring.newest * ring.width_us / 1000 <= NOW - 10 * HOUR_MS);
	own_file_follow(own, NOW - 8 * HOUR_MS);
	assert_int_equal(used("a"), 0);
}

static int
read_visited(struct counters_walk *walk, void *with, struct err *error)
{
	uint64_t *all = with;
	size_t i;

	assert_int_equal(
	    counters_own_read(own, walk->items, walk->count, error), 0);
	for (i = 0; i < walk->count; i++)
		*all += walk->items[i].used;
	return 0;
}

/* What it counted, with the store and alone, and what it heard; each once. */
static void
the_keys_of_a_limit(void **state)
{
	struct counters_own_news told = {.key = "login|a heard|messages|3600",
	    .width_us = 56250000,
	    .total = 1000};
	struct counters_walk walk;
	uint64_t all = 0;

	(void)state;
	assert_int_equal(counters_own_hear(own, &told, 1, &err), 0);
	noted("login|a there|messages|3600", 0, 1);
	assert_int_equal(
	    reserve("login|a there|messages|3600", 99, 10, 100, 0), 1);
	assert_int_equal(
	    reserve("login|a alone|messages|3600", 999, 100, 100, 0), 1);
	noted("login|b other|messages|3600", 0, 50);
	noted("login|a other|messages|60", 0, 50);
	counters_walk_init(&walk, "login|a |messages|3600");
	walk.window_ms = HOUR_MS;
	walk.max = 2000;
	walk.most = 100;
	walk.until_ms = clock_boot_ms() + 60000;
	walk.visit = read_visited;
	walk.with = &all;
	assert_int_equal(counters_own_keys(own, &walk, &err), 0);
	assert_int_equal(all, 1111);
	assert_false(walk.cut);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_share_of_what_is_free),
	    T(waits),
	    T(in_doubt_the_upper_half_is_not_given),
	    T(the_same_message_counts_once),
	    T(news),
	    T(what_is_to_be_given_back),
	    T(what_was_not_sent_is_taken_back),
	    T(another_one_in_its_place_is_still_unheard),
	    T(a_reset_forgets),
	    T(the_keys_of_a_limit),
	    T(it_is_kept),
	    T(another_clock_that_is_behind),
	};

	log_open("test_counters_own", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
