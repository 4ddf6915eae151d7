/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/lmdb_store
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/limit
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal milter/lmdb_check milter/ticks milter/map
 * link: tests/unit/counters_place
 * libs: milter
 *
 * counters: one reservation over several limits, kept on disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters_place.h"
#include "log.h"
#include "milter/counters.h"
#include "milter/counters_lmdb.h"

static struct err err;

static void
file_name(char *name, size_t size, const char *file)
{
	(void)snprintf(name, size, "%s/%s", counters_place, file);
}

static void
item(struct counters_item *item_out, const char *who, uint64_t max,
    uint64_t amount)
{
	memset(item_out, 0, sizeof(*item_out));
	counters_key(item_out->key, "account", who, "messages", 3600);
	item_out->window_ms = 3600000;
	item_out->max = max;
	item_out->amount = amount;
}

static int
reserve(const char *id, const char *who, uint64_t max, uint64_t amount)
{
	struct counters_item one;

	item(&one, who, max, amount);
	return counters_reserve(counters, id, &one, 1, 0, NULL, &err);
}

static uint64_t
used(const char *who)
{
	struct counters_item one;

	item(&one, who, 1000000, 1);
	assert_int_equal(counters_read(counters, &one, 1, &err), 0);
	return one.used;
}

static void
counts_up_to_the_limit(void **state)
{
	struct counters_item one;

	(void)state;
	assert_int_equal(reserve(NULL, "a", 10, 4), 1);
	assert_int_equal(reserve(NULL, "a", 10, 6), 1);
	item(&one, "a", 10, 1);
	assert_int_equal(
	    counters_reserve(counters, NULL, &one, 1, 0, NULL, &err), 0);
	assert_int_equal(one.used, 10);
	assert_in_range(one.wait_ms, 3599000, 3661000);
	assert_int_equal(counters_read(counters, &one, 1, &err), 0);
	assert_in_range(one.frees_ms, 3599000, 3661000);
	assert_int_equal(used("a"), 10);
	assert_int_equal(used("b"), 0);
	/* Another number for the same limit goes on from what was counted. */
	assert_int_equal(reserve(NULL, "a", 11, 1), 1);
	assert_int_equal(reserve(NULL, "a", 5, 1), 0);
}

static void
all_limits_or_none(void **state)
{
	struct counters_item items[3];

	(void)state;
	item(&items[0], "a", 10, 1);
	item(&items[1], "b", 2, 3);
	item(&items[2], "c", 10, 1);
	assert_int_equal(
	    counters_reserve(counters, "q1", items, 3, 0, NULL, &err), 0);
	assert_int_equal(items[0].wait_ms, 0);
	assert_int_equal(items[1].wait_ms, -1);
	assert_int_equal(used("a") + used("b") + used("c"), 0);
	items[1].max = 3;
	assert_int_equal(
	    counters_reserve(counters, "q1", items, 3, 0, NULL, &err), 1);
	assert_int_equal(used("a") + used("b") + used("c"), 5);
}

static void
a_message_counts_once(void **state)
{
	(void)state;
	assert_int_equal(reserve("q1", "a", 1, 1), 1);
	assert_int_equal(reserve("q1", "a", 1, 1), 1);
	assert_int_equal(reserve("q2", "a", 1, 1), 0);
	/* A refused one was not counted and may come again. */
	assert_int_equal(reserve("q2", "a", 2, 1), 1);
	/* Also when it is in the file, and after a restart. */
	counters_tick(counters);
	assert_int_equal(reserve("q1", "a", 2, 1), 1);
	counters_close(counters);
	counters = counters_place_open();
	assert_int_equal(reserve("q2", "a", 2, 1), 1);
	assert_int_equal(used("a"), 2);
}

static void
observed_messages_are_counted(void **state)
{
	struct counters_item one;

	(void)state;
	item(&one, "a", 1, 5);
	assert_int_equal(
	    counters_reserve(counters, NULL, &one, 1, 1, NULL, &err), 0);
	assert_int_equal(used("a"), 5);
}

static void
nothing_to_count(void **state)
{
	(void)state;
	assert_int_equal(
	    counters_reserve(counters, "x", NULL, 0, 0, NULL, &err), 1);
}

