/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_own - see counters_own.h.
 */
#include "counters_own.h"

#include <stdio.h>
#include <string.h>

#include "lmdb_work.h"
#include "own_file.h"
#include "pending.h"

#define OWN COUNTERS_OWN_OWN
#define OUT COUNTERS_OWN_OUT
#define ALL COUNTERS_OWN_ALL
#define TAG_LEN 4

/* While the store is away nobody knows when there is more to give. */
#define WAIT_MS (60 * 1000)
#define DOUBTS_MS 1000

static void
tagged(char out[LMDB_WORK_KEY_MAX + 1], const char *tag, const char *key)
{
	(void)snprintf(out, LMDB_WORK_KEY_MAX + 1, "%s%s", tag, key);
}

/* --- one ring ------------------------------------------------------------- */

static int
get(struct lmdb_work *work, const char *tag, const struct counters_item *item,
    struct limit_ring *ring)
{
	char key[LMDB_WORK_KEY_MAX + 1];

	tagged(key, tag, item->key);
	return lmdb_work_get(work, key, item->window_ms, ring);
}

static int
add(struct lmdb_work *work, const char *tag, const struct counters_item *item,
    int64_t now_ms)
{
	char key[LMDB_WORK_KEY_MAX + 1];
	struct limit_ring ring;
	int rc;

	tagged(key, tag, item->key);
	rc = lmdb_work_get(work, key, item->window_ms, &ring);
	if (rc != 0)
		return rc;
	limit_add(&ring, now_ms, item->amount);
	return lmdb_work_put(work, key, &ring);
}

/* --- beside the store ----------------------------------------------------- */

struct some {
	const char *id;
	struct counters_item *items;
	const struct counters_item *read_items;
	size_t count;
	struct limit_ring *rings;
	int64_t now_ms;
	int share;
	int doubts;
	int always;
	int granted;
};

static int
get_rings(struct own_file *own, struct lmdb_work *work, void *with)
{
	struct some *some = with;
	size_t i;
	int rc = 0;

	(void)own;
	for (i = 0; i < some->count && rc == 0; i++)
		rc = get(work, OWN, &some->read_items[i], &some->rings[i]);
	return rc;
}

int
counters_own_rings(struct own_file *own, const struct counters_item *items,
    size_t count, struct limit_ring *rings, struct err *err)
{
	struct some some = {
	    .read_items = items, .count = count, .rings = rings};

	return own_file_run(own, MDB_RDONLY, get_rings, &some, err);
}

static int
raise_all(struct lmdb_work *work, const char *key, int64_t window_ms,
    int64_t now_ms, uint64_t total, struct limit_ring *ring)
{
	char name[LMDB_WORK_KEY_MAX + 1];
	int rc;

	tagged(name, ALL, key);
	rc = lmdb_work_get(work, name, window_ms, ring);
	if (rc != 0)
		return rc;
	limit_raise(ring, now_ms, total);
	return lmdb_work_put(work, name, ring);
}

static int
note(struct own_file *own, struct lmdb_work *work, void *with)
{
	const struct some *some = with;
	struct limit_ring ring;
	size_t i;
	int rc = 0;

	(void)own;
	for (i = 0; i < some->count && rc == 0; i++) {
		const struct counters_item *item = &some->read_items[i];
		uint64_t total =
		    item->used + (some->granted ? item->amount : 0);

		if (some->granted)
			rc = add(work, OWN, item, some->now_ms);
		if (rc == 0)
			rc = raise_all(work, item->key, item->window_ms,
			    some->now_ms, total, &ring);
	}
	return rc;
}

int
counters_own_note(struct own_file *own, int64_t now_ms,
    const struct counters_item *items, size_t count, int counted,
    struct err *err)
{
	struct some some = {.read_items = items,
	    .count = count,
	    .now_ms = now_ms,
	    .granted = counted};

	return own_file_run(own, 0, note, &some, err);
}

struct hear {
	const struct counters_own_news *news;
	size_t count;
};

static int
hear(struct own_file *own, struct lmdb_work *work, void *with)
{
	const struct hear *all = with;
	struct limit_ring ring;
	size_t i;
	int rc = 0;

	(void)own;
	for (i = 0; i < all->count && rc == 0; i++)
		rc = raise_all(work, all->news[i].key,
		    all->news[i].width_us * LIMIT_BUCKETS / 1000, work->now_ms,
		    all->news[i].total, &ring);
	return rc;
}

