/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: options, environment, going to the background. What ends or changes
 * a process is tried in a child.
 */
#define _GNU_SOURCE
#include "daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

/* getopt wants strings it may change. */
#define ARG(text) ((char[]){text})

/* Exit code of what runs in a child with its output thrown away. */
static int
run(void (*body)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		body();
		_exit(99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_options(void **state)
{
	struct daemon_options o;
	char *argv[] = {ARG("/x/postoak-tokend"), ARG("-c"), ARG("/a/b.conf"),
	    ARG("-f"), ARG("-t"), ARG("-v"), ARG("--via=/run/way"), NULL};

	(void)state;
	daemon_parse(&o, 7, argv);
	assert_string_equal(o.config_path, "/a/b.conf");
	assert_string_equal(o.via_path, "/run/way");
	assert_true(o.foreground && o.check_only && o.verbose);
	daemon_parse(&o, 1, argv);
	assert_string_equal(
	    o.config_path, POSTOAK_SYSCONFDIR "/postoak/postoak.conf");
	assert_false(o.foreground || o.check_only || o.verbose);
	assert_null(o.via_path);
}

/* The background has another directory than the one the path was given in. */
static void
test_paths_are_made_absolute(void **state)
{
	struct daemon_options o;
	char *argv[] = {
	    ARG("x"), ARG("-c"), ARG("my.conf"), ARG("--via=way"), NULL};
	char *here = getcwd(NULL, 0);
	size_t len;

	(void)state;
	assert_non_null(here);
	len = strlen(here);
	daemon_parse(&o, 4, argv);
	assert_memory_equal(o.config_path, here, len);
	assert_string_equal(o.config_path + len, "/my.conf");
	assert_memory_equal(o.via_path, here, len);
	assert_string_equal(o.via_path + len, "/way");
	free(here);
}

static void
parse_unknown(void)
{
	struct daemon_options o;
	char *argv[] = {ARG("x"), ARG("--nonsense"), NULL};

	daemon_parse(&o, 2, argv);
}

static void
parse_argument(void)
{
	struct daemon_options o;
	char *argv[] = {ARG("x"), ARG("file"), NULL};

	daemon_parse(&o, 2, argv);
}

static void
parse_version(void)
{
	struct daemon_options o;
	char *argv[] = {ARG("x"), ARG("-V"), NULL};

	daemon_parse(&o, 2, argv);
}

static void
test_wrong_use_is_64_and_version_0(void **state)
{
	(void)state;
	assert_int_equal(run(parse_unknown), EX_USAGE);
	assert_int_equal(run(parse_argument), EX_USAGE);
	assert_int_equal(run(parse_version), EX_OK);
}

static void
harden(void)
{
	struct rlimit limit;

	setenv("SSLKEYLOGFILE", "/tmp/keys", 1);
	setenv("https_proxy", "http://evil:1", 1);
	setenv("ALL_PROXY", "http://evil:1", 1);
	setenv("OPENSSL_CONF", "/tmp/x", 1);
	setenv("TZ", "UTC", 1);
	setenv("NOTIFY_SOCKET", "/tmp/n", 1);
	daemon_harden();
	if (getenv("SSLKEYLOGFILE") != NULL || getenv("https_proxy") != NULL ||
	    getenv("ALL_PROXY") != NULL || getenv("OPENSSL_CONF") != NULL)
		_exit(1);
	if (getenv("TZ") == NULL || getenv("NOTIFY_SOCKET") == NULL)
		_exit(2);
	if (prctl(PR_GET_DUMPABLE) != 0 ||
	    getrlimit(RLIMIT_CORE, &limit) == -1 || limit.rlim_max != 0)
		_exit(3);
	if (signal(SIGPIPE, SIG_DFL) != SIG_IGN)
		_exit(4);
	_exit(0);
}

static void
test_hardened_process(void **state)
{
	(void)state;
	assert_int_equal(run(harden), 0);
}

static void
detach_and_be_ready(void)
{
	struct daemon_options o = {0};

	daemon_detach(&o);
	daemon_ready();
	_exit(5); /* the parent must have left with 0 */
}

static void
detach_and_fail(void)
{
	struct daemon_options o = {0};

	daemon_detach(&o);
	_exit(EX_CONFIG);
}

static void
stay_in_foreground(void)
{
	struct daemon_options o = {.foreground = 1};
	pid_t self = getpid();

	daemon_detach(&o);
	daemon_ready();
	_exit(getpid() == self ? 7 : 8);
}

static void
test_parent_tells_what_became_of_the_child(void **state)
{
	(void)state;
	assert_int_equal(run(detach_and_be_ready), 0);
	assert_int_equal(run(detach_and_fail), EX_CONFIG);
	assert_int_equal(run(stay_in_foreground), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_paths_are_made_absolute),
	    cmocka_unit_test(test_wrong_use_is_64_and_version_0),
	    cmocka_unit_test(test_hardened_process),
	    cmocka_unit_test(test_parent_tells_what_became_of_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
