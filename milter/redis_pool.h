/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REDIS_POOL_H
#define POSTOAK_REDIS_POOL_H

#include <stdint.h>

#include "conf_counters.h"
#include "err.h"
#include "redis_link.h"

/*
 * redis_pool - the connections to the shared store: found (asking Sentinel if
 * need be), authenticated, lent out. Thread-safe but for redis_pool_connect,
 * which one thread calls, and which alone may wait.
 */

struct redis_pool;

/* The files may be NULL; all arguments are copied. */
struct redis_pool *redis_pool_new(const struct conf_counters *store,
    const char *password_file, const char *ca_file);
void redis_pool_free(struct redis_pool *pool);

/*
 * Make all connections anew, and one more, for the caller, in *extra. 0, or -1
 * with *err; then there are none.
 */
int redis_pool_connect(
    struct redis_pool *pool, struct redis_link **extra, struct err *err);

/* Close those nobody has, and the others when they are given back. */
void redis_pool_drop(struct redis_pool *pool);

/*
 * A connection for the caller alone; NULL if there is none until until_ms
 * (clock_boot_ms). redis_pool_give takes it back; a broken one is closed.
 */
struct redis_link *redis_pool_take(struct redis_pool *pool, int64_t until_ms);
void redis_pool_give(struct redis_pool *pool, struct redis_link *link);

#endif
