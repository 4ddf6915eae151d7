/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DECIDE_H
#define POSTOAK_DECIDE_H

#include "budget.h"
#include "counters.h"
#include "message.h"
#include "reply.h"
#include "rewrite.h"

/*
 * decide - what becomes of a message: whose mail is it, is the sender allowed
 * or rewritten, is there budget. Called by session; calls route, rewrite,
 * limits, counters. Only the counters do I/O.
 */

/* What is to be done, and what the log says. */
struct verdict {
	struct reply reply; /* code NULL: carry out the edits and accept */
	struct rewrite_result rewrite;
	/* Recipients about whom nobody is to be told, NUL-terminated (a notice
	 * that got a sender: its own failure must not make the next one). */
	const struct buf *quiet;
	const char *action; /* "passed", "rewritten", "limited", "refused",
			     * "held", "discarded", "failed" */
	const struct config_account *account; /* NULL: nobody's */
	char who[ADDRESS_TEXT_MAX];	      /* the account, or its mailbox */
	const char *by;			      /* how it was chosen */
	int held; /* accept it into the hold queue; reason says why */
	char reason[REPLY_TEXT_MAX]; /* for the log; "" if all is well */
	struct budget_receipt receipt;
};

/*
 * Decide, and count against the limits, which decide_undo takes back. "id"
 * names the message at its MTA, "" if it has no name. *verdict borrows from
 * message; decide_clear frees the rest.
 */
void decide_message(const struct message *message, struct counters *counters,
    const char *id, struct verdict *verdict);
void decide_clear(struct verdict *verdict);

/*
 * The MTA did not take the message after all: nothing is counted for it, and if
 * it was to be held it is not waited for. With counters NULL that is only noted
 * in *verdict.
 */
void decide_undo(
    struct verdict *verdict, struct counters *counters, const char *id);

/*
 * At MAIL: 1 and *reply if the declared size is more than the account may
 * send (as far as it is known by then), else 0.
 */
int decide_too_large(const struct message *message, struct reply *reply);

#endif
