/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: one run at a time, what the command is given, and what becomes of
 * those that wait.
 *
 * link: tokend/notify tokend/timer tests/unit/conf_files
 * libs: tokend
 */
#include "tokend/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "tests/unit/conf_files.h"
#include "tokend/timer.h"

#define SCRIPT_HEAD "#!/bin/sh\n"

static struct event_base *base;
static char script[256], output[256];
static char *items[] = {script, output, NULL};
static struct conf_list command = {.items = items, .count = 2};

static int
setup(void **state)
{
	(void)state;
	snprintf(script, sizeof(script), "%s", conf_files_path("script"));
	snprintf(output, sizeof(output), "%s", conf_files_path("output"));
	(void)unlink(output);
	base = event_base_new();
	assert_int_equal(timer_start(base), 0);
	notify_start(base);
	notify_command(&command);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	notify_stop();
	notify_command(NULL);
	timer_stop();
	event_base_free(base);
	return 0;
}

/* The command is that, its first argument the output file. */
static void
put_script(const char *body)
{
	char text[512];

	snprintf(text, sizeof(text), SCRIPT_HEAD "%s", body);
	conf_files_write("script", text, strlen(text));
	assert_int_equal(chmod(script, 0700), 0);
}

static void
add(const char *account, const char *state, const char *code, const char *text)
{
	struct notify notify = {.account = account,
	    .application = "c",
	    .state = state,
	    .code = code,
	    .text = text};

	notify_add(&notify);
}

static void
run_all(void)
{
	int64_t end_ms = clock_boot_ms() + 30000;

	while (notify_busy()) {
		assert_true(clock_boot_ms() < end_ms);
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	}
}

static void
assert_output(const char *wanted)
{
	static char got[4096];
	FILE *file = fopen(output, "r");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, wanted);
}

static void
test_what_it_is_given(void **state)
{
	(void)state;
	put_script("{ env | grep -v -e '^_=' -e '^PWD=' | sort; pwd\n"
		   "readlink /proc/self/fd/0; } >>\"$1\"\n");
	assert_int_equal(setenv("POSTOAK_TEST_SECRET", "x", 1), 0);
	/* No shell sees the text. */
	add("a@x.org", "needs_login", "login", "$(id) `id` \"; x=1");
	run_all();
	assert_output("LANG=C.UTF-8\n"
		      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		      "/sbin:/bin\n"
		      "POSTOAK_ACCOUNT=a@x.org\n"
		      "POSTOAK_APPLICATION=c\n"
		      "POSTOAK_CODE=login\n"
		      "POSTOAK_STATE=needs_login\n"
		      "POSTOAK_TEXT=$(id) `id` \"; x=1\n"
		      "/\n/dev/null\n");
}

static void
test_one_after_the_other_the_newest_of_each(void **state)
{
	(void)state;
	put_script("echo $POSTOAK_ACCOUNT $POSTOAK_TEXT >>\"$1\"\n");
	add("a", "ok", "", "1");
	/* The first one runs, these wait. */
	add("b", "retrying", "", "2");
	add("a", "needs_login", "login", "3");
	add("b", "ok", "", "4");
	add("b", "warning", "idle", "5");
	add("b", "warning", "sign_in", "6");
	add("b", "warning", "idle", "7");
	run_all();
	assert_output("a 1\na 3\nb 4\nb 6\nb 7\n");
}

static void
test_one_that_fails_disturbs_no_other(void **state)
{
	(void)state;
	put_script("echo $POSTOAK_ACCOUNT >>\"$1\"\n"
		   "[ $POSTOAK_ACCOUNT = a ] && kill -9 $$\nexit 3\n");
	add("a", "ok", "", "");
	add("b", "ok", "", "");
	run_all();
	assert_output("a\nb\n");
}

static void
test_none_that_can_be_run(void **state)
{
	(void)state;
	assert_true(unlink(script) == 0 || access(script, F_OK) == -1);
	add("a", "ok", "", "");
	assert_false(notify_busy());
	put_script("echo ran >>\"$1\"\n");
	notify_command(NULL);
	add("a", "ok", "", "");
	assert_false(notify_busy());
	notify_command(&command);
	add("b", "ok", "", "");
	run_all();
	assert_output("ran\n");
}

/* The first of them runs, whatever becomes of it: nobody looks yet. */
static void
add_too_many(void)
{
	char account[16];
	int i;

	for (i = 0; i < NOTIFY_QUEUE_MAX + 50; i++) {
		snprintf(account, sizeof(account), "%d", i);
		add(account, "ok", "", "");
	}
}

static void
test_the_queue_is_bounded(void **state)
{
	struct stat st;

	(void)state;
	put_script("echo >>\"$1\"\n");
	add_too_many();
	run_all();
	assert_int_equal(stat(output, &st), 0);
	assert_int_equal(st.st_size, 1 + NOTIFY_QUEUE_MAX);
}

static void
test_stop_ends_all(void **state)
{
	(void)state;
	put_script("exec sleep 600\n");
	add_too_many();
	notify_stop();
	assert_false(notify_busy());
	notify_start(base);
	put_script("echo $POSTOAK_ACCOUNT >>\"$1\"\n");
	add("last", "ok", "", "");
	run_all();
	assert_output("last\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_it_is_given),
	    TEST(test_one_after_the_other_the_newest_of_each),
	    TEST(test_one_that_fails_disturbs_no_other),
	    TEST(test_none_that_can_be_run),
	    TEST(test_the_queue_is_bounded),
	    TEST(test_stop_ends_all),
	};

	log_open("test_notify", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
