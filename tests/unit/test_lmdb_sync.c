/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/lmdb_file milter/lmdb_check
 * libs: milter
 *
 * lmdb_file: a disk that takes its time holds up nobody who uses the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "milter/lmdb_file.h"

#define BYTES ((size_t)1 << 20)

static sem_t began, may_end;
static int in_vain; /* the disk waited for those it must not hold up */

static void
wait_at_most(sem_t *sem, int seconds)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	if (sem_timedwait(sem, &until) < 0)
		in_vain = 1;
}

/* LMDB's and ours: it ends when it is told to. */
int
fdatasync(int fd)
{
	(void)sem_post(&began);
	wait_at_most(&may_end, 20);
	return (int)syscall(SYS_fdatasync, fd);
}

static void *
sync_file(void *arg)
{
	assert_int_equal(lmdb_file_sync(arg), 0);
	return NULL;
}

static void
use(struct lmdb_file *file)
{
	MDB_txn *txn;

	assert_int_equal(lmdb_file_begin(file, 0, &txn), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static void
growing_and_opening_again_do_not_wait_for_a_sync(void **state)
{
	char directory[] = "/tmp/postoak-sync-XXXXXX", command[100];
	struct lmdb_file file = {.env = NULL};
	pthread_t thread;
	struct err err;

	(void)state;
	assert_int_equal(sem_init(&began, 0, 0) | sem_init(&may_end, 0, 0), 0);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(lmdb_file_open(&file, directory, BYTES, &err), 0);
	use(&file);
	assert_int_equal(pthread_create(&thread, NULL, sync_file, &file), 0);
	wait_at_most(&began, 20);
	use(&file);
	assert_int_equal(lmdb_file_grow(&file), 0);
	use(&file);
	assert_int_equal(lmdb_file_recover(&file, MDB_PANIC), 1);
	use(&file);
	(void)sem_post(&may_end);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(in_vain, 0);
	(void)sem_post(&may_end);
	lmdb_file_close(&file);
	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(growing_and_opening_again_do_not_wait_for_a_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
