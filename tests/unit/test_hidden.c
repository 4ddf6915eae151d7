/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden: a secret from a pipe or a terminal that does not show it.
 *
 * link: cli/hidden
 */
#define _GNU_SOURCE
#include "cli/hidden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX 64

static struct buf out;
static struct err err;
static int saved = -1;

static int
setup(void **state)
{
	(void)state;
	saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
	buf_init(&out, MAX);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (saved == -1)
		close(STDIN_FILENO);
	else
		dup2(saved, STDIN_FILENO);
	close(saved);
	buf_clear(&out);
	return 0;
}

/* What comes of such a standard input. */
static int
read_pipe(const char *data, size_t len)
{
	int ends[2];

	buf_clear(&out);
	buf_init(&out, MAX);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], data, len), len);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	return hidden_read("Secret: ", &out, &err);
}

static void
test_blanks_around_it_are_no_part(void **state)
{
	(void)state;
	assert_int_equal(read_pipe(" \r\n\ta b\nc \t\r\n\n", 14), 0);
	assert_string_equal(out.data, "a b\nc");
	assert_int_equal(out.len, 5);
	assert_int_equal(read_pipe("x", 1), 0);
	assert_string_equal(out.data, "x");
}

static void
test_what_is_no_secret(void **state)
{
	(void)state;
	assert_int_equal(read_pipe("", 0), -1);
	assert_string_equal(err.text, "standard input holds nothing");
	assert_int_equal(read_pipe(" \n\t\r\n", 5), -1);
	assert_string_equal(err.text, "standard input holds nothing");
	assert_int_equal(read_pipe("a\0b", 3), -1);
	assert_string_equal(err.text, "standard input holds a NUL byte");
}

static void
test_as_much_as_fits(void **state)
{
	char data[MAX + 1];

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_int_equal(read_pipe(data, MAX), 0);
	assert_int_equal(out.len, MAX);
	assert_int_equal(read_pipe(data, MAX + 1), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_non_null(strstr(err.text, "more than 64 bytes"));
}

static void
test_input_that_fails(void **state)
{
	(void)state;
	assert_int_equal(close(STDIN_FILENO), 0);
	assert_int_equal(hidden_read("Secret: ", &out, &err), -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
}

/* A line may come in parts, and more behind it. */
static void
test_a_line_at_a_time(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	hidden_begin();
	assert_int_equal(write(ends[1], " http:", 6), 6);
	assert_int_equal(hidden_more(&out), 0);
	assert_int_equal(write(ends[1], "//x \r\nrest", 10), 10);
	assert_int_equal(hidden_more(&out), 1);
	assert_string_equal(out.data, "http://x");
	buf_clear(&out);
	close(ends[1]);
	assert_int_equal(hidden_more(&out), -1);
	hidden_end();
}

static tcflag_t
flags_of(int terminal)
{
	struct termios now;

	assert_int_equal(tcgetattr(terminal, &now), 0);
	return now.c_lflag & (ECHO | ICANON);
}

/* Types once nothing is shown any more, as TCSAFLUSH drops what is early. */
static void *
type(void *arg)
{
	const char keys[] = "wrong\025secreT\177t\n";
	int master = *(int *)arg;

	while (flags_of(master) != 0)
		sched_yield();
	if (write(master, keys, sizeof(keys) - 1) != sizeof(keys) - 1)
		return NULL;
	return arg;
}

static void
test_a_terminal_does_not_show_it(void **state)
{
	int master, slave;
	pthread_t thread;
	void *typed;
	char shown[64];
	ssize_t got;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(dup2(slave, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(flags_of(slave), ECHO | ICANON);
	assert_int_equal(pthread_create(&thread, NULL, type, &master), 0);
	assert_int_equal(hidden_read("Secret: ", &out, &err), 0);
	assert_int_equal(pthread_join(thread, &typed), 0);
	assert_non_null(typed);
	assert_string_equal(out.data, "secret");
	assert_int_equal(flags_of(slave), ECHO | ICANON);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	got = read(master, shown, sizeof(shown));
	assert_true(got <= 0);
	close(slave);
	close(master);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_blanks_around_it_are_no_part),
	    TEST(test_what_is_no_secret),
	    TEST(test_as_much_as_fits),
	    TEST(test_input_that_fails),
	    TEST(test_a_line_at_a_time),
	    TEST(test_a_terminal_does_not_show_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
