/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_WRITE_H
#define POSTOAK_CONF_WRITE_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * conf_write - the configuration and files of secrets put on disk by the tool:
 * whole or not at all, with the owner and rights they must have.
 */

/* The text of a file appended to *text; nothing if there is none. 0, or -1 with
 * *err. */
int conf_write_read(const char *path, struct buf *text, struct err *err);

/*
 * Replace the file: written beside it, synced, renamed, the directory synced.
 * Owner and mode stay those of the file there was; a new one is ours, mode
 * 0644. A symbolic link stays one, what it leads to is replaced; one that
 * neither root nor we made is refused. The directory is made (0755) if need be.
 * 0, or -1 with *err; then the file is as it was.
 */
int conf_write_file(
    const char *path, const char *data, size_t len, struct err *err);

/*
 * The same for a secret: mode 0600, and owner and group are those of the
 * directory, which tokend reads it in. A directory that is not there is made,
 * 0700, for the user postoak, or for ours where there is no such user.
 */
int conf_write_secret(
    const char *path, const char *data, size_t len, struct err *err);

#endif
