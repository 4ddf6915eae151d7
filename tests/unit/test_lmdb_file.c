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
 * lmdb_file: a file that fails or is damaged while it is open, and what other
 * processes leave behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "milter/counters.h"
#include "milter/limit.h"
#include "milter/lmdb_file.h"

#define BYTES ((size_t)1 << 20)

static char directory[64];
static struct err err;
static int fail_writes; /* of the page that makes a commit one, so often */

/* LMDB's own: a whole page is data, a part of one is the meta page. */
ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (fail_writes > 0 && len < 4096) {
		fail_writes--;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

static int
setup(void **state)
{
	(void)state;
	fail_writes = 0;
	strcpy(directory, "/tmp/postoak-lmdb-XXXXXX");
	assert_non_null(mkdtemp(directory));
	return 0;
}

static void
path_of(char *path, size_t size, const char *file)
{
	(void)snprintf(path, size, "%s/%s", directory, file);
}

static int
teardown(void **state)
{
	static const char *const files[] = {
	    "data.mdb", "lock.mdb", "data.mdb.damaged", "journal"};
	char path[100];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		path_of(path, sizeof(path), files[i]);
		(void)unlink(path);
	}
	return rmdir(directory);
}

static int
is_set_aside(void)
{
	struct stat st;
	char path[100];

	path_of(path, sizeof(path), "data.mdb.damaged");
	return stat(path, &st) == 0;
}

static struct counters *
open_counters(void)
{
	struct counters *counters;
	char address[100];
	struct conf_milter milter = {.counters = address};

	(void)snprintf(address, sizeof(address), "lmdb:%s", directory);
	counters = counters_open(&milter, &err);
	if (counters == NULL)
		fail_msg("%s", err.text);
	return counters;
}

static void
one_item(struct counters_item *item)
{
	memset(item, 0, sizeof(*item));
	counters_key(item->key, "account", "a", "messages", 3600);
	item->window_ms = 3600000;
	item->max = 10;
	item->amount = 1;
}

static int
count(struct counters *counters)
{
	struct counters_item item;

	one_item(&item);
	return counters_reserve(counters, NULL, &item, 1, 0, NULL, &err);
}

static uint64_t
used(struct counters *counters)
{
	struct counters_item item;

	one_item(&item);
	assert_int_equal(counters_read(counters, &item, 1, &err), 0);
	return item.used;
}

/* LMDB refuses everything after that until the file is opened again. */
static void
a_failed_write_is_got_over(void **state)
{
	struct counters *counters = open_counters();

	(void)state;
	assert_int_equal(count(counters), 1);
	fail_writes = 1; /* of the journal: it is in memory then */
	assert_int_equal(count(counters), 1);
	assert_int_equal(fail_writes, 0);
	fail_writes = 2; /* of the commit and of LMDB's undoing it */
	counters_tick(counters);
	assert_int_equal(fail_writes, 0);
	assert_int_equal(count(counters), 1);
	assert_int_equal(used(counters), 3);
	assert_false(is_set_aside());
	counters_close(counters);
}

/* How often the text is in what was logged since catch_log. */
static int kept_stderr;
static FILE *sink;

static void
catch_log(void)
{
	sink = tmpfile();
	assert_non_null(sink);
	kept_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fileno(sink), STDERR_FILENO) >= 0);
}

static void
release_log(void)
{
	(void)dup2(kept_stderr, STDERR_FILENO);
	(void)close(kept_stderr);
	(void)fclose(sink);
}

static int
logged(const char *text)
{
	static char all[8192];
	ssize_t n = pread(fileno(sink), all, sizeof(all) - 1, 0);
	const char *at = all;
	int times = 0;

	all[n > 0 ? n : 0] = '\0';
	while ((at = strstr(at, text)) != NULL) {
		at++;
		times++;
	}
	return times;
}

/* While the disk fails, counting goes on; it is said once when that begins, and
 * when it ends. */
static void
a_failing_disk_is_temporary(void **state)
{
	struct counters *counters = open_counters();
	int i;

	(void)state;
	assert_int_equal(count(counters), 1);
	catch_log();
	fail_writes = 1000000;
	for (i = 0; i < 4; i++) {
		assert_int_equal(count(counters), 1);
		counters_tick(counters);
		assert_int_equal(used(counters), 2 + (uint64_t)i);
	}
	assert_int_equal(logged("counters cannot be written"), 1);
	assert_int_equal(logged("counters are written again"), 0);
	fail_writes = 0;
	assert_int_equal(count(counters), 1);
	counters_tick(counters);
	counters_tick(counters);
	assert_int_equal(logged("counters cannot be written"), 1);
	assert_int_equal(logged("counters are written again"), 1);
	assert_int_equal(logged("\n"), 2);
	release_log();
	/* On disk, whatever becomes of this process. */
	fail_writes = 1000000;
	counters_close(counters);
	fail_writes = 0;
	counters = open_counters();
	assert_int_equal(used(counters), 6);
	for (i = 0; i < 4; i++)
		assert_int_equal(count(counters), 1);
	assert_int_equal(count(counters), 0);
	counters_close(counters);
}

