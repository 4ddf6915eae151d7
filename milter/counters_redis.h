/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_REDIS_H
#define POSTOAK_COUNTERS_REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "counters_ops.h"
#include "limit.h"
#include "redis_link.h"

/*
 * counters_redis - the calls of counters.lua: what is asked, and whether the
 * answer can be true. Called by counters_shared.
 *
 * Each is one round trip (two when the server does not know the script yet).
 * 0, or -1 with *err, after which nothing of the answer is to be used; an
 * answer that cannot be true is such an error, too.
 */

/* All keys have one hash tag, so that they are on one node of a cluster. */
#define COUNTERS_REDIS_TAG "{postoak}:"
#define COUNTERS_REDIS_STATE COUNTERS_REDIS_TAG "state" /* and the channel */
#define COUNTERS_REDIS_PUSH_MAX 32			/* limits in one push */

struct counters_redis_call {
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

/* What one host counted against one limit. */
struct counters_redis_part {
	char key[COUNTERS_KEY_MAX];
	struct limit_ring ring;
	uint64_t total; /* set: of all hosts */
};

/*
 * Count a message: counters_reserve. *granted is 0, 1, or 2: it was counted
 * before. Nothing is said, and nothing counted, while the store is young.
 */
int counters_redis_reserve(struct counters_redis_call *call, const char *id,
    struct counters_item *items, size_t count, int always, int *granted,
    struct err *err);

/* Fill in what counters_read does, if the store is not young. */
int counters_redis_look(struct counters_redis_call *call,
    struct counters_item *items, size_t count, struct err *err);

/* Forget the items' limits. Not while the store is young. */
int counters_redis_reset(struct counters_redis_call *call,
    const struct counters_item *items, size_t count, struct err *err);

/* Give back what the store has less of than this host. */
int counters_redis_push(struct counters_redis_call *call,
    struct counters_redis_part *parts, size_t count, struct err *err);

/*
 * Say that this host begins to push all it has; "known" are hosts it has heard
 * of, a line each. Then that it has; *hosts becomes all there are now, after a
 * first line that names the server.
 */
int counters_redis_hello(
    struct counters_redis_call *call, const char *known, struct err *err);
int counters_redis_done(
    struct counters_redis_call *call, struct buf *hosts, struct err *err);

/*
 * Cheaper than a script: whether the store still is the server named in "run"
 * and knows this host. -1 with *err if not.
 */
int counters_redis_check(
    struct counters_redis_call *call, const char *run, struct err *err);

#endif
