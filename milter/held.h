/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HELD_H
#define POSTOAK_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "counters.h"
#include "limits.h"
#include "message.h"
#include "reply.h"

/*
 * held - the messages that wait in the MTA's hold queue until there is budget
 * for them, as notes beside the counters. Only what is noted here is ever let
 * go: what an administrator holds is his. Thread-safe.
 *
 * Messages with the same limits stand in one lane, first in, first out; a new
 * one does not overtake those that wait in its lane.
 */

#define HELD_ID_MAX 64
/* What "held|", who, lane and '|' make of a key. */
#define HELD_LANE_LEN (5 + 16 + 1 + 16 + 1)

struct held {
	char key[COUNTERS_NOTE_KEY_MAX];
	char id[HELD_ID_MAX];		/* at the MTA */
	char account[ADDRESS_TEXT_MAX]; /* its name in the configuration */
	char who[ADDRESS_TEXT_MAX];	/* account, or mailbox of a domain */
	char login[MESSAGE_LOGIN_MAX];
	char client[64];
	char sender[MESSAGE_SENDER_MAX];
	char reason[REPLY_TEXT_MAX];
	uint64_t recipients;
	uint64_t external_recipients;
	uint64_t bytes;
	int64_t held_s; /* wall clock */
	int64_t due_s;	/* when it may fit, as far as was known then */
	int granted;	/* counted, and about to be let go */
};

/* Fit for a note: the record and the look-up by queue id. */
struct held_notes {
	unsigned char data[COUNTERS_NOTE_MAX];
	char id_key[COUNTERS_NOTE_KEY_MAX];
	struct counters_note notes[2];
};

/* Go on where the process before stopped. 0, or -1 with *err. */
int held_open(struct counters *counters, struct err *err);

/*
 * A release runs now: messages are held for some time. Returns -1 with *err if
 * that could not be noted for the next process.
 */
int held_ran(struct counters *counters, struct err *err);

/* 1 if a release has run in the last within_s seconds. */
int held_is_served(long long within_s);

/* Seconds since a release ran, -1 if none ever did. */
long long held_ran_ago(void);

/* Fill in what limits count of it, and the reverse (borrowed). */
void held_fill(struct held *held, const char *id, const char *account,
    const struct limits_message *message);
void held_message(const struct held *held, struct limits_message *message);

/* The lane of a message with these items: HELD_LANE_LEN bytes and a NUL. */
void held_lane(char lane[COUNTERS_NOTE_KEY_MAX], const char *who,
    const struct counters_item *items, size_t count);

/* Give it the next place in its lane. */
void held_place(struct held *held, const char *lane);

/* What is to be written to keep it. 0, or -1 if it is too large. */
int held_encode(const struct held *held, struct held_notes *out);

/* The message behind that key ("held|" before the first one), in the order of
 * lanes. 1, 0 after the last one, -1. */
int held_next(struct counters *counters, const char *key, struct held *held,
    struct err *err);

/* The message of that queue id. 1, 0 or -1. */
int held_find(struct counters *counters, const char *id, struct held *held,
    struct err *err);

/* Forget it. 0 or -1. */
int held_drop(
    struct counters *counters, const struct held *held, struct err *err);

#endif
