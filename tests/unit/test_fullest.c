/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fullest: who has used most of a limit that many are counted by, out of
 * counters on LMDB; and forgetting all of them.
 *
 * link: milter/fullest milter/limits
 * link: milter/lmdb_keys milter/counters_walk milter/lmdb_store
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/limit
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal milter/lmdb_check milter/ticks milter/map
 * link: tests/unit/counters_place
 * libs: milter
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "counters_place.h"
#include "log.h"
#include "milter/counters_walk.h"
#include "milter/fullest.h"
#include "milter/limits.h"
#include "milter/lmdb_store.h"

static struct fullest fullest;
static struct err err;
static struct conf_account account;

static struct conf_limit limit = {
    .scope = CONF_SCOPE_LOGIN, .max = 1000000, .window_s = 3600};

static int
setup(void **state)
{
	limit.scope = CONF_SCOPE_LOGIN;
	limit.unit = CONF_UNIT_MESSAGES;
	return counters_place_setup(state);
}

static void
count(const char *who, const char *login, uint64_t amount)
{
	struct limits_message message = {.who = who, .login = login};
	struct counters_item item;

	limits_item(&item, &account, &limit, &message);
	item.amount = amount;
	assert_int_equal(
	    counters_reserve(counters, NULL, &item, 1, 0, NULL, &err), 1);
}

static int64_t
soon(void)
{
	return clock_boot_ms() + 60000;
}

static void
find(const char *who)
{
	assert_int_equal(fullest_find(counters, &account, &limit, who, soon(),
			     &fullest, &err),
	    0);
}

static void
is(size_t at, const char *name, uint64_t used)
{
	assert_true(at < fullest.count);
	assert_string_equal(fullest.shown[at].name, name);
	assert_int_equal(fullest.shown[at].used, used);
	assert_in_range(fullest.shown[at].frees_ms, 3500000, 3661000);
}

static void
the_fullest_come_first(void **state)
{
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < 700; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		count("a@x.example", name, 1 + (uint64_t)(i * 7919 % 700));
	}
	find("a@x.example");
	assert_int_equal(fullest.count, FULLEST_SHOWN);
	assert_int_equal(fullest.others, 690);
	assert_false(fullest.cut);
	for (i = 0; i < FULLEST_SHOWN; i++)
		assert_int_equal(fullest.shown[i].used, 700 - i);
}

/* In the file, in memory, and in both. */
static void
what_is_pending_is_there(void **state)
{
	(void)state;
	count("a", "old", 1);
	count("a", "both", 1);
	counters_tick(counters);
	count("a", "both", 4);
	count("a", "new", 2);
	find("a");
	assert_int_equal(fullest.count, 3);
	is(0, "both", 5);
	is(1, "new", 2);
	is(2, "old", 1);
	assert_int_equal(fullest.others, 0);
}

/* While the disk fails nothing is written down. */
static void
what_cannot_be_written_is_there(void **state)
{
	struct lmdb_store *store = (struct lmdb_store *)(void *)counters;
	char name[16];
	int i;

	(void)state;
	count("a", "both", 1);
	counters_tick(counters);
	store->failing = 1;
	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		count("a", name, 2);
	}
	count("a", "both", 4);
	count("b", "x", 1);
	find("a");
	is(0, "both", 5);
	assert_int_equal(fullest.shown[1].used, 2);
	assert_int_equal(fullest.others, 291);
	assert_true(store->file.pending->messages > 0);
	store->failing = 0;
}

static void
nothing_of_another_limit(void **state)
{
	(void)state;
	count("a", "x", 1);
	count("a", "x|messages|3600", 2);
	count("b", "x", 3);
	count("aa", "x", 5);
	limit.unit = CONF_UNIT_RECIPIENTS;
	count("a", "y", 6);
	limit.scope = CONF_SCOPE_CLIENT;
	count("a", "z", 7);
	limit.scope = CONF_SCOPE_LOGIN;
	limit.unit = CONF_UNIT_MESSAGES;
	find("A");
	assert_int_equal(fullest.count, 2);
	is(0, "x|messages|3600", 2);
	is(1, "x", 1);
	find("c");
	assert_int_equal(fullest.count + fullest.others, 0);
}

