/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_REDIS_H
#define POSTOAK_COUNTERS_REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "counters_ops.h"
#include "counters_script.h"
#include "limit.h"

/*
 * counters_redis - the calls of counters.lua: what is asked, and whether the
 * answer can be true. Called by counters_shared; calls counters_script.
 *
 * Each is one round trip (two when the server does not know the script yet).
 * 0, or -1 with *err, after which nothing of the answer is to be used; an
 * answer that cannot be true is such an error, too.
 */

#define COUNTERS_REDIS_PUSH_MAX 32 /* limits in one push */

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
int counters_redis_reserve(struct counters_script_call *call, const char *id,
    struct counters_item *items, size_t count, int always, int *granted,
    struct err *err);

/*
 * Take back what counters_redis_reserve counted with these items. *known is 0
 * if the store does not know the message (any more): nothing was done.
 */
int counters_redis_take_back(struct counters_script_call *call, const char *id,
    const struct counters_item *items, size_t count, int *known,
    struct err *err);

/* Fill in what counters_read does, if the store is not young. */
int counters_redis_look(struct counters_script_call *call,
    struct counters_item *items, size_t count, struct err *err);

/* Forget the items' limits. Not while the store is young. */
int counters_redis_reset(struct counters_script_call *call,
    const struct counters_item *items, size_t count, struct err *err);

/* Give back what the store has less of than this host. */
int counters_redis_push(struct counters_script_call *call,
    struct counters_redis_part *parts, size_t count, struct err *err);

/*
 * Say that this host begins to push all it has; "known" are hosts it has heard
 * of, a line each. Then that it has; *hosts becomes all there are now, after a
 * first line that names the server.
 */
int counters_redis_hello(
    struct counters_script_call *call, const char *known, struct err *err);
int counters_redis_done(
    struct counters_script_call *call, struct buf *hosts, struct err *err);

/*
 * Cheaper than a script: whether the store still is the server named in "run"
 * and knows this host. -1 with *err if not.
 */
int counters_redis_check(
    struct counters_script_call *call, const char *run, struct err *err);

#endif
