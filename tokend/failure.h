/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_FAILURE_H
#define POSTOAK_FAILURE_H

#include <stdint.h>

#include "err.h"
#include "grant.h"
#include "record.h"

/*
 * failure - why a credential has no new token, and when it may be tried again.
 * Called by credential. Allocated while something is wrong: most are well.
 */

struct failure {
	struct err err;
	int64_t at_s;	       /* wall clock */
	int64_t since_s;       /* of the first one in a row, wall clock */
	int64_t retry_ms;      /* boot clock */
	unsigned int attempts; /* in a row */
	/* Not NOTHING: latched, until what was refused is something else. */
	enum record_refused refused;
	char refused_id[CRYPTO_HEX_LEN];
	uint64_t stamp; /* of the files when they were last looked at */
};

/*
 * Take in what an exchange ended with; *failure is made if it is NULL. local:
 * nothing was sent, so trying again costs nobody anything.
 */
void failure_take(struct failure **failure, const struct grant_order *order,
    const struct grant_failure *given, int local, uint32_t random);

/* From the store: what was refused before a restart stays refused. */
struct failure *failure_restore(const struct record *record);

/* What waited for a person before a restart; who asks makes it tried anew. */
struct failure *failure_recall(const struct err *err, int64_t at_s);

/* The answer for who asks now; retry_ms is set if it is tried by itself. */
void failure_explain(const struct failure *failure, struct err *err);

/*
 * Read the files if they look changed, and unlatch if what was refused has
 * changed. failure may be NULL.
 */
void failure_look(struct failure *failure, const struct grant_order *order);

/* An administrator says so: as if it had never been tried. */
void failure_forgive(struct failure *failure);

#endif
