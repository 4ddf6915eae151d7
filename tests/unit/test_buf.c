/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded buffer: never above its maximum, always NUL-terminated, and an
 * append that does not fit leaves it as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

static void
test_append(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_null(buf.data);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	assert_int_equal(buf_add(&buf, "d\0e", 3), 0);
	assert_int_equal(buf_addf(&buf, "%d-%s", 42, "x"), 0);
	assert_int_equal(buf.len, 10);
	assert_memory_equal(buf.data, "abcd\0e42-x", 11);
	assert_false(buf.truncated);
	buf_clear(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.max, 100);
}

static void
test_maximum(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_int_equal(buf_adds(&buf, "12345"), 0);
	assert_int_equal(buf_add(&buf, "", 0), 0);
	errno = 0;
	assert_int_equal(buf_adds(&buf, "6"), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_true(buf.truncated);
	assert_string_equal(buf.data, "12345");
	assert_int_equal(buf_addf(&buf, "%d", 6), -1);
	assert_null(buf_reserve(&buf, 1));
	assert_string_equal(buf.data, "12345");
	/* Truncated until it is cleared: a row of appends is checked once. */
	buf_drop(&buf, 5);
	assert_true(buf.truncated);
	buf_clear(&buf);
	assert_false(buf.truncated);
}

static void
test_absurd_length(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	assert_int_equal(buf_adds(&buf, "x"), 0);
	errno = 0;
	assert_null(buf_reserve(&buf, SIZE_MAX - 2));
	assert_int_equal(errno, ENOMEM);
	assert_null(buf_reserve(&buf, SIZE_MAX / 2));
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_string_equal(buf.data, "x");
	buf_clear(&buf);
}

static void
test_growth_keeps_bytes(void **state)
{
	struct buf buf;
	size_t i;

	(void)state;
	buf_init(&buf, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf_add(&buf, &"0123456789"[i % 10], 1), 0);
	assert_int_equal(buf_add(&buf, "x", 1), -1);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], "0123456789"[i % 10]);
	assert_int_equal(buf.data[100000], '\0');
	buf_clear(&buf);
}

static void
test_drop(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_drop(&buf, 3);
	buf_adds(&buf, "secret-rest");
	buf_drop(&buf, 7);
	assert_string_equal(buf.data, "rest");
	assert_int_equal(buf.len, 4);
	/* What became unused is wiped. */
	assert_memory_equal(buf.data + 4, "\0\0\0\0\0\0\0", 7);
	buf_drop(&buf, 99);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf.data, "");
	buf_clear(&buf);
}

static void
test_reserve_and_commit(void **state)
{
	struct buf buf;
	char *place;

	(void)state;
	buf_init(&buf, 100);
	buf_adds(&buf, "a");
	place = buf_reserve(&buf, 99);
	assert_non_null(place);
	memcpy(place, "bc", 2);
	buf_commit(&buf, 2);
	assert_string_equal(buf.data, "abc");
	buf_clear(&buf);
}

static void
test_take(void **state)
{
	struct buf buf;
	char *data;

	(void)state;
	buf_init(&buf, 100);
	data = buf_take(&buf);
	assert_string_equal(data, "");
	free(data);
	buf_adds(&buf, "mine");
	data = buf_take(&buf);
	assert_string_equal(data, "mine");
	assert_null(buf.data);
	assert_int_equal(buf_adds(&buf, "again"), 0);
	assert_string_equal(data, "mine");
	free(data);
	buf_clear(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_append),
	    cmocka_unit_test(test_maximum),
	    cmocka_unit_test(test_absurd_length),
	    cmocka_unit_test(test_growth_keeps_bytes),
	    cmocka_unit_test(test_drop),
	    cmocka_unit_test(test_reserve_and_commit),
	    cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