/* Each message only once, and not more of them than there is room for. */
static void
a_failing_disk_has_bounds(void **state)
{
	struct counters *counters = open_counters();
	struct counters_item item;
	uint64_t counted = 0;
	char id[32];
	int rc = 1;

	(void)state;
	one_item(&item);
	item.max = 1000000;
	catch_log();
	fail_writes = 1000000;
	while (rc == 1 && counted < 100000) {
		(void)snprintf(id, sizeof(id), "Q%d", (int)counted);
		rc = counters_reserve(counters, id, &item, 1, 0, NULL, &err);
		counted += rc == 1;
	}
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_in_range(counted, 10000, 20000);
	assert_int_equal(logged("counters cannot be written"), 1);
	release_log();
	fail_writes = 0;
	assert_int_equal(
	    counters_reserve(counters, "Q5", &item, 1, 0, NULL, &err), -1);
	counters_tick(counters);
	assert_int_equal(
	    counters_reserve(counters, id, &item, 1, 0, NULL, &err), 1);
	assert_int_equal(
	    counters_reserve(counters, "Q9000", &item, 1, 0, NULL, &err), 1);
	assert_int_equal(used(counters), counted + 1);
	counters_close(counters);
}

static void
put_ring(const char *key, const struct limit_ring *ring)
{
	struct lmdb_file file = {.env = NULL};
	unsigned char bytes[LIMIT_BYTES];
	MDB_val name = lmdb_file_val(key, strlen(key));
	MDB_val data = lmdb_file_val(bytes, limit_encode(ring, bytes));
	MDB_txn *txn;

	assert_int_equal(lmdb_file_open(&file, directory, BYTES, &err), 0);
	assert_int_equal(lmdb_file_begin(&file, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, file.rings, &name, &data, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	lmdb_file_close(&file);
}

/* It would not forget for years: a window from now on it does. */
static void
a_ring_ahead_of_its_time_forgets(void **state)
{
	struct counters_item item = {
	    .key = "account|a|messages|0", .window_ms = 100, .max = 1};
	struct counters *counters;
	struct limit_ring ring;
	time_t deadline = time(NULL) + 20;
	int rc = 0;

	(void)state;
	item.amount = 1;
	limit_init(&ring, item.window_ms);
	limit_add(&ring, (int64_t)4000000000 * 1000, 1);
	put_ring(item.key, &ring);
	catch_log();
	counters = open_counters();
	assert_int_equal(
	    counters_reserve(counters, NULL, &item, 1, 0, NULL, &err), 0);
	/* What was mended is written, though no message was counted. */
	while (rc == 0 && time(NULL) < deadline) {
		counters_tick(counters);
		rc = counters_reserve(counters, NULL, &item, 1, 0, NULL, &err);
	}
	assert_int_equal(rc, 1);
	assert_int_equal(logged("ahead of its time: key=account|a|"), 1);
	release_log();
	counters_close(counters);
}

static void
a_damaged_clock_is_set_aside(void **state)
{
	struct lmdb_file file;
	struct counters *counters = open_counters();
	MDB_txn *txn;
	char name[] = "clock", text[] = "noise";
	MDB_val key = {.mv_size = 5, .mv_data = name};
	MDB_val noise = {.mv_size = 5, .mv_data = text};

	(void)state;
	assert_int_equal(count(counters), 1);
	counters_close(counters);
	memset(&file, 0, sizeof(file));
	assert_int_equal(lmdb_file_open(&file, directory, BYTES, &err), 0);
	assert_int_equal(lmdb_file_begin(&file, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, file.clock, &key, &noise, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	lmdb_file_close(&file);

	counters = open_counters();
	assert_true(is_set_aside());
	assert_int_equal(count(counters), 1);
	assert_int_equal(used(counters), 1);
	counters_close(counters);
}

static void *
sync_often(void *arg)
{
	struct lmdb_file *file = arg;
	int i;

	for (i = 0; i < 200; i++)
		assert_int_equal(lmdb_file_sync(file), 0);
	return NULL;
}

static void
growing_and_syncing_get_along(void **state)
{
	struct lmdb_file file = {.env = NULL};
	pthread_t thread;
	MDB_txn *txn;
	int i;

	(void)state;
	assert_int_equal(lmdb_file_open(&file, directory, BYTES, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, sync_often, &file), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(lmdb_file_grow(&file), 0);
		if (i % 25 == 0)
			assert_int_equal(
			    lmdb_file_recover(&file, MDB_PANIC), 1);
		assert_int_equal(lmdb_file_begin(&file, 0, &txn), 0);
		assert_int_equal(mdb_txn_commit(txn), 0);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	lmdb_file_close(&file);
}

static int
first_line(const char *line, void *arg)
{
	(void)snprintf(arg, 100, "%s", line);
	return -1;
}

/* A process that opens the file, reads if it is to, says so and waits. */
static pid_t
other_process(int reads)
{
	struct lmdb_file file = {.env = NULL};
	MDB_txn *txn;
	int ready[2];
	pid_t pid;
	char c = 0;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (lmdb_file_open(&file, directory, BYTES, &err) < 0 ||
		    (reads && lmdb_file_begin(&file, MDB_RDONLY, &txn) != 0) ||
		    write(ready[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Its pages would be kept for ever, as long as any process has the file. */
static void
a_killed_reader_is_forgotten(void **state)
{
	struct lmdb_file file = {.env = NULL};
	pid_t keeper = other_process(0);
	char line[100] = "";

	(void)state;
	end(other_process(1));
	assert_int_equal(lmdb_file_open(&file, directory, BYTES, &err), 0);
	(void)mdb_reader_list(file.env, first_line, line);
	assert_string_equal(line, "(no active readers)\n");
	lmdb_file_close(&file);
	end(keeper);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_failed_write_is_got_over),
	    T(a_failing_disk_is_temporary),
	    T(a_failing_disk_has_bounds),
	    T(a_ring_ahead_of_its_time_forgets),
	    T(a_damaged_clock_is_set_aside),
	    T(growing_and_syncing_get_along),
	    T(a_killed_reader_is_forgotten),
	};

	log_open("test_lmdb_file", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
