/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of screen: a text as a frame of a terminal's size. Its terminal is
 * tested by tests/e2e/test_status_watch.py.
 *
 * link: cli/screen
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/screen.h"

static void
check(const char *text, int rows, int columns, const char *frame)
{
	struct buf out;

	buf_init(&out, 65536);
	screen_fit(&out, text, (struct screen_size){rows, columns});
	assert_string_equal(out.data, frame);
	buf_clear(&out);
}

static void
test_whole(void **state)
{
	(void)state;
	check("one\n\ntwo\n", 3, 3,
	    "\033[Hone\033[K\r\n\033[K\r\ntwo\033[K\033[J");
	check("", 3, 3, "\033[H\033[J");
}

static void
test_cut(void **state)
{
	(void)state;
	check("1\n2\n3\n4\n", 3, 80,
	    "\033[H1\033[K\r\n2\033[K\r\n... 2 more lines\033[K\033[J");
	check("1\n2\n3\n", 2, 7, "\033[H1\033[K\r\n... 2 m\033[0m\033[K\033[J");
	check("abcdef\n", 3, 4, "\033[Habcd\033[0m\033[K\033[J");
}

/* Neither colours nor the second byte of a character take a column. */
static void
test_columns(void **state)
{
	(void)state;
	check("\033[1;31mJ\xc3\xbcrg\033[0m\n", 3, 4,
	    "\033[H\033[1;31mJ\xc3\xbcrg\033[0m\033[K\033[J");
	check("\033[1;31mJ\xc3\xbcrgen\033[0m\n", 3, 2,
	    "\033[H\033[1;31mJ\xc3\xbc\033[0m\033[K\033[J");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
