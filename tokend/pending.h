/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PENDING_H
#define POSTOAK_PENDING_H

#include "client.h"
#include "err.h"
#include "handout.h"

/*
 * pending - a request for a token that may have to wait for an exchange, on
 * either socket: it is answered once, or forgotten with its client. Called by
 * server and control.
 */

struct pending;

/* How the answer is put into words on this socket. */
struct pending_words {
	void (*token)(struct client *client, const char *user,
	    const struct handout *token);
	void (*failure)(struct client *client, const struct err *err);
};

struct pending *pending_new(
    struct client *client, const struct pending_words *words);

/* The handout_done of the request, with the pending as its arg. */
void pending_done(
    void *pending, const struct handout *token, const struct err *err);

/* Where to put the wait. */
struct handout_wait **pending_wait(struct pending *pending);

/*
 * What asking (account_ask and its kin) has returned: 1 waits, 0 answers with
 * token at once, -1 leaves the error to the caller. pending is taken. 0 or -1.
 */
int pending_settle(struct pending *pending, int rc, const char *user,
    const struct handout *token);

#endif
