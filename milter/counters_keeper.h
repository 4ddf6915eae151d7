/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_KEEPER_H
#define POSTOAK_COUNTERS_KEEPER_H

#include "counters_state.h"

/*
 * counters_keeper - the thread that connects to the shared store, gives back
 * what the store may lack, and looks after it; everything that may wait.
 * Called by counters_shared; calls redis_pool, counters_redis, counters_own and
 * counters_state.
 *
 * The store comes back in this order: connect; say hello; push all that this
 * host counted; wait until all other hosts have done so, if the store is
 * another server than before or has forgotten everything (it is young then, for
 * at most five seconds); push once more what was counted here meanwhile, with
 * nobody counting. Only then messages are counted there again. So whatever the
 * store lost, and whatever was counted without it, is in it before it decides.
 */

/*
 * Start, with own, pool, store and share set and the rest zero; returns when
 * the store serves or the first attempt failed, within about a second. -1 with
 * *err if there can be no thread.
 */
int counters_keeper_start(struct counters_state *keeper, struct err *err);
void counters_keeper_stop(struct counters_state *keeper);

#endif
