/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secretfile: one line is read, and only if nobody else can read it.
 */
#define _GNU_SOURCE
#include "secretfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[96];
static struct secret secret;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_secretfile.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	secret_clear(&secret);
	unlink(path);
	return rmdir(dir);
}

static void
put(const void *data, size_t len)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void
assert_reads(const char *content, const char *expected)
{
	put(content, strlen(content));
	assert_int_equal(secretfile_read(path, &secret, &err), 0);
	assert_string_equal(secret_reveal(&secret), expected);
}

static void
assert_refused(const char *words)
{
	assert_int_equal(secretfile_read(path, &secret, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, words));
	assert_non_null(strstr(err.text, path));
}

static void
test_one_line_end_is_not_part_of_it(void **state)
{
	(void)state;
	assert_reads("abc", "abc");
	assert_reads("abc\n", "abc");
	assert_reads("abc\r\n", "abc");
	/* Blanks may be part of a password. */
	assert_reads(" abc \n", " abc ");
}

static void
test_what_is_no_secret(void **state)
{
	(void)state;
	put("", 0);
	assert_refused("empty");
	put("\n", 1);
	assert_refused("empty");
	put("a\nb\n", 4);
	assert_refused("more than one line");
	put("a\0b", 3);
	assert_refused("NUL");
	unlink(path);
	assert_refused("there is no file");
}

static void
test_rights(void **state)
{
	(void)state;
	put("abc", 3);
	chmod(path, 0604);
	assert_refused("chmod 0600");
	chmod(path, 0640);
	assert_refused("mode 0640");
	chmod(path, 0400);
	assert_int_equal(secretfile_read(path, &secret, &err), 0);
}

static void
test_links_and_other_things(void **state)
{
	char second[128];

	(void)state;
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_refused("symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused("no regular file"); /* and does not hang */
	unlink(path);
	put("abc", 3);
	snprintf(second, sizeof(second), "%s.second", path);
	assert_int_equal(link(path, second), 0);
	assert_refused("hard links");
	assert_int_equal(unlink(second), 0);
	assert_int_equal(secretfile_read(path, &secret, &err), 0);
}

static void
test_size(void **state)
{
	static char big[SECRETFILE_MAX + 1];

	(void)state;
	memset(big, 'x', sizeof(big));
	put(big, sizeof(big));
	assert_refused("too many");
}

static void
test_stamp_changes_with_the_file(void **state)
{
	struct timespec times[2] = {{1000, 0}, {1000, 0}};
	uint64_t first;

	(void)state;
	assert_int_equal(secretfile_stamp(path), 0);
	put("abc", 3);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	first = secretfile_stamp(path);
	assert_int_not_equal(first, 0);
	put("abd", 3);
	assert_true(secretfile_stamp(path) != first);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_one_line_end_is_not_part_of_it),
	    TEST(test_what_is_no_secret),
	    TEST(test_rights),
	    TEST(test_links_and_other_things),
	    TEST(test_size),
	    TEST(test_stamp_changes_with_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
