/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_BUF_H
#define POSTOAK_BUF_H

#include <stddef.h>

/*
 * buf - a growing byte buffer with a maximum set when it is made.
 *
 * Always NUL-terminated when data is not NULL. Memory that held data is wiped
 * before it is given back, because most buffers carry tokens at some time.
 * Safe inside the plugin: an allocation failure is an answer, never an exit.
 */

struct buf {
	char *data;    /* NULL until the first byte */
	size_t len;    /* bytes in use, without the closing NUL */
	size_t size;   /* bytes allocated */
	size_t max;    /* len never exceeds it */
	int truncated; /* an append did not fit or there was no memory */
};

/* Make an empty buffer that will never hold more than max bytes. */
void buf_init(struct buf *buf, size_t max);

/* Wipe and free; the buffer may be used again with the same maximum. */
void buf_clear(struct buf *buf);

/*
 * Append. 0, or -1 with errno EMSGSIZE or ENOMEM; then nothing was appended
 * and truncated is set, so that a row of appends can be checked once.
 */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_adds(struct buf *buf, const char *string);
int buf_addf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop the first len bytes (at most all), wiping what becomes unused. */
void buf_drop(struct buf *buf, size_t len);

/*
 * Make room for len more bytes and return where to write them, NULL with
 * errno as in buf_add. buf_commit then says how many were written.
 */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

/* Hand the NUL-terminated data to the caller (free it); buf is empty after. */
char *buf_take(struct buf *buf);

#endif
