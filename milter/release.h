/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_RELEASE_H
#define POSTOAK_RELEASE_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "held.h"

/*
 * release - which held messages may go now. Called by verbs_release for
 * "postoak release", which looks after the MTA's queue: a plan, what of it is
 * still held there is counted and thereby granted, then let go, then forgotten.
 * Whoever dies in between, the next run goes on: what is granted is not counted
 * again, what is not was not let go. One caller at a time.
 */

#define RELEASE_MAX 500

struct release_entry {
	char id[HELD_ID_MAX];
	char account[ADDRESS_TEXT_MAX];
	int64_t held_s;
	int granted; /* counted before, not let go yet as far as we know */
	int fits;    /* 0: the first one that waits in its lane */
};

struct release_plan {
	struct release_entry entries[2 * RELEASE_MAX];
	size_t count;
	size_t going; /* of them that are granted or fit */
};

/* Who may go, in the order in which they go. Counts nothing. 0 or -1. */
int release_make(struct counters *counters, const struct config *config,
    struct release_plan *plan, struct err *err);

/*
 * Count the message now: 1, or it was before; 0: there is no budget for it, or
 * none of that id; -1 with *err. "blocked" is the first lane that had no budget
 * in this round, in which nobody is granted any more.
 */
struct release_round {
	char blocked[RELEASE_MAX][HELD_LANE_LEN + 1];
	size_t count;
};

int release_take(struct counters *counters, const struct config *config,
    struct release_round *round, const char *id, struct err *err);

/*
 * It is not in the hold queue: deleted, let go by an administrator, or not yet
 * there. Forgotten once it was long enough on its way. 1, 0 or -1.
 */
int release_gone(struct counters *counters, const char *id, struct err *err);

/* It was let go. 0 or -1. */
int release_done(struct counters *counters, const char *id, struct err *err);

#endif
