/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_JAIL_H
#define POSTOAK_JAIL_H

#include <stddef.h>
#include <sys/types.h>

/*
 * jail - try a Unix socket from where a program of the mail server stands: as
 * its user, and inside of its root directory. Called by check_jail.
 */

struct jail {
	const char *root; /* NULL: not chrooted */
	uid_t uid;
	gid_t gid;
};

/*
 * Connect to path (as seen from inside) and, if request is not NULL, send it
 * and read an answer of at most size - 1 bytes, ended by an empty line, into
 * answer. 0, or the errno of what failed; EIO if the trial itself could not be
 * made. timeout_ms bounds each step. Needs root.
 */
int jail_try(const struct jail *jail, const char *path, const char *request,
    char *answer, size_t size, int timeout_ms);

#endif
