/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TALLY_H
#define POSTOAK_TALLY_H

#include <stdint.h>

#include "counters_ops.h"
#include "journal.h"
#include "lmdb_work.h"
#include "pending.h"

/*
 * tally - counts messages without a transaction: in memory (pending), over what
 * is in the LMDB file, and in one record of the journal each, which the process
 * may be killed after. lmdb_work writes down what many messages counted. Called
 * by counters_lmdb, under its lock. Functions without an err return 0, an error
 * of LMDB or an errno.
 */

struct tally {
	struct pending pending;
	struct journal journal;
};

/*
 * Take the journal of the directory, for this process only. 0 or -1 with
 * ERR_CONFIG.
 */
int tally_open(struct tally *tally, const char *directory, struct err *err);
void tally_close(struct tally *tally);

/*
 * Lie over the file: what it does not hold of the journal's, because a process
 * was killed or the file failed, is counted again and pending.
 */
int tally_attach(struct tally *tally, struct lmdb_file *file);

/* The rings of a message's items, in their order, until pending_clear. */
struct tally_rings {
	struct pending_ring *of[COUNTERS_ITEMS_MAX];
};

/*
 * Find the items' rings and fill the items in, but for frees_ms, which costs
 * more than the rest and nobody asks of a message; *granted is 1 if all fit.
 */
int tally_look(struct lmdb_work *work, struct counters_item *items,
    size_t count, struct tally_rings *rings, int *granted);

/* All of one item, however many there are: no more becomes pending. */
int tally_read(struct lmdb_work *work, struct counters_item *item);

/* MDB_NOTFOUND if the message was not counted lately. */
int tally_find_seen(struct lmdb_work *work, uint64_t id);

/*
 * Count a message whose rings tally_look found: in the journal if work peeks,
 * else in its transaction. After an error it is not, if that is aborted.
 */
int tally_count(struct lmdb_work *work, uint64_t id,
    const struct counters_item *items, size_t count,
    const struct tally_rings *rings);

#endif
