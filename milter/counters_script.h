/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_SCRIPT_H
#define POSTOAK_COUNTERS_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "counters_ops.h"
#include "redis_link.h"

/*
 * counters_script - one call of counters.lua: its words, and the first line of
 * its answer. Called by counters_redis; calls redis_link.
 */

/* All keys have one hash tag, so that they are on one node of a cluster. */
#define COUNTERS_SCRIPT_TAG "{postoak}:"
#define COUNTERS_SCRIPT_STATE                                                  \
	COUNTERS_SCRIPT_TAG "state" /* and the channel                         \
				     */

struct counters_script_call {
	struct redis_link *link;
	int64_t until_ms;    /* of clock_boot_ms */
	const char *host;    /* this one's name */
	int64_t expected_ms; /* of the store's clock, 0: not known */
	/* set: */
	int young;	/* the store may lack what some hosts counted */
	int64_t now_ms; /* its clock */
	/* of each item, the bucket up to which it was forgotten (reset) */
	int64_t resets[COUNTERS_ITEMS_MAX];
};

/* The words: begin, with the state as first of key_count keys, the other keys,
 * the verb, and what it takes. */
void counters_script_begin(struct redis_words *words, const char *by,
    const char *body, size_t key_count);
void counters_script_key(struct redis_words *words, const char *key);
void counters_script_verb(struct redis_words *words,
    const struct counters_script_call *call, const char *verb);

/*
 * Call, by the script's name, and with its text if the server does not know
 * it; fill makes the words. 0, with the answer in *answer (to be cleared by the
 * caller in any case), the first line's number in *result and the rest at
 * *text; -1 with *err.
 */
typedef void (*counters_script_fill)(struct redis_words *words,
    const void *with, const struct counters_script_call *call, const char *by,
    const char *body);
int counters_script_run(struct counters_script_call *call,
    counters_script_fill fill, const void *with, struct buf *answer,
    const char **text, int64_t *result, struct err *err);

/* An answer that cannot be true; -1. */
int counters_script_absurd(struct counters_script_call *call, struct err *err);

/*
 * Of the answer at *text, which moves behind it: a number (a blank, a line's
 * end or the end follow), a blank, the end of a line. 0, or -1 for another
 * thing.
 */
int counters_script_number(const char **text, int64_t *number);
int counters_script_blank(const char **text);
int counters_script_line_end(const char **text);

#endif
