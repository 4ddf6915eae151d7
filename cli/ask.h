/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ASK_H
#define POSTOAK_ASK_H

#include "buf.h"
#include "err.h"
#include "json.h"

/*
 * ask - one request to a daemon's control socket (common/PROTOCOL, section 2).
 */

#define ASK_SHORT_MS 5000
#define ASK_LONG_MS                                                            \
	120000 /* an exchange with the provider may be waited for              \
		*/

enum ask_whom { ASK_TOKEND, ASK_MILTER };

/*
 * Ask and wait for the answer, for timeout_ms at most. account may be NULL, and
 * err where only the answer counts.
 * The answer with status ok (json_free it), or NULL with *err: the daemon's own
 * error as it made it, or ours with a remedy and one of the codes
 *   unreachable  nobody answers on path (ERR_TEMPORARY)
 *   denied       this user may not ask (ERR_DENIED)
 *   silent       no answer in time (ERR_TEMPORARY)
 *   answer       what came is no answer (ERR_PROTOCOL)
 */
struct json *ask(enum ask_whom whom, const char *path, const char *verb,
    const char *account, int timeout_ms, struct err *err);

/* The same in two steps, for a request with members of its own, which is taken.
 */
struct json *ask_new(const char *verb, const char *account);
struct json *ask_send(enum ask_whom whom, const char *path,
    struct json *question, int timeout_ms, struct err *err);

/* A request whose answer comes in several lines. */
struct ask_talk {
	enum ask_whom whom;
	int fd; /* to be polled for reading */
	struct buf in;
};

/* Ask; the question is taken. 0, or -1 with *err as from ask. */
int ask_open(struct ask_talk *talk, enum ask_whom whom, const char *path,
    struct json *question, struct err *err);

/* Read what has come. 0, or -1: the daemon has gone. */
int ask_more(struct ask_talk *talk, struct err *err);

/*
 * The next whole line. 1: *line is one of status progress or ok, to be freed.
 * 0: there is none yet. -1: the daemon's error.
 */
int ask_next(struct ask_talk *talk, struct json **line, struct err *err);

/* Hang up: the daemon gives up what has no answer yet. */
void ask_close(struct ask_talk *talk);

/* The exit code for an error of ask: EX_UNAVAILABLE when nobody answers, else
 * by the error's kind. */
int ask_exit_code(const struct err *err);

#endif