int
counters_own_hear(struct own_file *own, const struct counters_own_news *news,
    size_t count, struct err *err)
{
	struct hear with = {news, count};

	return own_file_run(own, 0, hear, &with, err);
}

/* --- instead of the store ------------------------------------------------- */

/*
 * What is used, and whether the share has room. A message that only a whole
 * limit has room for waits like any other one: the store may be back by then.
 */
static int
look_at(
    struct lmdb_work *work, struct counters_item *item, int share, int doubts)
{
	struct limit_ring all, out, own;
	uint64_t free_now, mine, told;
	int rc = get(work, ALL, item, &all);

	if (rc == 0)
		rc = get(work, OUT, item, &out);
	if (rc == 0)
		rc = get(work, OWN, item, &own);
	if (rc != 0)
		return rc;
	mine = limit_used(&out, work->now_ms);
	item->used = limit_used(&all, work->now_ms);
	/* Whatever the store said, it is not less than this host told it. */
	told = limit_used(&own, work->now_ms);
	told = told > mine ? told - mine : 0;
	if (item->used < told)
		item->used = told;
	free_now = item->max > item->used ? item->max - item->used : 0;
	free_now = free_now / 100 * (uint64_t)share +
		   free_now % 100 * (uint64_t)share / 100;
	item->used += mine;
	item->frees_ms = limit_frees(&all, work->now_ms);
	if (item->frees_ms == 0)
		item->frees_ms = limit_frees(&out, work->now_ms);
	item->wait_ms = 0;
	if (item->amount > item->max)
		item->wait_ms = -1;
	else if (mine > free_now || item->amount > free_now - mine)
		item->wait_ms = WAIT_MS;
	else if (doubts && (item->used > item->max / 2 ||
			       item->amount > item->max / 2 - item->used))
		item->wait_ms = DOUBTS_MS;
	return 0;
}

static int
look_all(struct lmdb_work *work, struct some *some)
{
	size_t i;
	int rc = 0;

	some->granted = 1;
	for (i = 0; i < some->count && rc == 0; i++) {
		rc = look_at(work, &some->items[i], some->share, some->doubts);
		if (some->items[i].wait_ms != 0)
			some->granted = 0;
	}
	return rc;
}

static int
reserve(struct own_file *own, struct lmdb_work *work, void *with)
{
	struct some *some = with;
	size_t i;
	int rc = look_all(work, some);

	(void)own;
	if (rc != 0)
		return rc;
	rc = lmdb_work_find_seen(work, pending_id(some->id));
	if (rc == 0)
		some->granted = 1;
	if (rc != MDB_NOTFOUND)
		return rc;
	if (!some->granted && !some->always)
		return 0;
	rc = lmdb_work_add_seen(work, pending_id(some->id), work->now_ms);
	for (i = 0; i < some->count && rc == 0; i++) {
		some->items[i].counted_ms = work->now_ms;
		some->items[i].counted_alone = 1;
		rc = add(work, OWN, &some->items[i], work->now_ms);
		if (rc == 0)
			rc = add(work, OUT, &some->items[i], work->now_ms);
	}
	return rc;
}

int
counters_own_reserve(struct own_file *own, const char *id,
    struct counters_item *items, size_t count, int share, int doubts,
    int always, int *granted, struct err *err)
{
	struct some some = {.id = id,
	    .items = items,
	    .count = count,
	    .share = share,
	    .doubts = doubts,
	    .always = always};
	int rc = own_file_run(own, 0, reserve, &some, err);

	*granted = some.granted;
	return rc;
}

static int
take_out(
    struct lmdb_work *work, const char *tag, const struct counters_item *item)
{
	char key[LMDB_WORK_KEY_MAX + 1];

	tagged(key, tag, item->key);
	return lmdb_work_take_back(
	    work, key, item->window_ms, item->counted_ms, item->amount);
}

static int
take_back(struct own_file *own, struct lmdb_work *work, void *with)
{
	const struct some *some = with;
	int rc = 0, alone = some->read_items[0].counted_alone;
	size_t i;

	(void)own;
	if (alone)
		rc = lmdb_work_forget_seen(work, pending_id(some->id));
	if (rc == MDB_NOTFOUND)
		return 0;
	for (i = 0; i < some->count && rc == 0; i++) {
		rc = take_out(work, OWN, &some->read_items[i]);
		if (rc == 0 && alone)
			rc = take_out(work, OUT, &some->read_items[i]);
	}
	return rc;
}

