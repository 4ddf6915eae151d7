/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_lmdb - see counters_lmdb.h.
 *
 * One transaction a message, by lmdb_work. "rings" has a limit_ring per key.
 *
 * Never MDB_WRITEMAP: on a full disk it dies of SIGBUS.
 */
#include "counters_lmdb.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lmdb_work.h"
#include "log.h"
#include "mem.h"

#define SWEEP_KEYS 256 /* looked at in a tick */
#define ROOM_SWEEPS 16

struct store {
	struct counters counters;
	struct lmdb_file file;
	pthread_mutex_t lock; /* no transaction while the map grows */
	int dirty;	      /* written to since the last sync */
	char sweep[LMDB_WORK_KEY_MAX + 1]; /* where the last sweep ended */
};

static int
failed(struct err *err, const char *what, int rc)
{
	return err_set(err, ERR_TEMPORARY, "counters", "counters: %s: %s", what,
	    mdb_strerror(rc));
}

/* --- reserving ----------------------------------------------------------- */

static int
look_at(struct lmdb_work *work, struct counters_item *item)
{
	struct limit_ring ring;
	int rc = lmdb_work_get(work, item->key, item->window_ms, &ring);

	if (rc != 0)
		return rc;
	item->used = limit_used(&ring, work->now_ms);
	item->wait_ms =
	    limit_wait(&ring, work->now_ms, item->max, item->amount);
	item->frees_ms = limit_frees(&ring, work->now_ms);
	return 0;
}

/* 1 if all items fit, 0 if not, through *granted. */
static int
look_all(struct lmdb_work *work, struct counters_item *items, size_t count,
    int *granted)
{
	size_t i;
	int rc = 0;

	*granted = 1;
	for (i = 0; i < count && rc == 0; i++) {
		rc = look_at(work, &items[i]);
		if (items[i].wait_ms != 0)
			*granted = 0;
	}
	return rc;
}

static int
add(struct lmdb_work *work, const struct counters_item *item)
{
	struct limit_ring ring;
	int rc = lmdb_work_get(work, item->key, item->window_ms, &ring);

	if (rc != 0)
		return rc;
	limit_add(&ring, work->now_ms, item->amount);
	return lmdb_work_put(work, item->key, &ring);
}

static int
add_all(struct lmdb_work *work, const char *id,
    const struct counters_item *items, size_t count)
{
	size_t i;
	int rc = lmdb_work_add_seen(work, id);

	for (i = 0; i < count && rc == 0; i++)
		rc = add(work, &items[i]);
	return rc;
}

/* In an open transaction. *granted is the answer, *dirty whether it counts. */
static int
reserve_in(struct lmdb_work *work, const char *id, struct counters_item *items,
    size_t count, int always, int *granted, int *dirty)
{
	int rc = look_all(work, items, count, granted);

	*dirty = 0;
	if (rc != 0)
		return rc;
	rc = lmdb_work_find_seen(work, id);
	if (rc == 0)
		*granted = 1;
	if (rc != MDB_NOTFOUND)
		return rc;
	*dirty = *granted || always;
	return *dirty ? add_all(work, id, items, count) : 0;
}

static int
reserve_once(struct store *store, const char *id, struct counters_item *items,
    size_t count, int always, int *granted)
{
	struct lmdb_work work;
	int dirty, rc = lmdb_work_begin(&work, &store->file, 0);

	if (rc != 0)
		return rc;
	rc = reserve_in(&work, id, items, count, always, granted, &dirty);
	if (rc == 0)
		return lmdb_work_commit(&work, dirty);
	lmdb_work_abort(&work);
	return rc;
}

/* Drop rings that hold nothing any more, and ids that are old enough. */
static int
sweep(struct store *store, size_t most)
{
	struct lmdb_work work;
	int rc = lmdb_work_begin(&work, &store->file, 0);

	if (rc != 0)
		return rc;
	rc = lmdb_work_sweep(&work, store->sweep, most);
	if (rc == 0)
		return lmdb_work_commit(&work, 1);
	lmdb_work_abort(&work);
	return rc;
}

