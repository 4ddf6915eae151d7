/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LMDB_FILE_H
#define POSTOAK_LMDB_FILE_H

#include <lmdb.h>
#include <pthread.h>
#include <stddef.h>

#include "err.h"

/*
 * lmdb_file - the LMDB environment the counters are in: opened, checked, set
 * aside when it is damaged. Called by counters_lmdb only, one call at a time
 * but for lmdb_file_sync, which may run beside the others.
 */

struct pending;
struct journal;

struct lmdb_file {
	MDB_env *env;	 /* NULL after a failure: opened by the next begin */
	MDB_dbi rings;	 /* key to limit_ring */
	MDB_dbi clock;	 /* the time they are counted in */
	MDB_dbi seen[2]; /* messages counted lately */
	MDB_dbi notes;	 /* what is kept beside the counters */
	char *directory;
	size_t bytes;
	pthread_mutex_t map; /* held while env moves */
	/* What lies over the file (see lmdb_work.h); NULL: nothing does. */
	struct pending *pending;
	struct journal *journal;
};

/* Bytes as LMDB wants them; it does not write to them. */
MDB_val lmdb_file_val(const void *data, size_t len);

/*
 * Open, creating what is missing but the directory. A damaged file is renamed
 * to *.damaged, with a line in the log. 0, or -1 with ERR_CONFIG.
 */
int lmdb_file_open(struct lmdb_file *file, const char *directory, size_t bytes,
    struct err *err);

/* Sync and close. */
void lmdb_file_close(struct lmdb_file *file);

/* These return 0 or an error of LMDB. */

int lmdb_file_begin(struct lmdb_file *file, unsigned flags, MDB_txn **txn);

/* Let the file grow by an eighth, at least by 1 MiB. No transaction is open. */
int lmdb_file_grow(struct lmdb_file *file);

/* Write all to the disk; nobody waits for that but who calls it. */
int lmdb_file_sync(struct lmdb_file *file);

/* 1 for an error of a disk that fails or is full: it may go away again. */
int lmdb_file_is_disk(int rc);

/*
 * After the error rc, with no transaction open: 1 if it is one after which
 * LMDB wants the file opened again (I/O; whoever asks says so) or the file is
 * damaged (it is set aside), and a file is open now; the work may be tried once
 * more.
 */
int lmdb_file_recover(struct lmdb_file *file, int rc);

#endif
