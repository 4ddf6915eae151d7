/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SECRETFILE_H
#define POSTOAK_SECRETFILE_H

#include <stdint.h>

#include "err.h"
#include "secret.h"

/*
 * secretfile - read a file that holds one secret, if nobody else can.
 *
 * Secrets are read when they are used and not kept: a new one counts at once,
 * and thousands of accounts cost no memory.
 */

#define SECRETFILE_MAX 16384

/*
 * The file's content, less one line end, into *secret. It must be a regular
 * file, no symbolic link, with one name (no hard link), with no rights for
 * group and others, owned by this user or root (read by root: also by the owner
 * of its directory). Else, and if it is empty, ERR_CONFIG: path, reason and
 * remedy.
 */
int secretfile_read(const char *path, struct secret *secret, struct err *err);

/*
 * As it is, every byte, any length up to the maximum; for keys. no_mode: the
 * service manager made it and set its rights.
 */
int secretfile_read_raw(
    const char *path, int no_mode, struct secret *secret, struct err *err);

/*
 * As secretfile_read, of a file that another program keeps up to date, such as
 * a token that Kubernetes projects: it may be a symbolic link, and who else may
 * read it is that program's affair.
 */
int secretfile_read_foreign(
    const char *path, struct secret *secret, struct err *err);

/* A number that changes when the file does; 0 if it is not there. */
uint64_t secretfile_stamp(const char *path);

#endif
