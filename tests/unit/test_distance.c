/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distance: slips counted one by one.
 */
#include "distance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_slips(void **state)
{
	(void)state;
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("grant", "grant"), 0);
	assert_int_equal(distance("grnt", "grant"), 1);
	assert_int_equal(distance("garnt", "grant"), 2);
	assert_int_equal(distance("", "grant"), 5);
	assert_int_equal(distance("kitten", "sitting"), 3);
	assert_int_equal(distance("sitting", "kitten"), 3);
}

static void
test_long_words_are_far(void **state)
{
	char longer[DISTANCE_WORD_MAX + 2], longest[DISTANCE_WORD_MAX + 1];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(distance(longest, longest), 0);
	assert_int_equal(distance(longer, longest), DISTANCE_WORD_MAX + 1);
	assert_int_equal(distance("x", longer), DISTANCE_WORD_MAX + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slips),
	    cmocka_unit_test(test_long_words_are_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
