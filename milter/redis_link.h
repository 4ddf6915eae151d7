/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REDIS_LINK_H
#define POSTOAK_REDIS_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "redis_tls.h"

/*
 * redis_link - one connection to a Redis server or a Sentinel, and the only
 * door to hiredis, of which the form of commands and the reader of answers are
 * used. Sending and receiving is done here, since hiredis has time-outs for
 * each read and write but none for the whole: a server that sends a byte now
 * and then would hold its caller for ever.
 *
 * until_ms is a time of clock_boot_ms.
 */

/* The code of an error that may be nothing but a busy machine. */
#define REDIS_LINK_LATE "late"

#define REDIS_LINK_ANSWER_MAX ((size_t)1 << 20)

struct redis_link;

struct redis_link_peer {
	const char *path; /* of a Unix socket, or NULL */
	const char *host, *port;
	struct redis_tls_context *tls; /* or NULL */
};

/* A command: its words, each a string. */
struct redis_words {
	struct buf text; /* each ends with a NUL */
	size_t count;
};

void redis_words_init(struct redis_words *words);
void redis_words_add(struct redis_words *words, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void redis_words_clear(struct redis_words *words);

/*
 * Connect. Looking up a name may take longer than until_ms. NULL with *err, of
 * kind ERR_TEMPORARY.
 */
struct redis_link *redis_link_open(
    const struct redis_link_peer *peer, int64_t until_ms, struct err *err);
void redis_link_close(struct redis_link *link);

/*
 * Send a command and wait for its answer, whose elements are appended to
 * *answer as lines. 0, or -1 with *err: an error the server answered has its
 * first word ("NOSCRIPT") for a code and the link is good for the next command;
 * after any other one it is redis_link_broken.
 */
int redis_link_call(struct redis_link *link, const struct redis_words *words,
    int64_t until_ms, struct buf *answer, struct err *err);

/*
 * What the server sends unasked after SUBSCRIBE: the next message, as the
 * answer of a call. 1, 0 if none is there (it does not wait), or -1 with *err.
 */
int redis_link_poll(
    struct redis_link *link, struct buf *answer, struct err *err);

int redis_link_broken(const struct redis_link *link);

#endif
