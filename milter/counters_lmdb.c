/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_lmdb - see counters_lmdb.h.
 *
 * Three databases: "rings" has a limit_ring per key; "clock" the ticks they are
 * counted in; the messages counted lately are in "seen0" and "seen1", of which
 * one is filled and the other one emptied and taken over every SEEN_MS, so that
 * an id is known for one to two of these and forgetting costs nothing.
 *
 * Never MDB_WRITEMAP: on a full disk it dies of SIGBUS.
 */
#include "counters_lmdb.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "lmdb_file.h"
#include "log.h"
#include "mem.h"
#include "ticks.h"

#define SEEN_MS (5 * 60 * 1000)
#define SWEEP_KEYS 256 /* looked at in a tick */
#define ROOM_SWEEPS 16

/* What "clock" holds under the key "clock". */
#define CLOCK_BYTES (TICKS_BYTES + 8)

struct store {
	struct counters counters;
	struct lmdb_file file;
	pthread_mutex_t lock;	      /* no transaction while the map grows */
	int dirty;		      /* written to since the last sync */
	char sweep[COUNTERS_KEY_MAX]; /* where the last sweep ended */
};

/* One transaction and its time. */
struct work {
	MDB_txn *txn;
	struct ticks ticks;
	int64_t now_ms;
	int64_t turned_ms; /* when the seen databases changed places */
};

static char clock_name[] = "clock";
static MDB_val clock_key = {.mv_size = 5, .mv_data = clock_name};

static MDB_val
val(const void *data, size_t len)
{
	union {
		const void *in;
		void *out;
	} cast = {.in = data};

	return (MDB_val){.mv_size = len, .mv_data = cast.out};
}

static int
failed(struct err *err, const char *what, int rc)
{
	return err_set(err, ERR_TEMPORARY, "counters", "counters: %s: %s", what,
	    mdb_strerror(rc));
}

/* --- time ---------------------------------------------------------------- */

static int
clock_begin(struct store *store, struct work *work)
{
	MDB_val data;
	struct ticks now;
	int rc = mdb_get(work->txn, store->file.clock, &clock_key, &data);

	memset(&work->ticks, 0, sizeof(work->ticks));
	work->turned_ms = 0;
	if (rc == 0 && data.mv_size == CLOCK_BYTES) {
		const unsigned char *bytes = data.mv_data;

		if (ticks_decode(&work->ticks, bytes, TICKS_BYTES) < 0)
			return MDB_CORRUPTED;
		memcpy(&work->turned_ms, bytes + TICKS_BYTES, 8);
	} else if (rc != MDB_NOTFOUND) {
		return rc != 0 ? rc : MDB_CORRUPTED;
	}
	ticks_read(&now);
	work->now_ms = ticks_advance(&work->ticks, &now);
	return 0;
}

static int
clock_end(struct store *store, struct work *work)
{
	unsigned char bytes[CLOCK_BYTES] = {0};
	MDB_val data = val(bytes, sizeof(bytes));

	ticks_encode(&work->ticks, bytes);
	memcpy(bytes + TICKS_BYTES, &work->turned_ms, 8);
	return mdb_put(work->txn, store->file.clock, &clock_key, &data, 0);
}

/* --- messages counted lately --------------------------------------------- */

static size_t
seen_filled(const struct work *work)
{
	return (size_t)(work->turned_ms / SEEN_MS) & 1;
}

static int
seen_turn(struct store *store, struct work *work)
{
	int64_t turn = work->now_ms - work->now_ms % SEEN_MS;
	int64_t before = work->turned_ms;
	int rc;

	if (turn == before)
		return 0;
	work->turned_ms = turn;
	rc = mdb_drop(work->txn, store->file.seen[seen_filled(work)], 0);
	/* After a longer rest both are of no use. */
	if (rc == 0 && turn - before > SEEN_MS)
		rc = mdb_drop(
		    work->txn, store->file.seen[!seen_filled(work)], 0);
	return rc;
}

/* 0 if the message was counted, MDB_NOTFOUND if not. */
static int
seen_find(struct store *store, struct work *work, const char *id)
{
	MDB_val key, data;
	int i, rc = MDB_NOTFOUND;

	if (id == NULL)
		return rc;
	key = val(id, strlen(id));
	for (i = 0; i < 2 && rc == MDB_NOTFOUND; i++)
		rc = mdb_get(work->txn, store->file.seen[i], &key, &data);
	return rc;
}

static int
seen_add(struct store *store, struct work *work, const char *id)
{
	MDB_val key, data = val("", 0);

	if (id == NULL)
		return 0;
	key = val(id, strlen(id));
	return mdb_put(
	    work->txn, store->file.seen[seen_filled(work)], &key, &data, 0);
}

/* --- rings --------------------------------------------------------------- */

