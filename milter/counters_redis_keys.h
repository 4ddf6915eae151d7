/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_REDIS_KEYS_H
#define POSTOAK_COUNTERS_REDIS_KEYS_H

#include "counters_walk.h"
#include "redis_link.h"

/*
 * counters_redis_keys - one SCAN for keys of a limit. Called by
 * counters_shared_keys; calls redis_link.
 */

#define COUNTERS_REDIS_CURSOR_MAX 24 /* 64 bits in decimal digits */

/*
 * Go on from cursor ("0" at first), which becomes where the next call goes on,
 * "0" at the end. *keys, which the caller clears in any case, becomes those
 * found, a line each, as the server has them; perhaps none. It may name a key
 * twice. 0, or -1 with *err.
 */
int counters_redis_keys(struct redis_link *link, int64_t until_ms,
    const struct counters_walk *walk, char cursor[COUNTERS_REDIS_CURSOR_MAX],
    struct buf *keys, struct err *err);

/* The counter's key in a line; "" if it is none. */
const char *counters_redis_key_of(const char *line);

#endif
