/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_SHARED_KEYS_H
#define POSTOAK_COUNTERS_SHARED_KEYS_H

#include "counters_state.h"
#include "counters_walk.h"

/*
 * counters_shared_keys - the keys of a limit in the shared store, by SCAN: a
 * thousand keys of the database a call, so that no message waits. Called by
 * counters_shared; calls counters_redis_keys and counters_own_keys.
 *
 * counters_walk; unless walk->shared, what this host knows if the store is away
 * or does not let us look, which is said in the log. 0 or -1.
 */
int counters_shared_keys(
    struct counters_state *keeper, struct counters_walk *walk, struct err *err);

#endif