int
counters_own_take_back(struct own_file *own, const char *id,
    const struct counters_item *items, size_t count, struct err *err)
{
	struct some some = {.id = id, .read_items = items, .count = count};

	return own_file_run(own, 0, take_back, &some, err);
}

static int
read_all(struct own_file *own, struct lmdb_work *work, void *with)
{
	(void)own;
	return look_all(work, with);
}

int
counters_own_read(struct own_file *own, struct counters_item *items,
    size_t count, struct err *err)
{
	struct some some = {.items = items, .count = count, .share = 100};

	return own_file_run(own, MDB_RDONLY, read_all, &some, err);
}

static int
reset(struct own_file *own, struct lmdb_work *work, void *with)
{
	static const char *const tags[] = {OWN, OUT, ALL};
	const struct some *some = with;
	char key[LMDB_WORK_KEY_MAX + 1];
	size_t i;
	int rc = 0;

	(void)own;
	for (i = 0; i < some->count * 3 && rc == 0; i++) {
		tagged(key, tags[i % 3], some->read_items[i / 3].key);
		rc = lmdb_work_delete(work, key);
	}
	return rc;
}

int
counters_own_reset(struct own_file *own, const struct counters_item *items,
    size_t count, struct err *err)
{
	struct some some = {.read_items = items, .count = count};

	return own_file_run(own, 0, reset, &some, err);
}

/* --- giving back ---------------------------------------------------------- */

struct list {
	const char *tag;
	char *after;
	struct counters_own_part *parts;
	size_t count;
};

static int
list(struct own_file *own, struct lmdb_work *work, void *with)
{
	struct list *list = with;
	char key[LMDB_WORK_KEY_MAX + 1], name[LMDB_WORK_KEY_MAX + 1];
	struct limit_ring ring;
	int rc;

	(void)own;
	list->count = 0;
	tagged(key, list->tag, list->after);
	while (list->count < COUNTERS_OWN_LIST_MAX) {
		struct counters_own_part *part = &list->parts[list->count];

		rc = lmdb_work_next(work, key, &ring);
		if (rc == MDB_NOTFOUND ||
		    (rc == 0 && strncmp(key, list->tag, TAG_LEN) != 0))
			return 0;
		if (rc != 0)
			return rc;
		(void)snprintf(part->key, sizeof(part->key), "%.*s",
		    COUNTERS_KEY_MAX - 1, key + TAG_LEN);
		(void)snprintf(list->after, COUNTERS_KEY_MAX, "%s", part->key);
		tagged(name, OWN, part->key);
		/* Milliseconds of a window of that width. */
		rc = lmdb_work_get(work, name,
		    ring.width_us * LIMIT_BUCKETS / 1000, &part->ring);
		if (rc != 0)
			return rc;
		if (limit_used(&part->ring, work->now_ms) > 0)
			list->count++;
	}
	return 0;
}

int
counters_own_list(struct own_file *own, int unheard,
    char after[COUNTERS_KEY_MAX], struct counters_own_part *parts,
    size_t *count, struct err *err)
{
	struct list with = {
	    .tag = unheard ? OUT : OWN, .after = after, .parts = parts};
	int rc = own_file_run(own, MDB_RDONLY, list, &with, err);

	*count = with.count;
	return rc;
}

struct heard {
	const struct counters_own_part *part;
	int64_t now_ms;
	uint64_t total;
};

static int
heard(struct own_file *own, struct lmdb_work *work, void *with)
{
	const struct heard *heard = with;
	const struct counters_own_part *part = heard->part;
	int64_t window_ms = part->ring.width_us * LIMIT_BUCKETS / 1000;
	struct limit_ring before = part->ring, now, all;
	char key[LMDB_WORK_KEY_MAX + 1];
	int rc;

	(void)own;
	rc = raise_all(
	    work, part->key, window_ms, heard->now_ms, heard->total, &all);
	if (rc != 0)
		return rc;
	tagged(key, OWN, part->key);
	rc = lmdb_work_get(work, key, window_ms, &now);
	/* Counted again since: the rest is told the next time. */
	if (rc != 0 || limit_has_more(&now, &before, work->now_ms))
		return rc;
	tagged(key, OUT, part->key);
	return lmdb_work_delete(work, key);
}

int
counters_own_heard(struct own_file *own, int64_t now_ms,
    const struct counters_own_part *part, uint64_t total, struct err *err)
{
	struct heard with = {part, now_ms, total};

	return own_file_run(own, 0, heard, &with, err);
}
