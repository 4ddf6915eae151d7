/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MARK_H
#define POSTOAK_MARK_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "counters.h"
#include "held.h"

/*
 * mark - accounts of which the provider itself says that their quota is used up
 * or that they are blocked, as notes beside the counters. Until a day has
 * passed since it last said so, one message an hour is let through; when that
 * one is sent, the mark goes. Thread-safe. Times are wall clock, handed in.
 */

#define MARK_TEXT_MAX 300

enum mark_kind { MARK_FULL, MARK_BLOCKED };

struct mark {
	char who[ADDRESS_TEXT_MAX];
	enum mark_kind kind;
	char text[MARK_TEXT_MAX]; /* what the provider said */
	int64_t since_s;
	int64_t until_s;
	int64_t probe_s;	    /* when the next message may try */
	char probe_id[HELD_ID_MAX]; /* the one that tries, or "" */
};

enum mark_answer { MARK_NONE, MARK_PROBES, MARK_WAITS };

/* Read what the process before knew. 0 or -1. */
int mark_open(struct counters *counters, struct err *err);

/* The provider said so. 1: the account is newly marked, 0: again; -1. */
int mark_set(struct counters *counters, const char *who, enum mark_kind kind,
    const char *text, int64_t now_s, struct err *err);

/*
 * May a message of the account go? MARK_PROBES: the one of that id may, as this
 * hour's try, and nobody else. *mark is filled in unless MARK_NONE. With id
 * NULL nothing is changed.
 */
enum mark_answer mark_ask(struct counters *counters, const char *who,
    const char *id, int64_t now_s, struct mark *mark);

/* The message did not go after all: another one may try. */
void mark_give_back(
    struct counters *counters, const char *who, const char *id, int64_t now_s);

/* A message was sent. 1 if it was the try of an account, whose mark is gone. */
int mark_sent(struct counters *counters, const char *id);

/* Forget the account's mark. 1 if it had one. */
int mark_clear(struct counters *counters, const char *who);

/* How many accounts are marked. */
size_t mark_count(int64_t now_s);

/* "full" or "blocked". */
const char *mark_kind_name(enum mark_kind kind);

#endif
