/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/lmdb_store
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/limit
 * link: milter/lmdb_check
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal
 * link: milter/ticks milter/map
 * libs: milter
 *
 * lmdb_check: whatever page of the counters' file is spoilt, the process that
 * opens it counts on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "milter/counters.h"
#include "milter/lmdb_check.h"

#define ACCOUNTS 150
#define BYTES ((size_t)1 << 30)
#define PAGE 4096
#define PAGES_MAX 200

static char directory[64], path[100], aside[120];
static unsigned char good[PAGES_MAX * PAGE], page[PAGE];
static size_t good_len;

static int
reserve(struct counters *counters, int number, uint64_t *used)
{
	struct counters_item item = {
	    .window_ms = 3600000, .max = 1000, .amount = 1};
	char who[20];
	struct err err;
	int rc;

	(void)snprintf(who, sizeof(who), "a%d@x.org", number);
	counters_key(item.key, "account", who, "messages", 3600);
	rc = counters_reserve(counters, NULL, &item, 1, 0, NULL, &err);
	*used += item.used;
	return rc;
}

/* Open, count, tidy, close. 0, or what went wrong. */
static int
work(uint64_t *used)
{
	char address[100];
	struct conf_milter milter = {.counters = address};
	struct counters_note note = {.key = "a|b", .data = page, .len = 100};
	struct counters *counters;
	struct err err;
	int i;

	(void)snprintf(address, sizeof(address), "lmdb:%s", directory);
	counters = counters_open(&milter, &err);
	if (counters == NULL) {
		log_warn(NULL, "%s", err.text);
		return 1;
	}
	*used = 0;
	for (i = 0; i < ACCOUNTS; i++)
		if (reserve(counters, i, used) != 1)
			return 2;
	if (counters_note_write(counters, &note, 1, &err) < 0)
		return 3;
	counters_tick(counters);
	counters_close(counters);
	return 0;
}

static int
setup(void **state)
{
	uint64_t used;
	int fd, i;

	(void)state;
	strcpy(directory, "/tmp/postoak-check-XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/data.mdb", directory);
	(void)snprintf(aside, sizeof(aside), "%s.damaged", path);
	/* What was freed and used again is in it, too. */
	for (i = 0; i < 3; i++)
		assert_int_equal(work(&used), 0);
	fd = open(path, O_RDONLY);
	good_len = (size_t)read(fd, good, sizeof(good));
	assert_in_range(good_len, 10 * PAGE, sizeof(good) - PAGE);
	return close(fd);
}

static int
teardown(void **state)
{
	char other[120];

	(void)state;
	(void)unlink(path);
	(void)unlink(aside);
	(void)snprintf(other, sizeof(other), "%s/lock.mdb", directory);
	(void)unlink(other);
	(void)snprintf(other, sizeof(other), "%s/journal", directory);
	(void)unlink(other);
	return rmdir(directory);
}

static void
good_file_with(size_t number, const void *data)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	(void)unlink(aside);
	assert_int_equal(write(fd, good, good_len), good_len);
	assert_int_equal(pwrite(fd, data, PAGE, (off_t)number * PAGE), PAGE);
	assert_int_equal(close(fd), 0);
}

static void
works_in_a_process_of_its_own(size_t number)
{
	uint64_t used;
	pid_t child = fork();
	int status;

	if (child == 0) {
		/* Not as cmocka has it: the test would go on twice. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGBUS, SIG_DFL);
		_exit(work(&used));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("page %zu: status %x", number, (unsigned)status);
}

static int
is_set_aside(void)
{
	return access(aside, F_OK) == 0;
}

static void
a_good_file_is_kept(void **state)
{
	uint64_t used;

	(void)state;
	assert_int_equal(lmdb_check(directory, BYTES), 0);
	assert_int_equal(work(&used), 0);
	assert_int_equal(used, 3 * ACCOUNTS);
	assert_false(is_set_aside());
	assert_int_equal(lmdb_check("/nonexistent", BYTES), 0);
}

static void
any_page_may_be_empty(void **state)
{
	size_t i, damaged = 0;

	(void)state;
	memset(page, 0, sizeof(page));
	for (i = 0; i < good_len / PAGE; i++) {
		good_file_with(i, page);
		works_in_a_process_of_its_own(i);
		damaged += is_set_aside() ? 1 : 0;
	}
	/* But for those nothing is in. */
	assert_in_range(damaged, 5, i);
}

static void
any_page_may_be_noise(void **state)
{
	uint64_t noise = 1;
	size_t i, j;

	(void)state;
	for (i = 0; i < good_len / PAGE; i++) {
		for (j = 0; j < sizeof(page); j++) {
			noise =
			    noise * 6364136223846793005U + 1442695040888963407U;
			page[j] = (unsigned char)(noise >> 56);
		}
		good_file_with(i, page);
		works_in_a_process_of_its_own(i);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_good_file_is_kept),
	    T(any_page_may_be_empty),
	    T(any_page_may_be_noise),
	};

	log_open("test_lmdb_check", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
