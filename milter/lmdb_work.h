/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LMDB_WORK_H
#define POSTOAK_LMDB_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "limit.h"
#include "lmdb_file.h"
#include "ticks.h"

/*
 * lmdb_work - what is done to an LMDB file of counters within one transaction:
 * its clock, its rings, the messages counted lately. All return 0 or an error
 * of LMDB. The messages are in "seen0" and "seen1", of which one is filled and
 * the other one emptied and taken over every five minutes, so that an id is
 * known for one to two of these and forgetting costs nothing.
 */

#define LMDB_WORK_KEY_MAX 511 /* bytes; LMDB takes no more */

/* One transaction and its time. */
struct lmdb_work {
	struct lmdb_file *file;
	MDB_txn *txn;
	struct ticks ticks;
	int64_t now_ms;
	int64_t turned_ms; /* when the seen databases changed places */
};

/* Begin, with MDB_RDONLY or 0 in flags, and read the clock. */
int lmdb_work_begin(
    struct lmdb_work *work, struct lmdb_file *file, unsigned flags);

/* Commit; the clock is written only when the transaction wrote (dirty). */
int lmdb_work_commit(struct lmdb_work *work, int dirty);
void lmdb_work_abort(struct lmdb_work *work);

/*
 * The ring of key for a window of window_ms; an empty one if there is none. One
 * that cannot be read is begun anew, with a line in the log: mail does not stop
 * for it.
 */
int lmdb_work_get(struct lmdb_work *work, const char *key, int64_t window_ms,
    struct limit_ring *ring);
int lmdb_work_put(
    struct lmdb_work *work, const char *key, const struct limit_ring *ring);

/* Forget what was counted under key. */
int lmdb_work_delete(struct lmdb_work *work, const char *key);

/* MDB_NOTFOUND if the message was not counted lately; id NULL never was. */
int lmdb_work_find_seen(struct lmdb_work *work, const char *id);
int lmdb_work_add_seen(struct lmdb_work *work, const char *id);

/*
 * Drop what has expired: old ids, and of "most" rings from the key in "from"
 * on those that are over. "from" is then where to go on, "" at the end.
 */
int lmdb_work_sweep(
    struct lmdb_work *work, char from[LMDB_WORK_KEY_MAX + 1], size_t most);

#endif