/* A ring that cannot be read is begun anew: mail does not stop for it. */
static int
ring_get(struct store *store, struct work *work,
    const struct counters_item *item, struct limit_ring *ring)
{
	MDB_val key = val(item->key, strlen(item->key)), data;
	int rc = mdb_get(work->txn, store->file.rings, &key, &data);

	if (rc == 0 && limit_decode(ring, item->window_ms, data.mv_data,
			   data.mv_size) == 0)
		return 0;
	if (rc == 0)
		log_warn(NULL, "a counter is damaged and begins at 0: key=%s",
		    item->key);
	limit_init(ring, item->window_ms);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
ring_look(struct store *store, struct work *work, struct counters_item *item,
    struct limit_ring *ring)
{
	int rc = ring_get(store, work, item, ring);

	if (rc != 0)
		return rc;
	item->used = limit_used(ring, work->now_ms);
	item->wait_ms = limit_wait(ring, work->now_ms, item->max, item->amount);
	item->frees_ms = limit_frees(ring, work->now_ms);
	return 0;
}

static int
ring_add(struct store *store, struct work *work, struct counters_item *item)
{
	unsigned char bytes[LIMIT_BYTES];
	struct limit_ring ring;
	MDB_val key = val(item->key, strlen(item->key));
	MDB_val data = val(bytes, sizeof(bytes));
	int rc = ring_get(store, work, item, &ring);

	if (rc != 0)
		return rc;
	limit_add(&ring, work->now_ms, item->amount);
	limit_encode(&ring, bytes);
	return mdb_put(work->txn, store->file.rings, &key, &data, 0);
}

/* --- reserving ----------------------------------------------------------- */

/* 1 if all items fit, 0 if not, through *granted. */
static int
look_all(struct store *store, struct work *work, struct counters_item *items,
    size_t count, int *granted)
{
	struct limit_ring ring;
	size_t i;
	int rc = 0;

	*granted = 1;
	for (i = 0; i < count && rc == 0; i++) {
		rc = ring_look(store, work, &items[i], &ring);
		if (items[i].wait_ms != 0)
			*granted = 0;
	}
	return rc;
}

static int
add_all(struct store *store, struct work *work, const char *id,
    struct counters_item *items, size_t count)
{
	size_t i;
	int rc = seen_turn(store, work);

	for (i = 0; i < count && rc == 0; i++)
		rc = ring_add(store, work, &items[i]);
	if (rc == 0)
		rc = seen_add(store, work, id);
	return rc == 0 ? clock_end(store, work) : rc;
}

/* In an open transaction. *granted is the answer. */
static int
reserve_in(struct store *store, struct work *work, const char *id,
    struct counters_item *items, size_t count, int always, int *granted)
{
	int rc = clock_begin(store, work);

	if (rc == 0)
		rc = look_all(store, work, items, count, granted);
	if (rc != 0)
		return rc;
	rc = seen_find(store, work, id);
	if (rc == 0)
		*granted = 1;
	if (rc == MDB_NOTFOUND && !*granted && !always)
		return 0;
	return rc == MDB_NOTFOUND ? add_all(store, work, id, items, count) : rc;
}

static int
reserve_once(struct store *store, const char *id, struct counters_item *items,
    size_t count, int always, int *granted)
{
	struct work work;
	int rc = lmdb_file_begin(&store->file, 0, &work.txn);

	if (rc != 0)
		return rc;
	rc = reserve_in(store, &work, id, items, count, always, granted);
	if (rc != 0) {
		mdb_txn_abort(work.txn);
		return rc;
	}
	/* Nothing written, nothing is committed: LMDB sees to that. */
	return mdb_txn_commit(work.txn);
}

/* Look at most at "most" rings from where the last sweep ended. */
static int
sweep_rings(struct store *store, struct work *work, size_t most)
{
	MDB_cursor *cursor;
	MDB_val key = val(store->sweep, strlen(store->sweep)), data;
	MDB_cursor_op op = store->sweep[0] != '\0' ? MDB_SET_RANGE : MDB_FIRST;
	int rc = mdb_cursor_open(work->txn, store->file.rings, &cursor);

	if (rc != 0)
		return rc;
	for (; most > 0; most--, op = MDB_NEXT) {
		rc = mdb_cursor_get(cursor, &key, &data, op);
		if (rc != 0)
			break;
		if (key.mv_size < sizeof(store->sweep)) {
			memcpy(store->sweep, key.mv_data, key.mv_size);
			store->sweep[key.mv_size] = '\0';
		}
		if (limit_is_over(data.mv_data, data.mv_size, work->now_ms))
			rc = mdb_cursor_del(cursor, 0);
		if (rc != 0)
			break;
	}
	mdb_cursor_close(cursor);
	if (rc == 0)
		return 0;
	store->sweep[0] = '\0';
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Drop rings that hold nothing any more, and ids that are old enough. */
static int
sweep(struct store *store, size_t most)
{
	struct work work;
	int rc = lmdb_file_begin(&store->file, 0, &work.txn);

	if (rc != 0)
		return rc;
	rc = clock_begin(store, &work);
	if (rc == 0)
		rc = seen_turn(store, &work);
	if (rc == 0)
		rc = sweep_rings(store, &work, most);
	if (rc == 0)
		rc = clock_end(store, &work);
	if (rc != 0) {
		mdb_txn_abort(work.txn);
		return rc;
	}
	return mdb_txn_commit(work.txn);
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
	struct work work;
	int granted;
	int rc = lmdb_file_begin(&store->file, MDB_RDONLY, &work.txn);

	if (rc != 0)
		return rc;
	rc = clock_begin(store, &work);
	if (rc == 0)
		rc = look_all(store, &work, items, count, &granted);
	mdb_txn_abort(work.txn);
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
