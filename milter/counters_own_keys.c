/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_own_keys - see counters_own_keys.h.
 */
#include "counters_own_keys.h"

#include "counters_own.h"
#include "lmdb_keys.h"

static int
next(struct own_file *own, struct lmdb_work *work, void *with)
{
	(void)own;
	return lmdb_keys_next(with, work);
}

static int
walk_tag(struct own_file *own, struct lmdb_keys *keys, struct err *err)
{
	while (!keys->end && !keys->walk->cut)
		if (own_file_run(own, MDB_RDONLY, next, keys, err) < 0 ||
		    counters_walk_visit(keys->walk, err) < 0)
			return -1;
	return 0;
}

int
counters_own_keys(
    struct own_file *own, struct counters_walk *walk, struct err *err)
{
	struct lmdb_keys keys;

	lmdb_keys_init(&keys, walk, COUNTERS_OWN_ALL, NULL);
	if (walk_tag(own, &keys, err) < 0)
		return -1;
	lmdb_keys_init(&keys, walk, COUNTERS_OWN_OWN, COUNTERS_OWN_ALL);
	return walk_tag(own, &keys, err);
}
