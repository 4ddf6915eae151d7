/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entra ID's numbers: the table is whole and sorted, numbers are found in
 * texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aadsts.h"

static void
test_table(void **state)
{
	unsigned int count, i;
	const struct aadsts *rows = aadsts_all(&count);

	(void)state;
	assert_in_range(count, 200, 1000);
	for (i = 0; i < count; i++) {
		assert_true(rows[i].number >= 1000);
		if (i > 0)
			assert_true(rows[i].number > rows[i - 1].number);
		assert_true(strlen(rows[i].meaning) > 5);
		assert_true(strlen(rows[i].remedy) > 3);
		assert_ptr_equal(aadsts_find(rows[i].number), &rows[i]);
	}
}

static void
test_known_numbers(void **state)
{
	const struct aadsts *row;

	(void)state;
	row = aadsts_find(50126);
	assert_non_null(row);
	assert_int_equal(row->class, AADSTS_PERMANENT);
	assert_string_equal(row->meaning, "Wrong user name or password");
	assert_non_null(strstr(row->remedy, "do not retry"));
	row = aadsts_find(7000222);
	assert_non_null(row);
	assert_int_equal(row->class, AADSTS_PERMANENT);
	row = aadsts_find(90033);
	assert_non_null(row);
	assert_int_equal(row->class, AADSTS_TRANSIENT);
	row = aadsts_find(50076);
	assert_non_null(row);
	assert_int_equal(row->class, AADSTS_INTERACTION);
	assert_null(aadsts_find(0));
	assert_null(aadsts_find(-1));
	assert_null(aadsts_find(123));
}

static void
test_kinds(void **state)
{
	(void)state;
	assert_int_equal(aadsts_kind(AADSTS_TRANSIENT), ERR_TEMPORARY);
	assert_int_equal(aadsts_kind(AADSTS_INTERACTION), ERR_LOGIN);
	assert_int_equal(aadsts_kind(AADSTS_PERMANENT), ERR_CONFIG);
}

static void
test_in_text(void **state)
{
	static const struct {
		const char *text;
		long number;
	} texts[] = {
	    {"AADSTS50126: Error validating credentials", 50126},
	    {"invalid_grant: AADSTS7000222: x AADSTS50126: y", 7000222},
	    {"AADSTS: none, then AADSTS90033.", 90033},
	    {"AADSTSAADSTS70043", 70043},
	    {"AADSTS999999999999999999999 AADSTS50053", 50053},
	    {"AADSTS", 0},
	    {"AADSTS-5", 0},
	    {"aadsts50126", 0},
	    {"50126", 0},
	    {"", 0},
	    {NULL, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
		    aadsts_in_text(texts[i].text), texts[i].number);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_known_numbers),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
