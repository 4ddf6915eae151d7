/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LMDB_STORE_H
#define POSTOAK_LMDB_STORE_H

#include <pthread.h>
#include <stddef.h>

#include "counters_ops.h"
#include "lmdb_work.h"
#include "tally.h"

/*
 * lmdb_store - the LMDB file of counters and what lies over it, under one lock:
 * a full file is given room, a damaged one is set aside and begun anew. While
 * the disk fails or is full, counting goes on in memory, as long as there is
 * room for it (pending_is_overfull, JOURNAL_UNSAVED_MAX); the log says when
 * that begins and when it ends. Called by counters_lmdb; calls tally,
 * lmdb_work. Functions without an err return 0, an error of LMDB or an errno.
 */

struct lmdb_store {
	struct counters counters; /* first */
	struct lmdb_file file;
	pthread_mutex_t lock; /* no transaction while the map grows */
	int dirty;	      /* written to since the last sync */
	int failing;	      /* the disk, until a tick goes well */
	struct tally tally;
	char sweep[LMDB_WORK_KEY_MAX + 1]; /* where the last sweep ended */
	int64_t reset_ms; /* what was counted until then may be forgotten */
};

/* Open both; 0, or -1 with *err as documented in counters_open. */
int lmdb_store_open(struct lmdb_store *store, const char *directory,
    size_t bytes, struct err *err);

/* Write down what is pending, and close. */
void lmdb_store_close(struct lmdb_store *store);

/* Under the lock, perhaps more than once. */
typedef int (*lmdb_store_task)(struct lmdb_store *store, void *with);
int lmdb_store_change(
    struct lmdb_store *store, lmdb_store_task task, void *with);
int lmdb_store_read(struct lmdb_store *store, lmdb_store_task task, void *with);

/*
 * For a task: begin to look; lmdb_store_make_way first if a message is to be
 * counted. ENOBUFS if the disk fails and memory has no more room.
 */
int lmdb_store_peek(struct lmdb_store *store, struct lmdb_work *work);
int lmdb_store_make_way(struct lmdb_store *store);

/*
 * Write down what is pending, sweep a part of the file and sync it, unless
 * nothing was done to it. What the disk does not do is in the log already.
 */
int lmdb_store_tick(struct lmdb_store *store);

#endif
