/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_UNSAVED_H
#define POSTOAK_UNSAVED_H

#include <stdint.h>

#include "err.h"
#include "grant.h"
#include "record.h"
#include "store.h"

/*
 * unsaved - a record the disk would not take (it was full, say), kept in memory
 * and tried again. What was on disk before is still there. Called by
 * credential.
 */

struct unsaved {
	struct record record;
	struct err why;
	int64_t retry_ms; /* boot clock */
};

/* After an exchange: *unsaved is made, replaced or freed as token says. */
void unsaved_take(struct unsaved **unsaved, const struct grant_order *order,
    struct grant_token *token);

/*
 * After one that failed: what was refused is kept in memory, too, if the disk
 * did not take it; if it did, the disk is up to date.
 */
void unsaved_refused(struct unsaved **unsaved, const struct grant_order *order,
    const struct grant_failure *failure);

/* Try now; *unsaved is freed when it worked. */
void unsaved_retry(struct unsaved **unsaved, const struct grant_order *order,
    struct store *store);

void unsaved_forget(struct unsaved **unsaved);

#endif
