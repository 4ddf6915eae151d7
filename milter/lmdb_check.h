/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LMDB_CHECK_H
#define POSTOAK_LMDB_CHECK_H

#include <stddef.h>

/*
 * lmdb_check - whether an LMDB file can be worked with. LMDB has no checksums:
 * pages that the loss of power left empty, or that a disk spoilt, end the
 * process that reads them, and the one started in its place. Called by
 * lmdb_file before it opens one.
 */

/*
 * Read all of the environment in directory, and write all without committing,
 * in a process of its own. 0, or MDB_CORRUPTED if that did not outlive it, or
 * found damage. What else goes wrong is 0: whoever opens the file finds it too.
 * No thread has been started and the environment is not open.
 */
int lmdb_check(const char *directory, size_t bytes);

#endif
