/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_STORE_H
#define POSTOAK_STORE_H

#include "err.h"
#include "record.h"

/*
 * store - sealed records on disk, one file a credential.
 *
 * A file is named by the SHA-256 of kind and name, so no name is ever part of
 * a path. It begins with a header line (version and the key's id), the rest is
 * sealed with AES-256-GCM bound to header, kind and name. A save writes, syncs
 * and reads back a new file, keeps the old one as NAME.prev, renames, and syncs
 * the directory: whenever the host or the program dies, one good generation is
 * there. A file that cannot be opened is moved aside (NAME.damaged-TIME, or
 * NAME.key-ID when another key sealed it), never overwritten.
 */

struct store;

/*
 * Open or make the directory (its parent must be there), lock it against a
 * second daemon, remove left-over temporary files, read or make the seal key.
 * NULL with ERR_CONFIG.
 */
struct store *store_open(
    const char *directory, const char *key_path, struct err *err);
void store_close(struct store *store);

/* What store_open would meet, without changing anything. 0 or -1. */
int store_check(const char *directory, const char *key_path, struct err *err);

/*
 * Read a record. 1: *record is set (clear it), 0: there is none; record is
 * empty then. -1: the disk fails, ERR_TEMPORARY. A damaged or foreign file is
 * logged, moved aside, and the generation before it used.
 */
int store_load(struct store *store, const char *kind, const char *name,
    struct record *record, struct err *err);

/* Write a record. -1 with ERR_TEMPORARY: what was on disk still is. */
int store_save(struct store *store, const char *kind, const char *name,
    const struct record *record, struct err *err);

/*
 * Forget a refresh token in both generations; a refusal that stands beside it
 * is kept. -1 with ERR_TEMPORARY: some of it is still there.
 */
int store_forget(
    struct store *store, const char *kind, const char *name, struct err *err);

#endif
