/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_JOURNAL_H
#define POSTOAK_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * journal - records appended to a file by one write(2) each, so that they are
 * there after kill -9. Each belongs to a generation; a new one begins at the
 * start of the file again, and what is left of those before is not read any
 * more. Only one process has a journal open. Called by counters_lmdb.
 */

#define JOURNAL_RECORD_MAX 16384 /* bytes */

struct journal {
	int fd;
	uint64_t generation;
	int64_t end; /* where the next record goes */
};

/*
 * Open or make "journal" in the directory. 0, EAGAIN if another process has it
 * open, or another errno.
 */
int journal_open(struct journal *journal, const char *directory);
void journal_close(struct journal *journal);

/* Forget the records: the next ones are of this generation. */
void journal_begin(struct journal *journal, uint64_t generation);

/* Append. 0, or an errno: then nothing was. */
int journal_add(struct journal *journal, const void *data, size_t len);

/*
 * Hand each record of the generation to "each", in order, until it returns
 * other than 0; further records go after them. Returns what it returned, 0, or
 * an errno. A last record that is not whole was never answered for.
 */
typedef int (*journal_each)(const void *data, size_t len, void *arg);
int journal_replay(
    struct journal *journal, uint64_t generation, journal_each each, void *arg);

#endif
