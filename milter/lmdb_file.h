/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LMDB_FILE_H
#define POSTOAK_LMDB_FILE_H

#include <lmdb.h>
#include <stddef.h>

#include "err.h"

/*
 * lmdb_file - the LMDB environment the counters are in: opened, checked, set
 * aside when it is damaged. Called by counters_lmdb only.
 */

struct lmdb_file {
	MDB_env *env;
	MDB_dbi rings;	 /* key to limit_ring */
	MDB_dbi clock;	 /* the time they are counted in */
	MDB_dbi seen[2]; /* messages counted lately */
};

/*
 * Open, creating what is missing but the directory. A damaged file is renamed
 * to *.damaged, with a line in the log. 0, or -1 with ERR_CONFIG.
 */
int lmdb_file_open(struct lmdb_file *file, const char *directory, size_t bytes,
    struct err *err);

/* Sync and close. */
void lmdb_file_close(struct lmdb_file *file);

#endif
