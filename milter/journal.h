/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_JOURNAL_H
#define POSTOAK_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * journal - records appended to a file by one write(2) each, so that they are
 * there after kill -9. Each belongs to a generation; a new one begins at the
 * start of the file again, and what is left of those before is not read any
 * more. Only one process has a journal open. Called by tally.
 *
 * What the disk does not take is kept in memory, up to a bound, and is as good
 * as the rest for everybody but kill -9.
 */

#define JOURNAL_RECORD_MAX 16384	      /* bytes */
#define JOURNAL_UNSAVED_MAX (4 * 1024 * 1024) /* bytes of them in memory */

struct journal {
	int fd;
	char *path;
	uint64_t generation;
	int64_t end; /* where the next record goes */
	struct buf unsaved;
	int failed;	   /* why the file did not take the last one, or 0 */
	int64_t failed_at; /* where that would have ended */
};

/*
 * Open or make "journal" in the directory. 0, EAGAIN if another process has it
 * open, or another errno.
 */
int journal_open(struct journal *journal, const char *directory);
void journal_close(struct journal *journal);

/* Forget the records: the next ones are of this generation. */
void journal_begin(struct journal *journal, uint64_t generation);

/*
 * Append, to the file or (journal->failed says why) in memory. 0, EMSGSIZE, or
 * ENOBUFS when memory is full too: then nothing was.
 */
int journal_add(struct journal *journal, const void *data, size_t len);

/* 0 if the file takes again what it did not take last, or an errno. */
int journal_probe(struct journal *journal);

/*
 * Hand each record of the generation to "each", in order, until it returns
 * other than 0; further records go after them. What is damaged is passed over,
 * with one line in the log that says where. Returns what "each" returned, 0, or
 * an errno. A last record that is not whole was never answered for.
 */
typedef int (*journal_each)(const void *data, size_t len, void *arg);
int journal_replay(
    struct journal *journal, uint64_t generation, journal_each each, void *arg);

#endif
