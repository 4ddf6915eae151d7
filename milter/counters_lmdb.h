/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_LMDB_H
#define POSTOAK_COUNTERS_LMDB_H

#include <stddef.h>

#include "counters_ops.h"

/*
 * counters_lmdb - the counters of one host, and the only door to LMDB.
 *
 * One environment, opened once, by one process or several. A message is one
 * write transaction. Transactions are not synced one by one but by
 * counters_tick: a killed process loses nothing, a machine that loses power at
 * most the last second. A damaged file is set aside (*.damaged), which is said
 * in the log, and a new one begun.
 */

/* The most the file may grow to; it takes what it needs. */
#define COUNTERS_LMDB_BYTES ((size_t)1 << 30)

/* Open, creating files but not the directory. NULL with *err as documented in
 * counters_open. */
struct counters *counters_lmdb_open(
    const char *directory, size_t bytes, struct err *err);

#endif
