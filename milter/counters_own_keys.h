/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_OWN_KEYS_H
#define POSTOAK_COUNTERS_OWN_KEYS_H

#include "counters_walk.h"
#include "own_file.h"

/*
 * counters_own_keys - the keys of a limit that this host knows of: what it
 * counted, and what it heard that others did. Called by counters_shared_keys;
 * calls lmdb_keys. counters_walk, of what is here. 0 or -1.
 */
int counters_own_keys(
    struct own_file *own, struct counters_walk *walk, struct err *err);

#endif
