/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it, the edges of each form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

static void
test_valid(void **state)
{
	static const char *const good[] = {"a", "\x7f", "\xc2\x80", "\xdf\xbf",
	    "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
	    "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(utf8_length(good[i]), strlen(good[i]));
		assert_true(utf8_valid(good[i], strlen(good[i])));
	}
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
}

static void
test_invalid(void **state)
{
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80",
	    "\xc1\xbf", "\xc2", "\xc2\xc2", "\xe0\x9f\xbf", "\xe1\x80",
	    "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf1\x80\x80",
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(utf8_length(bad[i]), 0);
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
	}
}

/* Nothing behind the last byte is looked at (the sanitizer watches). */
static void
test_cut(void **state)
{
	static const char text[] = "\xf0\x9f\x98\x80";
	char *copy;
	size_t len;

	(void)state;
	for (len = 1; len < 4; len++) {
		copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_false(utf8_valid(copy, len));
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
