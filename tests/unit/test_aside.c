/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside: no name is taken twice, however often keys change to and fro.
 *
 * link: tokend/aside
 */
#define _GNU_SOURCE
#include "tokend/aside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ID "0123456789abcdef"

static char top[64];
static struct aside_place place;

static int
setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/test_aside.XXXXXX");
	assert_non_null(mkdtemp(top));
	place.dir = open(top, O_RDONLY | O_DIRECTORY);
	place.path = top;
	place.name = "relay@contoso.com";
	return place.dir != -1 ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[160];

	(void)state;
	close(place.dir);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static void
make(const char *file, const char *text)
{
	int fd = openat(place.dir, file, O_CREAT | O_EXCL | O_WRONLY, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
assert_is(const char *file, const char *text)
{
	char data[16] = "";
	int fd = openat(place.dir, file, O_RDONLY);

	assert_int_not_equal(fd, -1);
	assert_int_equal(read(fd, data, sizeof(data) - 1), strlen(text));
	assert_string_equal(data, text);
	close(fd);
}

static void
test_nothing_is_written_over(void **state)
{
	(void)state;
	make("x", "one");
	assert_int_equal(aside_put(&place, "x", ID), 0);
	make("x", "two");
	assert_int_equal(aside_put(&place, "x", ID), 0);
	make("x", "three");
	assert_int_equal(aside_put(&place, "x", ID), 0);
	assert_is("x.key-" ID, "one");
	assert_is("x.key-" ID ".2", "two");
	assert_is("x.key-" ID ".3", "three");
	assert_int_equal(faccessat(place.dir, "x", F_OK, 0), -1);
}

static void
test_it_comes_back_where_nothing_is(void **state)
{
	(void)state;
	assert_int_equal(aside_bring_back(&place, "x", ID), -1);
	make("x", "one");
	assert_int_equal(aside_put(&place, "x", ID), 0);
	make("x", "two");
	assert_int_equal(aside_bring_back(&place, "x", ID), -1);
	assert_is("x", "two");
	assert_int_equal(unlinkat(place.dir, "x", 0), 0);
	assert_int_equal(aside_bring_back(&place, "x", ID), 0);
	assert_is("x", "one");
	assert_int_equal(faccessat(place.dir, "x.key-" ID, F_OK, 0), -1);
}

static void
test_what_is_not_there(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(aside_put(&place, "x", ""), -1);
	assert_int_equal(errno, ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_is_written_over),
	    TEST(test_it_comes_back_where_nothing_is),
	    TEST(test_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
