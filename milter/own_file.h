/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_OWN_FILE_H
#define POSTOAK_OWN_FILE_H

#include <stdint.h>

#include "err.h"
#include "lmdb_work.h"

/*
 * own_file - the LMDB file behind counters_own: its transactions, which go by
 * the shared store's clock once that has been read, and this host's name.
 * Called by counters_shared, counters_keeper and counters_own; calls lmdb_work.
 */

#define OWN_FILE_NAME_MAX 33

struct own_file;

/* Open the file in directory, making both. NULL with ERR_CONFIG. */
struct own_file *own_file_open(const char *directory, struct err *err);
void own_file_close(struct own_file *own);

/* This host's name among those that share; made once and kept in the file. */
const char *own_file_name(const struct own_file *own);

/* The store's clock has been read: go by it from now on. */
void own_file_follow(struct own_file *own, int64_t now_ms);

/* The store's clock as it must be by now, 0 as long as it was never read. */
int64_t own_file_expected(struct own_file *own);

/* What is to be done in a transaction, perhaps twice; 0 or an error of LMDB. */
typedef int (*own_task)(
    struct own_file *own, struct lmdb_work *work, void *with);

/* Do it, with MDB_RDONLY or 0 in flags. 0, or -1 with ERR_TEMPORARY. */
int own_file_run(struct own_file *own, unsigned flags, own_task task,
    void *with, struct err *err);

/* Housekeeping, once a second or so. */
void own_file_tick(struct own_file *own);

#endif