/*
 * Deleting copies pages, so it needs room as well, and what it frees is used
 * again only two transactions later: the map grows by a little, and is swept
 * in parts. The rest is left to the ticks, a message does not wait for it.
 */
static int
make_room(struct store *store)
{
	int i, rc = lmdb_file_grow(&store->file);

	store->sweep[0] = '\0';
	for (i = 0; i < ROOM_SWEEPS && rc == 0; i++)
		rc = sweep(store, SWEEP_KEYS);
	return rc;
}

static struct store *
store_of(struct counters *counters)
{
	return (struct store *)(void *)counters;
}

static int
reserve(struct store *store, const char *id, struct counters_item *items,
    size_t count, int always, int *granted)
{
	int rc = reserve_once(store, id, items, count, always, granted);

	if (rc != MDB_MAP_FULL)
		return rc;
	log_warn(NULL, "the counters' file is full: dropping what has expired");
	rc = make_room(store);
	if (rc != 0)
		return rc;
	return reserve_once(store, id, items, count, always, granted);
}

static int
lmdb_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always, struct err *err)
{
	struct store *store = store_of(counters);
	int granted = 0, rc;

	(void)pthread_mutex_lock(&store->lock);
	store->dirty = 1;
	rc = reserve(store, id, items, count, always, &granted);
	if (rc != 0 && lmdb_file_recover(&store->file, rc))
		rc = reserve(store, id, items, count, always, &granted);
	(void)pthread_mutex_unlock(&store->lock);
	if (rc != 0)
		return failed(err, "counting a message", rc);
	return granted;
}

static int
look(struct store *store, struct counters_item *items, size_t count)
{
	struct lmdb_work work;
	int granted;
	int rc = lmdb_work_begin(&work, &store->file, MDB_RDONLY);

	if (rc != 0)
		return rc;
	rc = look_all(&work, items, count, &granted);
	lmdb_work_abort(&work);
	return rc;
}

static int
lmdb_read(struct counters *counters, struct counters_item *items, size_t count,
    struct err *err)
{
	struct store *store = store_of(counters);
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	rc = look(store, items, count);
	if (rc != 0 && lmdb_file_recover(&store->file, rc))
		rc = look(store, items, count);
	(void)pthread_mutex_unlock(&store->lock);
	return rc != 0 ? failed(err, "reading", rc) : 0;
}

static void
lmdb_tick(struct counters *counters)
{
	struct store *store = store_of(counters);
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	/* An idle relay leaves its disk alone. */
	if (!store->dirty && store->sweep[0] == '\0') {
		(void)pthread_mutex_unlock(&store->lock);
		return;
	}
	store->dirty = 0;
	rc = sweep(store, SWEEP_KEYS);
	if (rc != 0 && lmdb_file_recover(&store->file, rc))
		rc = 0;
	(void)pthread_mutex_unlock(&store->lock);
	/* Not under the lock: a slow disk must not hold up a message. */
	if (rc == 0)
		rc = lmdb_file_sync(&store->file);
	if (rc != 0)
		log_warn(NULL, "cannot tidy the counters: reason=%s",
		    mdb_strerror(rc));
}

static void
lmdb_close(struct counters *counters)
{
	struct store *store = store_of(counters);

	(void)pthread_mutex_destroy(&store->lock);
	lmdb_file_close(&store->file);
	free(store);
}

/* --- opening ------------------------------------------------------------- */

static const struct counters_ops ops = {
    .reserve = lmdb_reserve,
    .read = lmdb_read,
    .tick = lmdb_tick,
    .close = lmdb_close,
};

struct counters *
counters_lmdb_open(const char *directory, size_t bytes, struct err *err)
{
	struct store *store = mem_zalloc(1, sizeof(*store));

	store->counters.ops = &ops;
	if (lmdb_file_open(&store->file, directory, bytes, err) < 0) {
		free(store);
		return NULL;
	}
	(void)pthread_mutex_init(&store->lock, NULL);
	return &store->counters;
}
