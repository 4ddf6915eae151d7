/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LMDB_KEYS_H
#define POSTOAK_LMDB_KEYS_H

#include "counters_walk.h"
#include "lmdb_store.h"

/*
 * lmdb_keys - the keys of a limit in an LMDB file of counters, a part at a time
 * so that no message waits long for the lock. Called by counters_lmdb and
 * counters_own_keys; calls lmdb_store, lmdb_work.
 */

/* Where the next part begins. */
struct lmdb_keys {
	struct counters_walk *walk;
	const char *tag;    /* before each key, "" or "own|" */
	const char *unless; /* a tag that keys visited already have, or NULL */
	char from[LMDB_WORK_KEY_MAX + 1];
	int end; /* set */
};

void lmdb_keys_init(struct lmdb_keys *keys, struct counters_walk *walk,
    const char *tag, const char *unless);

/*
 * Add keys of the file behind keys->from to the walk, which is empty, as far
 * as one part goes. 0 or an error of LMDB, nothing changed.
 */
int lmdb_keys_next(struct lmdb_keys *keys, struct lmdb_work *work);

/* The whole walk, over what is pending as well. 0, an error of LMDB or an
 * errno; -1 with *err if the visit failed. */
int lmdb_keys_walk(
    struct lmdb_store *store, struct counters_walk *walk, struct err *err);

#endif