static void
counts_survive_a_restart(void **state)
{
	(void)state;
	assert_int_equal(reserve(NULL, "a", 10, 7), 1);
	counters_close(counters);
	counters = counters_place_open();
	assert_int_equal(used("a"), 7);
	assert_int_equal(reserve(NULL, "a", 10, 4), 0);
}

/* The child counts and says so; whatever it said is there when it is gone. */
static void
nothing_is_lost_by_kill(void **state)
{
	int round;
	uint64_t told = 0;

	(void)state;
	counters_close(counters);
	for (round = 0; round < 10; round++) {
		int fds[2];
		pid_t child;
		char byte;
		int n = 0;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		if (child == 0) {
			counters = counters_place_open();
			for (;;) {
				if (reserve(NULL, "a", 1u << 30, 1) != 1)
					_exit(1);
				if (n++ % 40 == 39)
					counters_tick(counters);
				if (write(fds[1], "x", 1) != 1)
					_exit(1);
			}
		}
		(void)close(fds[1]);
		while (n < 50 + round * 37 && read(fds[0], &byte, 1) == 1)
			n++;
		(void)kill(child, SIGKILL);
		while (read(fds[0], &byte, 1) == 1)
			n++;
		(void)close(fds[0]);
		(void)waitpid(child, NULL, 0);
		told += (uint64_t)n;
		counters = counters_place_open();
		/* At most one was counted and not yet told, a round. */
		assert_in_range(used("a"), told, told + (uint64_t)round + 1);
		counters_close(counters);
	}
	counters = counters_place_open();
}

#define THREADS 8

static void *
thread(void *arg)
{
	uint64_t *granted = arg;
	struct counters_item one;
	struct err mine;
	int i;

	for (i = 0; i < 200; i++) {
		item(&one, "a", 500, 1);
		if (counters_reserve(counters, NULL, &one, 1, 0, NULL, &mine) ==
		    1)
			(*granted)++;
	}
	return NULL;
}

static void
threads_never_exceed_the_limit(void **state)
{
	pthread_t threads[THREADS];
	uint64_t granted[THREADS] = {0}, sum = 0;
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, thread, &granted[i]), 0);
	for (i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		sum += granted[i];
	}
	assert_int_equal(sum, 500);
	assert_int_equal(used("a"), 500);
}

/* The other one may begin as soon as this one has ended, however it does. */
static void
one_process_counts(void **state)
{
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(reserve(NULL, "a", 10, 1), 1);
	child = fork();
	if (child == 0)
		_exit(counters_lmdb_open(counters_place, 1 << 20, &err) != NULL
			  ? 1
			  : strstr(err.text, "another program counts") == NULL);
	(void)waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(used("a"), 1);
}

/* A window of a second is over soon: its keys are what can be dropped. */
static void
a_full_file_is_tidied(void **state)
{
	struct counters_item one;
	char who[32];
	int i, rc = 1;

	(void)state;
	counters_close(counters);
	counters = counters_lmdb_open(counters_place, 256 * 1024, &err);
	assert_non_null(counters);
	for (i = 0; i < 20000 && rc == 1; i++) {
		(void)snprintf(who, sizeof(who), "user%d", i);
		memset(&one, 0, sizeof(one));
		counters_key(one.key, "account", who, "messages", 0);
		one.window_ms = 1; /* over before the next one is counted */
		one.max = 10;
		one.amount = 1;
		rc = counters_reserve(counters, NULL, &one, 1, 0, NULL, &err);
	}
	if (rc != 1)
		fail_msg("after %d: %s", i, err.text);
}

static void
a_file_full_of_live_keys_grows(void **state)
{
	char who[32];
	int i;

	(void)state;
	counters_close(counters);
	counters = counters_lmdb_open(counters_place, 128 * 1024, &err);
	assert_non_null(counters);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(who, sizeof(who), "user%d", i);
		assert_int_equal(reserve(NULL, who, 10, 1), 1);
	}
	for (i = 0; i < 5000; i++) {
		(void)snprintf(who, sizeof(who), "user%d", i);
		assert_int_equal(used(who), 1);
	}
}

