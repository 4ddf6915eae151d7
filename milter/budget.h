/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_BUDGET_H
#define POSTOAK_BUDGET_H

#include "conf.h"
#include "counters.h"
#include "limits.h"
#include "reply.h"

/*
 * budget - count a message against the limits of its account, or do what
 * on_limit says. Called by decide; calls limits, held, counters.
 */

struct budget_message {
	const struct conf_account *account;
	const struct limits_message *counted;
	const char *queue_id; /* "": none */
	const char *id;	      /* for counters_reserve, or NULL */
	int can_hold;	      /* the MTA has a hold queue */
	long long release_within_s;
};

enum budget_answer {
	BUDGET_GRANTED, /* counted; with a reason if only observed */
	BUDGET_HELD,	/* noted as held; reason says why */
	BUDGET_OVER,	/* *reply */
	BUDGET_FAILED,	/* *reply: the store failed */
};

/* What was counted, to be given back should the message not be taken. */
struct budget_receipt {
	char id[COUNTERS_ID_MAX];
	struct counters_item *items; /* owned; NULL: nothing */
	size_t count;
};

/* *receipt is overwritten; budget_receipt_clear frees what is in it. */
enum budget_answer budget_take(struct counters *counters,
    const struct budget_message *message, struct reply *reply,
    char reason[REPLY_TEXT_MAX], struct budget_receipt *receipt);

/*
 * The message was not taken: nothing is counted for it, and if it was its
 * account's hourly try another one may try. What cannot be done is logged, and
 * it stays counted.
 */
void budget_give_back(struct counters *counters, struct budget_receipt *receipt,
    const char *who, const char *queue_id);
void budget_receipt_clear(struct budget_receipt *receipt);

#endif
