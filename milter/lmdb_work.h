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
 * the other one emptied and taken over every five minutes or 16,384 messages,
 * so that forgetting costs nothing; with each is when it was counted, since
 * nobody takes the databases over while no mail comes.
 *
 * What was counted without a transaction lies over the file (tally). Every
 * transaction begins with writing that down, so that it sees all, and ends with
 * a new generation of the journal.
 */

#define LMDB_WORK_KEY_MAX 511 /* bytes; LMDB takes no more */

/* One transaction and its time. */
struct lmdb_work {
	struct lmdb_file *file;
	MDB_txn *txn; /* after lmdb_work_peek perhaps NULL yet */
	struct ticks ticks;
	int64_t now_ms;
	int64_t turned_ms; /* when the seen databases changed places */
	int peeks;	   /* it reads only */
	int wrote;	   /* down what was pending */
};

/* Begin, with MDB_RDONLY or 0 in flags, and read the clock. */
int lmdb_work_begin(
    struct lmdb_work *work, struct lmdb_file *file, unsigned flags);

/* Go by another clock than this machine's: now it is now_ms. */
void lmdb_work_set_time(struct lmdb_work *work, int64_t now_ms);

/*
 * Begin to read the file as it is, without what is pending. If the clock is
 * known, LMDB is asked only by the first who does, through lmdb_work_open.
 */
int lmdb_work_peek(struct lmdb_work *work, struct lmdb_file *file);

/* So that work->txn can be used. */
int lmdb_work_open(struct lmdb_work *work);

/*
 * Commit; the clock is written only when the transaction wrote (dirty). After
 * an error, and after an abort, nothing lies over the file until tally has
 * taken up the journal again.
 */
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

/* Take back what was counted under key at counted_ms, if it is there. */
int lmdb_work_take_back(struct lmdb_work *work, const char *key,
    int64_t window_ms, int64_t counted_ms, uint64_t amount);

/* Forget what was counted under key. */
int lmdb_work_delete(struct lmdb_work *work, const char *key);

/*
 * The next ring behind key in the order of keys, whatever its window; key
 * becomes its key. MDB_NOTFOUND at the end.
 */
int lmdb_work_next(struct lmdb_work *work, char key[LMDB_WORK_KEY_MAX + 1],
    struct limit_ring *ring);

/* A word kept beside the clock; MDB_NOTFOUND also if it has size bytes or
 * more. */
int lmdb_work_put_word(
    struct lmdb_work *work, const char *name, const char *word);
int lmdb_work_get_word(
    struct lmdb_work *work, const char *name, char *word, size_t size);

/*
 * MDB_NOTFOUND if the message was not counted lately; ids by pending_id, one
 * that is 0 never was.
 */
int lmdb_work_find_seen(struct lmdb_work *work, uint64_t id);
int lmdb_work_add_seen(struct lmdb_work *work, uint64_t id, int64_t counted_ms);
int lmdb_work_forget_seen(struct lmdb_work *work, uint64_t id);

/* Take the file's clock and messages into what lies over it. */
int lmdb_work_load(struct lmdb_work *work, struct pending *pending);

/* Which of the journal's records are not in the file; 0: it is a new one. */
int lmdb_work_generation(struct lmdb_work *work, uint64_t *generation);

/*
 * Drop what has expired: old ids, and of "most" rings from the key in "from"
 * on those that are over. "from" is then where to go on, "" at the end.
 */
int lmdb_work_sweep(
    struct lmdb_work *work, char from[LMDB_WORK_KEY_MAX + 1], size_t most);

#endif