static void
sweeping_keeps_what_counts(void **state)
{
	char who[32];
	int i;

	(void)state;
	for (i = 0; i < 600; i++) {
		(void)snprintf(who, sizeof(who), "user%d", i);
		assert_int_equal(reserve(NULL, who, 10, 1), 1);
	}
	for (i = 0; i < 10; i++)
		counters_tick(counters);
	for (i = 0; i < 600; i++) {
		(void)snprintf(who, sizeof(who), "user%d", i);
		assert_int_equal(used(who), 1);
	}
}

static void
damage(const char *bytes, size_t len)
{
	char name[100];
	int fd;

	file_name(name, sizeof(name), "data.mdb");
	fd = open(name, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	(void)close(fd);
}

static void
a_damaged_file_is_set_aside(void **state)
{
	char name[100], noise[9000];
	struct stat st;

	(void)state;
	assert_int_equal(reserve(NULL, "a", 10, 1), 1);
	counters_close(counters);
	memset(noise, 'x', sizeof(noise));
	damage(noise, sizeof(noise));
	counters = counters_place_open();
	assert_int_equal(used("a"), 0);
	assert_int_equal(reserve(NULL, "a", 10, 1), 1);
	file_name(name, sizeof(name), "data.mdb.damaged");
	assert_int_equal(stat(name, &st), 0);
}

static void
a_file_cut_short_is_set_aside(void **state)
{
	char name[100];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		char who[20];

		(void)snprintf(who, sizeof(who), "u%d", i);
		assert_int_equal(reserve(NULL, who, 10, 1), 1);
	}
	counters_close(counters);
	file_name(name, sizeof(name), "data.mdb");
	assert_int_equal(truncate(name, 3 * 4096), 0);
	counters = counters_place_open();
	assert_int_equal(used("u0"), 0);
}

static void
addresses(void **state)
{
	char nowhere[] = "lmdb:/nonexistent/directory";
	const struct conf_milter milter = {.counters = nowhere};

	(void)state;
	assert_int_equal(counters_check("lmdb:/var/lib/x", &err), 0);
	assert_int_equal(counters_check("lmdb:x", &err), -1);
	assert_int_equal(counters_check("redis:localhost", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_null(counters_open(&milter, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/directory"));
}

static void
keys(void **state)
{
	char a[COUNTERS_KEY_MAX], b[COUNTERS_KEY_MAX], who[1000];

	(void)state;
	counters_key(a, "account", "Relay@Contoso.com", "messages", 60);
	assert_string_equal(a, "account|relay@contoso.com|messages|60");
	memset(who, 'x', sizeof(who));
	who[999] = '\0';
	counters_key(a, "account", who, "messages", 60);
	who[998] = 'y';
	counters_key(b, "account", who, "messages", 60);
	assert_string_not_equal(a, b);
	assert_true(strlen(a) < COUNTERS_KEY_MAX - 1);
	/* Nobody has a second counter of his own name in capitals. */
	who[0] = 'X';
	counters_key(a, "account", who, "messages", 60);
	assert_string_equal(a, b);
}

/* Hosts that share counters tell each other keys, one a line. */
static void
keys_are_one_line(void **state)
{
	static const char *const names[] = {
	    "a\nb", "a\rb", "a?b", "a\x7f", "a\x01", "a\x02"};
	char keys[6][COUNTERS_KEY_MAX];
	size_t i, j;

	(void)state;
	for (i = 0; i < 6; i++) {
		counters_key(keys[i], "login", names[i], "messages", 60);
		assert_null(strpbrk(keys[i], "\r\n\x01\x02\x7f"));
		for (j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
	}
}

int
main(void)
{
#define T(f)                                                                   \
	cmocka_unit_test_setup_teardown(                                       \
	    f, counters_place_setup, counters_place_teardown)
	const struct CMUnitTest tests[] = {
	    T(counts_up_to_the_limit),
	    T(all_limits_or_none),
	    T(a_message_counts_once),
	    T(observed_messages_are_counted),
	    T(nothing_to_count),
	    T(counts_survive_a_restart),
	    T(nothing_is_lost_by_kill),
	    T(threads_never_exceed_the_limit),
	    T(one_process_counts),
	    T(a_full_file_is_tidied),
	    T(a_file_full_of_live_keys_grows),
	    T(sweeping_keeps_what_counts),
	    T(a_damaged_file_is_set_aside),
	    T(a_file_cut_short_is_set_aside),
	    T(addresses),
	    T(keys),
	    T(keys_are_one_line),
	};

	log_open("test_counters", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
