/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: one line each, nothing from outside can forge or break one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static char said[20000];
static int saved_stderr;
static FILE *sink;

static int
catch_stderr(void **state)
{
	(void)state;
	sink = tmpfile();
	saved_stderr = dup(STDERR_FILENO);
	if (sink == NULL || saved_stderr == -1)
		return -1;
	dup2(fileno(sink), STDERR_FILENO);
	log_open("prog", 1, LOG_LEVEL_INFO);
	return 0;
}

static int
release_stderr(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(sink);
	return 0;
}

/* Everything logged so far. */
static const char *
logged(void)
{
	ssize_t n = pread(fileno(sink), said, sizeof(said) - 1, 0);

	assert_true(n >= 0);
	said[n] = '\0';
	return said;
}

static void
test_line(void **state)
{
	char program[64];

	(void)state;
	log_warn("a@x.org", "token refused: account=%s code=%d", "a", 7);
	snprintf(program, sizeof(program), " prog[%d]: ", (int)getpid());
	assert_non_null(strstr(logged(), program));
	assert_non_null(
	    strstr(logged(), "]: a@x.org: token refused: account=a code=7\n"));
	log_info(NULL, "started");
	assert_non_null(strstr(logged(), "]: started\n"));
}

static void
test_levels(void **state)
{
	(void)state;
	log_debug(NULL, "hidden");
	log_info(NULL, "shown");
	log_set_level(LOG_LEVEL_WARN);
	log_info(NULL, "quiet");
	log_warn(NULL, "loud");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug(NULL, "detail");
	assert_null(strstr(logged(), "hidden"));
	assert_null(strstr(logged(), "quiet"));
	assert_non_null(strstr(logged(), "shown"));
	assert_non_null(strstr(logged(), "loud"));
	assert_non_null(strstr(logged(), "detail"));
}

static void
test_nothing_breaks_a_line(void **state)
{
	const char *end;

	(void)state;
	log_info("q\n1", "user=%s",
	    "a\r\nforged: \033[2J\x7f\xc2\x9b"
	    "1m \xff \xc3\xa9");
	assert_non_null(strstr(logged(),
	    "]: q\\x0a1: user=a\\x0d\\x0aforged: \\x1b[2J\\x7f\\xc2\\x9b1m "
	    "\\xff \xc3\xa9\n"));
	end = strchr(logged(), '\n');
	assert_non_null(end);
	assert_int_equal(end[1], '\0');
}

static void
test_long_lines_are_cut(void **state)
{
	static char text[10000];
	size_t len;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	log_info(text, "%s", text);
	len = strlen(logged());
	assert_in_range(len, 1000, 2300);
	assert_ptr_equal(strchr(said, '\n'), said + len - 1);
}

static void
test_fatal(void **state)
{
	pid_t child;
	int status;

	(void)state;
	/* log_fatal calls exit: what is buffered must not come out twice. */
	fflush(NULL);
	child = fork();
	if (child == 0)
		log_fatal(EX_CONFIG, "no %s", "way");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EX_CONFIG);
	assert_non_null(strstr(logged(), "]: no way\n"));
}

/* Whoever starts a daemon sees why it ends, not only syslog. */
static void
test_fatal_in_the_background(void **state)
{
	pid_t child;
	int status;

	(void)state;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		log_open("test", 0, LOG_LEVEL_INFO);
		log_warn(NULL, "for syslog only");
		log_fatal(EX_CONFIG, "no way");
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), EX_CONFIG);
	assert_non_null(strstr(logged(), "]: no way\n"));
	assert_null(strstr(logged(), "syslog only"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_line, catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(
		test_levels, catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(
		test_nothing_breaks_a_line, catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(
		test_long_lines_are_cut, catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(
		test_fatal, catch_stderr, release_stderr),
	    cmocka_unit_test_setup_teardown(
		test_fatal_in_the_background, catch_stderr, release_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
