/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/lmdb_store
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/limit
 * link: milter/lmdb_check
 * link: milter/notes_lmdb milter/lmdb_work milter/tally milter/pending
 * link: milter/journal
 * link: milter/ticks milter/map
 * link: tests/unit/counters_place
 * libs: milter
 *
 * counters: notes, which are written with what is counted or not at all.
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

#include "counters_place.h"
#include "log.h"
#include "milter/counters.h"

static struct counters *shared;
static struct counters_kept kept;
static struct err err;

static void
put(const char *key, const char *data)
{
	struct counters_note note = {
	    .key = key, .data = data, .len = data != NULL ? strlen(data) : 0};

	assert_int_equal(counters_note_write(counters, &note, 1, &err), 0);
}

static void
assert_note(int found, const char *key, const char *data)
{
	assert_int_equal(found, 1);
	assert_string_equal(kept.key, key);
	assert_int_equal(kept.len, strlen(data));
	assert_memory_equal(kept.data, data, kept.len);
}

static void
notes_are_kept_in_order(void **state)
{
	(void)state;
	put("a|2", "two");
	put("a|1", "one");
	put("b|1", "other");
	assert_note(
	    counters_note_get(counters, "a|2", &kept, &err), "a|2", "two");
	assert_int_equal(counters_note_get(counters, "a|", &kept, &err), 0);
	assert_note(
	    counters_note_next(counters, "a|", &kept, &err), "a|1", "one");
	assert_note(
	    counters_note_next(counters, "a|1", &kept, &err), "a|2", "two");
	put("a|2", "three");
	counters_close(counters);
	counters = counters_place_open();
	assert_note(
	    counters_note_next(counters, "a|1", &kept, &err), "a|2", "three");
	put("a|2", NULL);
	put("a|2", NULL);
	assert_note(
	    counters_note_next(counters, "a|1", &kept, &err), "b|1", "other");
	assert_int_equal(counters_note_next(counters, "b|1", &kept, &err), 0);
}

/* --- with a reservation --------------------------------------------------- */

static size_t
choose(struct counters_writer *writer, int granted,
    const struct counters_item *items, size_t count,
    struct counters_note *notes)
{
	assert_int_equal(count, 1);
	assert_int_equal(items[0].amount, 1);
	notes[0] = (struct counters_note){
	    .key = granted ? "granted" : "over", .data = "x", .len = 1};
	notes[1] = (struct counters_note){.key = granted ? "over" : "granted"};
	(void)writer;
	return 2;
}

static int
reserve(const char *id, const char *behind, int *waits)
{
	struct counters_writer writer = {.behind = behind, .choose = choose};
	struct counters_item item = {
	    .window_ms = 3600000, .max = 2, .amount = 1};
	int rc;

	counters_key(item.key, "account", "a", "messages", 3600);
	rc = counters_reserve(shared, id, &item, 1, 0, &writer, &err);
	*waits = writer.waits;
	return rc;
}

static int
has(const char *key)
{
	return counters_note_get(shared, key, &kept, &err);
}

static void
written_with_what_is_counted(void **state)
{
	int waits;

	(void)state;
	if (shared == NULL)
		shared = counters;
	assert_int_equal(reserve("1", "q|", &waits), 1);
	assert_int_equal(waits, 0);
	assert_true(has("granted") && !has("over"));
	/* Another note stands before it: over, however much is left. */
	put("q|1", "x");
	assert_int_equal(reserve("2", "q|", &waits), 0);
	assert_int_equal(waits, 1);
	assert_true(!has("granted") && has("over"));
	assert_int_equal(reserve("2", "q|2", &waits), 1);
	assert_int_equal(waits, 0);
	put("granted", NULL);
	/* Counted already: so it is said again, and written again. */
	assert_int_equal(reserve("2", NULL, &waits), 1);
	assert_true(has("granted"));
	assert_int_equal(reserve("3", NULL, &waits), 0);
	assert_true(!has("granted") && has("over"));
	shared = NULL;
}

/* --- a store that several hosts share ------------------------------------- */

static int reads;

static int
far_reserve(struct counters *far, const char *id, struct counters_item *items,
    size_t count, int always, struct counters_writer *writer, struct err *e)
{
	assert_null(writer);
	return counters_reserve(far->local, id, items, count, always, NULL, e);
}

static int
far_read(struct counters *far, struct counters_item *items, size_t count,
    struct err *e)
{
	reads++;
	return counters_read(far->local, items, count, e);
}

static void
a_shared_store_leaves_the_notes_here(void **state)
{
	static const struct counters_ops ops = {
	    .reserve = far_reserve, .read = far_read};
	struct counters far = {.ops = &ops, .local = counters};

	shared = &far;
	written_with_what_is_counted(state);
	assert_int_equal(reads, 1);
}

static void
what_was_counted_is_forgotten(void **state)
{
	struct counters_item item = {.window_ms = 3600000, .max = 2};
	int waits;

	(void)state;
	shared = counters;
	assert_int_equal(reserve("1", NULL, &waits), 1);
	assert_int_equal(reserve("2", NULL, &waits), 1);
	counters_key(item.key, "account", "a", "messages", 3600);
	assert_int_equal(counters_reset(counters, &item, 1, &err), 0);
	assert_int_equal(counters_reset(counters, &item, 1, &err), 0);
	assert_int_equal(counters_read(counters, &item, 1, &err), 0);
	assert_int_equal(item.used, 0);
	assert_true(has("granted"));
	shared = NULL;
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(                                       \
	    f, counters_place_setup, counters_place_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(notes_are_kept_in_order),
	    TEST(written_with_what_is_counted),
	    TEST(a_shared_store_leaves_the_notes_here),
	    TEST(what_was_counted_is_forgotten),
	};

	log_open("test_counters_notes", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
