/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NOTES_LMDB_H
#define POSTOAK_NOTES_LMDB_H

#include "counters_ops.h"
#include "lmdb_file.h"

/*
 * notes_lmdb - the notes kept beside the counters, within a transaction of the
 * caller's. Called by counters_lmdb. All return 0 or an error of LMDB.
 */

/* Write or, where data is NULL, remove. */
int notes_lmdb_write(struct lmdb_file *file, MDB_txn *txn,
    const struct counters_note *notes, size_t count);

/* 0 if a note's key begins with prefix, else MDB_NOTFOUND. */
int notes_lmdb_any(struct lmdb_file *file, MDB_txn *txn, const char *prefix);

/* The note of that key, or the first one after it; else MDB_NOTFOUND. */
int notes_lmdb_get(struct lmdb_file *file, MDB_txn *txn, const char *key,
    int after, struct counters_kept *kept);

#endif
