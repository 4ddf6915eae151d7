/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_SHARED_H
#define POSTOAK_COUNTERS_SHARED_H

#include "conf.h"
#include "counters_ops.h"

/*
 * counters_shared - the counters of several hosts, in Redis or Valkey, and of
 * this host alone while that is away. Called by counters; calls
 * counters_keeper, counters_redis, counters_own.
 *
 * A message is one call to the store, which has 30 ms. If it fails, or its
 * answer cannot be true, the store is away: this message and those after it are
 * decided here, until counters_keeper has brought it back.
 */

/* milter->counters names a shared store. NULL with *err as counters_open. */
struct counters *counters_shared_open(
    const struct conf_milter *milter, struct err *err);

#endif
