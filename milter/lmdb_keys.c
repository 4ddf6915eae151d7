/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_keys - see lmdb_keys.h.
 *
 * What is pending is written down first, so that a key which was counted
 * before the walk is in the file however long that takes; what the disk does
 * not take, and what has come since, is visited last.
 */
#include "lmdb_keys.h"

#include <stdio.h>
#include <string.h>

#define PART 512 /* keys looked at under the lock */

void
lmdb_keys_init(struct lmdb_keys *keys, struct counters_walk *walk,
    const char *tag, const char *unless)
{
	keys->walk = walk;
	keys->tag = tag;
	keys->unless = unless;
	keys->end = 0;
	(void)snprintf(
	    keys->from, sizeof(keys->from), "%s%s", tag, walk->prefix);
}

/* 0 if the file has a ring of that key; MDB_NOTFOUND. */
static int
find(struct lmdb_work *work, const char *tag, const char *key)
{
	char name[LMDB_WORK_KEY_MAX + 1];
	MDB_val bytes, data;

	(void)snprintf(name, sizeof(name), "%s%s", tag, key);
	bytes = lmdb_file_val(name, strlen(name));
	return mdb_get(work->txn, work->file->rings, &bytes, &data);
}

static int
begins_with(const char *key, const char *tag, const char *prefix)
{
	size_t len = strlen(tag);

	return strncmp(key, tag, len) == 0 &&
	       strncmp(key + len, prefix, strlen(prefix)) == 0;
}

int
lmdb_keys_next(struct lmdb_keys *keys, struct lmdb_work *work)
{
	struct counters_walk *walk = keys->walk;
	char key[LMDB_WORK_KEY_MAX + 1];
	struct limit_ring ring;
	int i, rc, full = 0;

	walk->count = 0; /* it is perhaps done again */
	strcpy(key, keys->from);
	for (i = 0; i < PART && !full && !counters_walk_is_over(walk); i++) {
		rc = lmdb_work_next(work, key, &ring);
		if (rc == MDB_NOTFOUND ||
		    (rc == 0 && !begins_with(key, keys->tag, walk->prefix))) {
			keys->end = 1;
			return 0;
		}
		if (rc == 0 && keys->unless != NULL) {
			rc = find(work, keys->unless, key + strlen(keys->tag));
			if (rc == 0)
				continue;
		}
		if (rc != 0 && rc != MDB_NOTFOUND)
			return rc;
		full = counters_walk_add(walk, key + strlen(keys->tag));
	}
	strcpy(keys->from, key);
	return 0;
}

/* --- a store -------------------------------------------------------------- */

struct part {
	struct lmdb_keys keys;
	size_t bucket; /* of what is pending */
};

static int
write_down(struct lmdb_store *store, void *with)
{
	struct lmdb_work work;
	int rc;

	(void)with;
	if (store->failing)
		return 0;
	rc = lmdb_work_begin(&work, &store->file, 0);
	return rc == 0 ? lmdb_work_commit(&work, 0) : rc;
}

static int
in_file(struct lmdb_store *store, void *with)
{
	struct part *part = with;
	struct lmdb_work work;
	int rc = lmdb_store_peek(store, &work);

	if (rc != 0)
		return rc;
	rc = lmdb_work_open(&work);
	if (rc == 0)
		rc = lmdb_keys_next(&part->keys, &work);
	lmdb_work_abort(&work);
	return rc;
}

/* One bucket's; of more than are visited at once the rest is left out. */
static int
in_bucket(struct lmdb_work *work, const struct pending_ring *ring,
    struct counters_walk *walk)
{
	int rc = MDB_NOTFOUND;

	for (; ring != NULL && rc == MDB_NOTFOUND; ring = ring->next) {
		if (!begins_with(ring->key, "", walk->prefix))
			continue;
		rc = find(work, "", ring->key);
		if (rc == MDB_NOTFOUND && counters_walk_add(walk, ring->key)) {
			walk->cut |= ring->next != NULL;
			return 0;
		}
		if (rc == 0)
			rc = MDB_NOTFOUND;
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
in_memory(struct lmdb_store *store, void *with)
{
	struct part *part = with;
	struct counters_walk *walk = part->keys.walk;
	struct lmdb_work work;
	size_t bucket = part->bucket;
	int rc = lmdb_store_peek(store, &work);

	if (rc != 0)
		return rc;
	walk->count = 0;
	rc = lmdb_work_open(&work);
	for (; rc == 0 && walk->count == 0 && bucket < PENDING_BUCKETS;
	     bucket++)
		rc = in_bucket(
		    &work, store->file.pending->buckets[bucket], walk);
	lmdb_work_abort(&work);
	if (rc == 0)
		part->bucket = bucket;
	return rc;
}

int
lmdb_keys_walk(
    struct lmdb_store *store, struct counters_walk *walk, struct err *err)
{
	struct part part = {.bucket = 0};
	int rc = 0;

	lmdb_keys_init(&part.keys, walk, "", NULL);
	(void)lmdb_store_change(store, write_down, NULL);
	while (!part.keys.end && !walk->cut) {
		rc = lmdb_store_read(store, in_file, &part);
		if (rc != 0)
			return rc;
		if (counters_walk_visit(walk, err) < 0)
			return -1;
	}
	while (part.bucket < PENDING_BUCKETS && !counters_walk_is_over(walk)) {
		rc = lmdb_store_read(store, in_memory, &part);
		if (rc != 0)
			return rc;
		if (counters_walk_visit(walk, err) < 0)
			return -1;
	}
	return 0;
}