static void
names_are_utf8(void **state)
{
	(void)state;
	count("a", "J\xc3\xb6rg", 3);
	count("a", "\xff\x80z", 2);
	count("a", "e\033[2J", 1);
	find("a");
	is(0, "j\xc3\xb6rg", 3);
	is(1, "\\xff\\x80z", 2);
	assert_int_equal(strncmp(fullest.shown[2].name, "e?[2j#", 6), 0);
}

static void
the_mailboxes_of_a_domain(void **state)
{
	(void)state;
	assert_true(fullest_has_many(&limit, "a@x.example"));
	count("a@x.example", "l", 3);
	count("b@x.example", "l", 2);
	count("\"c d\"@x.example", "l", 1);
	count("e@notx.example", "l", 9);
	count("e@other.example", "f@x.example l", 9);
	count("e@other.example", "@x.example", 9);
	find("@X.example");
	assert_int_equal(fullest.count, 3);
	is(0, "a@x.example l", 3);
	is(2, "\"c d\"@x.example l", 1);
	limit.scope = CONF_SCOPE_ACCOUNT;
	assert_true(fullest_has_many(&limit, "@x.example"));
	assert_false(fullest_has_many(&limit, "a@x.example"));
	count("a@x.example", NULL, 4);
	count("a@other.example", NULL, 5);
	find("@x.example");
	assert_int_equal(fullest.count, 1);
	is(0, "a@x.example", 4);
}

static void
all_are_forgotten(void **state)
{
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		count("a", name, 1);
	}
	counters_tick(counters);
	count("a", "pending", 1);
	count("b", "x", 1);
	assert_int_equal(
	    fullest_forget(counters, &account, &limit, "a", soon(), &err), 0);
	find("a");
	assert_int_equal(fullest.count + fullest.others, 0);
	find("b");
	assert_int_equal(fullest.count, 1);
}

static void
without_time_it_says_so(void **state)
{
	(void)state;
	count("a", "x", 1);
	assert_int_equal(fullest_find(counters, &account, &limit, "a",
			     clock_boot_ms(), &fullest, &err),
	    0);
	assert_true(fullest.cut);
	assert_int_equal(fullest_forget(counters, &account, &limit, "a",
			     clock_boot_ms(), &err),
	    -1);
	assert_non_null(strstr(err.text, "each login"));
	find("a");
	is(0, "x", 1);
}

static int
count_visits(struct counters_walk *walk, void *with, struct err *error)
{
	size_t *visited = with;

	(void)error;
	*visited += walk->count;
	return 0;
}

/* No more than was allowed are looked at, and all that are in the file. */
static void
a_walk_is_bounded(void **state)
{
	struct counters_walk walk;
	char name[16];
	size_t visited = 0;
	int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		count("a", name, 1);
	}
	counters_walk_init(&walk, "login|a |messages|3600");
	walk.window_ms = 3600000;
	walk.most = 50;
	walk.until_ms = soon();
	walk.visit = count_visits;
	walk.with = &visited;
	assert_int_equal(counters_walk(counters, &walk, &err), 0);
	assert_int_equal(visited, 50);
	assert_true(walk.cut);
}

static int
walk_twice(
    struct counters *store, struct counters_walk *walk, struct err *error)
{
	int i;

	(void)store;
	for (i = 0; i < 2; i++) {
		(void)counters_walk_add(walk, "login|a x|messages|3600");
		if (counters_walk_visit(walk, error) < 0)
			return -1;
	}
	return 0;
}

static int
read_one(struct counters *store, struct counters_item *items, size_t number,
    struct err *error)
{
	(void)store;
	(void)number;
	(void)error;
	items[0].used = 1;
	return 0;
}

/* As SCAN does while the server's table grows or shrinks. */
static void
a_key_named_twice_is_one(void **state)
{
	static const struct counters_ops ops = {
	    .walk = walk_twice, .read = read_one};
	struct counters store = {.ops = &ops};

	(void)state;
	assert_int_equal(
	    fullest_find(&store, &account, &limit, "a", soon(), &fullest, &err),
	    0);
	assert_int_equal(fullest.count, 1);
	assert_int_equal(fullest.others, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, counters_place_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_fullest_come_first),
	    T(what_is_pending_is_there),
	    T(what_cannot_be_written_is_there),
	    T(nothing_of_another_limit),
	    T(names_are_utf8),
	    T(the_mailboxes_of_a_domain),
	    T(all_are_forgotten),
	    T(without_time_it_says_so),
	    T(a_walk_is_bounded),
	    T(a_key_named_twice_is_one),
	};

	log_open("test_fullest", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
