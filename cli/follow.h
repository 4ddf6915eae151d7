/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_FOLLOW_H
#define POSTOAK_FOLLOW_H

#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/*
 * follow - the lines that are added to a log file, through rotation (renamed,
 * a new one made) and truncation (copied and emptied). Called by watch.
 */

struct follow {
	const char *path;
	int fd; /* -1: not there at the moment */
	dev_t dev;
	ino_t ino;
	off_t at;
	off_t line_at;	 /* where the line begins that is read */
	struct buf line; /* one that has no end yet */
	int too_long;	 /* it is left out */
};

typedef void (*follow_line)(void *arg, const char *line);

/* From the end of the file on. It need not be there yet. 0, or -1 with
 * ERR_CONFIG if it may not be read. */
int follow_open(struct follow *follow, const char *path, struct err *err);

/*
 * Where the next line begins, or the one that is being handed over, as a text
 * without line feeds for follow_resume; size 64 is enough.
 */
void follow_place(const struct follow *follow, char *text, size_t size);

/*
 * Right after follow_open: go on at a place instead. If that file was rotated
 * (it is looked for in its directory), what is left of it comes first; if it is
 * gone, the file that is there now is read from its beginning. A text that is
 * none changes nothing.
 */
void follow_resume(struct follow *follow, const char *text);

/*
 * Hand over the lines that were added since the last call. One that is longer
 * than 64 KiB is left out.
 */
void follow_read(struct follow *follow, follow_line line, void *arg);

void follow_close(struct follow *follow);

#endif
