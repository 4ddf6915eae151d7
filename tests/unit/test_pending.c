/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/pending milter/limit milter/map
 *
 * pending: rings and ids in memory, messages as the journal keeps them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "milter/pending.h"

static struct pending pending;

static int
teardown(void **state)
{
	(void)state;
	pending_clear(&pending);
	return 0;
}

static void
rings_are_found_by_their_key(void **state)
{
	struct limit_ring ring;
	char key[32];
	int i;

	(void)state;
	for (i = 0; i < PENDING_RINGS_MAX; i++) {
		assert_false(pending_is_full(&pending));
		(void)snprintf(key, sizeof(key), "account|user%d", i);
		limit_init(&ring, i + 1);
		(void)pending_enter(&pending, key, &ring);
	}
	assert_true(pending_is_full(&pending));
	for (i = 0; i < PENDING_RINGS_MAX; i++) {
		(void)snprintf(key, sizeof(key), "account|user%d", i);
		limit_init(&ring, i + 1);
		assert_int_equal(
		    pending_find(&pending, key)->ring.width_us, ring.width_us);
	}
	assert_null(pending_find(&pending, "account|user"));
	pending_clear(&pending);
	assert_null(pending_find(&pending, key));
	assert_false(pending_is_full(&pending));
}

static void
messages_are_known_by_their_id(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(pending_id(NULL), 0);
	assert_int_not_equal(pending_id(""), 0);
	assert_int_not_equal(pending_id("a"), pending_id("b"));
	pending_count(&pending, 0, 0);
	assert_false(pending_has(&pending, 0, COUNTERS_KNOWN_MS));
	for (i = 1; i < PENDING_MESSAGES_MAX; i++)
		pending_count(&pending, i, (int64_t)i);
	assert_true(pending_is_full(&pending));
	assert_true(pending_has(&pending, 1, COUNTERS_KNOWN_MS));
	assert_true(
	    pending_has(&pending, PENDING_MESSAGES_MAX - 1, COUNTERS_KNOWN_MS));
	assert_false(
	    pending_has(&pending, PENDING_MESSAGES_MAX, COUNTERS_KNOWN_MS));
	assert_false(pending_has(&pending, 1, COUNTERS_KNOWN_MS + 2));
	/* One more is the caller's fault, and no harm. */
	pending_count(&pending, 4711, 0);
	pending_count(&pending, 4712, 0);
}

static void
a_message_is_read_as_it_was_written(void **state)
{
	static struct counters_item items[COUNTERS_ITEMS_MAX];
	static struct pending_message message;
	static char data[PENDING_RECORD_MAX];
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNTERS_ITEMS_MAX; i++) {
		memset(items[i].key, 'a' + (int)i, COUNTERS_KEY_MAX - 1);
		items[i].window_ms = (int64_t)i + 1;
		items[i].amount = UINT64_MAX - i;
	}
	len = pending_write(data, 1234567890123, 42, items, COUNTERS_ITEMS_MAX);
	assert_in_range(len, 1, PENDING_RECORD_MAX);
	assert_int_equal(pending_read(&message, data, len), 0);
	assert_int_equal(message.now_ms, 1234567890123);
	assert_int_equal(message.id, 42);
	assert_int_equal(message.count, COUNTERS_ITEMS_MAX);
	for (i = 0; i < COUNTERS_ITEMS_MAX; i++) {
		assert_string_equal(message.items[i].key, items[i].key);
		assert_int_equal(message.items[i].window_ms, i + 1);
		assert_true(message.items[i].amount == UINT64_MAX - i);
	}
	/* Cut anywhere but between two items it is none. */
	assert_int_equal(pending_read(&message, data, len - 1), -1);
	assert_int_equal(pending_read(&message, data, 15), -1);
	assert_int_equal(pending_read(&message, data, 16 + 23), -1);
	assert_int_equal(pending_read(&message, data, 16), 0);
	assert_int_equal(message.count, 0);
}

static void
filters_miss_no_id(void **state)
{
	uint64_t id = 1;
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < 16384; i++) {
		id = id * 6364136223846793005ULL + 1442695040888963407ULL;
		wrong += (size_t)pending_filter_may(&pending, id);
		pending_filter_add(&pending, i % 2, id);
		assert_true(pending_filter_may(&pending, id));
	}
	/* Most of what was not added is known not to have been. */
	assert_in_range(wrong, 0, 16384 / 50);
	/* They are of the file: what is pending may go, they stay. */
	pending_clear(&pending);
	assert_true(pending_filter_may(&pending, id));
	pending_filter_clear(&pending, 0);
	pending_filter_clear(&pending, 1);
	assert_false(pending_filter_may(&pending, id));
}

static void
lengths_are_not_trusted(void **state)
{
	struct counters_item item = {.key = "k", .window_ms = 1, .amount = 1};
	static struct pending_message message;
	static char data[PENDING_RECORD_MAX];
	uint64_t huge = UINT64_MAX;
	size_t len = pending_write(data, 1, 1, &item, 1);

	(void)state;
	memcpy(data + 32, &huge, sizeof(huge));
	assert_int_equal(pending_read(&message, data, len), -1);
	item.window_ms = 0;
	len = pending_write(data, 1, 1, &item, 1);
	assert_int_equal(pending_read(&message, data, len), -1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
	    T(rings_are_found_by_their_key),
	    T(messages_are_known_by_their_id),
	    T(a_message_is_read_as_it_was_written),
	    T(filters_miss_no_id),
	    T(lengths_are_not_trusted),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
