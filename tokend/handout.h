/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HANDOUT_H
#define POSTOAK_HANDOUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "err.h"
#include "secret.h"

/*
 * handout - a token on its way to those who asked, and the list of those who
 * still wait for one, each with a time limit of its own. Called by credential.
 */

struct handout {
	const struct secret *secret; /* valid during the call that gives it */
	const char *id;		     /* fingerprint */
	int64_t expires_in_s;
};

/* Exactly one of token and err is not NULL. */
typedef void handout_done(
    void *arg, const struct handout *token, const struct err *err);

struct handout_wait; /* somebody who waits */
LIST_HEAD(handout_waits, handout_wait);

/* Who waits too long is handed to over, which must call handout_end. */
typedef void handout_over(void *owner, struct handout_wait *wait);

/* strict: only a new token is an answer. */
struct handout_wait *handout_add(struct handout_waits *waits, int64_t wait_ms,
    int strict, handout_done *done, void *arg, handout_over *over, void *owner);

/* done is not called any more. NULL is allowed. */
void handout_cancel(struct handout_wait *wait);

int64_t handout_waited_ms(const struct handout_wait *wait);

/*
 * Answer one, or all: with the token if it is not NULL and good enough (fresh,
 * or who waits is not strict), else with err. Those who ask again meanwhile are
 * not part of the round.
 */
void handout_end(struct handout_wait *wait, const struct handout *token,
    int fresh, const struct err *err);
void handout_end_all(struct handout_waits *waits, const struct handout *token,
    int fresh, const struct err *err);

size_t handout_count(const struct handout_waits *waits);

#endif
