/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_STOREDIR_H
#define POSTOAK_STOREDIR_H

#include <stddef.h>

#include "err.h"

/*
 * storedir - the directory of the token store: rights, left-overs. Called by
 * store. Errors are ERR_CONFIG with path and remedy.
 */

#define STOREDIR_TEMP "tmp." /* begins the names of files being written */

/*
 * Its descriptor, if it is a directory itself and no symbolic link, and nobody
 * else has rights on it; or -1.
 */
int storedir_open(const char *path, struct err *err);

/*
 * 0 if nobody else owns a file in it, has rights on one, or keeps a hard link
 * to one elsewhere. What is no regular file is left to store_load.
 */
int storedir_inspect(int store, const char *path, struct err *err);

/* 0 if path could be made: its parent is there. */
int storedir_check_parent(const char *path, struct err *err);

/* Remove what a process that died left; returns the number of other files. */
size_t storedir_sweep(int store);

#endif
