/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_index: every name is found again, however many there are, and no other.
 */
#include "conf_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 100000

static struct conf_index *names;

static int
setup(void **state)
{
	(void)state;
	names = conf_index_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	conf_index_free(names);
	return 0;
}

static void
test_nothing_is_in_an_empty_one(void **state)
{
	size_t number = 7;

	(void)state;
	assert_int_equal(conf_index_find(names, "a@x.org", &number), 0);
	assert_int_equal(conf_index_find(names, "", &number), 0);
	assert_int_equal(conf_index_find(NULL, "a@x.org", &number), 0);
	assert_int_equal(number, 7);
	conf_index_free(NULL);
}

static void
test_ascii_case_does_not_count(void **state)
{
	size_t number = 0;

	(void)state;
	assert_int_equal(conf_index_add(names, "Relay@Contoso.com", 3), 0);
	assert_int_equal(conf_index_add(names, "rELAY@cONTOSO.COM", 4), -1);
	assert_int_equal(
	    conf_index_find(names, "RELAY@CONTOSO.COM", &number), 1);
	assert_int_equal(number, 3);
	/* Beside the letters: '@' and '`', '[' and '{' differ in that bit. */
	assert_int_equal(
	    conf_index_find(names, "relay`contoso.com", &number), 0);
	assert_int_equal(conf_index_add(names, "[", 5), 0);
	assert_int_equal(conf_index_add(names, "{", 6), 0);
	/* Other letters are bytes. */
	assert_int_equal(conf_index_add(names, "\xc3\x84", 7), 0);
	assert_int_equal(conf_index_add(names, "\xc3\xa4", 8), 0);
	assert_int_equal(conf_index_find(names, "\xc3\xa4", &number), 1);
	assert_int_equal(number, 8);
}

static void
test_part_of_a_name_is_another(void **state)
{
	size_t number = 0;

	(void)state;
	assert_int_equal(conf_index_add(names, "", 1), 0);
	assert_int_equal(conf_index_add(names, "ab", 2), 0);
	assert_int_equal(conf_index_find(names, "a", &number), 0);
	assert_int_equal(conf_index_find(names, "abc", &number), 0);
	assert_int_equal(conf_index_find(names, "", &number), 1);
	assert_int_equal(number, 1);
	assert_int_equal(conf_index_add(names, "", 9), -1);
}

static void
test_many(void **state)
{
	static char name[MANY][24];
	char other[24];
	size_t i, number;

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof(name[i]), "u%zu@x.org", i);
		assert_int_equal(conf_index_add(names, name[i], i), 0);
	}
	for (i = 0; i < MANY; i++) {
		number = MANY;
		snprintf(other, sizeof(other), "U%zu@X.ORG", i);
		assert_int_equal(conf_index_find(names, other, &number), 1);
		assert_int_equal(number, i);
		assert_int_equal(conf_index_add(names, other, 0), -1);
		snprintf(other, sizeof(other), "v%zu@x.org", i);
		assert_int_equal(conf_index_find(names, other, &number), 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_is_in_an_empty_one),
	    TEST(test_ascii_case_does_not_count),
	    TEST(test_part_of_a_name_is_another),
	    TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
