/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_lmdb - see counters_lmdb.h.
 *
 * A message that fits is counted by tally, without a transaction, and written
 * down with others later, at least once a second; with a note it takes one of
 * its own, by lmdb_work. "rings" has a limit_ring per key, "notes" what
 * notes_lmdb keeps.
 *
 * Never MDB_WRITEMAP: on a full disk it dies of SIGBUS.
 */
#define _GNU_SOURCE /* PTHREAD_MUTEX_ADAPTIVE_NP */
#include "counters_lmdb.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lmdb_work.h"
#include "log.h"
#include "mem.h"
#include "notes_lmdb.h"
#include "tally.h"

#define SWEEP_KEYS 256 /* looked at in a tick */
#define ROOM_SWEEPS 16
#define ROOM_TRIES 8

/* What tally cannot do: no error of LMDB, no errno. */
#define NEEDS_TRANSACTION (-1)

struct store {
	struct counters counters;
	struct lmdb_file file;
	pthread_mutex_t lock; /* no transaction while the map grows */
	int dirty;	      /* written to since the last sync */
	struct tally tally;
	char sweep[LMDB_WORK_KEY_MAX + 1]; /* where the last sweep ended */
};

static int
failed(struct err *err, const char *what, int rc)
{
	return err_set(err, ERR_TEMPORARY, "counters", "counters: %s: %s", what,
	    mdb_strerror(rc));
}

/* --- reserving ----------------------------------------------------------- */

/* What is asked for; "granted" is the answer. */
struct request {
	uint64_t id; /* by pending_id */
	struct counters_item *items;
	size_t count;
	int always;
	struct counters_writer *writer; /* or NULL */
	const struct counters_note *notes;
	size_t notes_count;
	int granted;
	int dirty; /* something is counted */
};

static int
look_behind(struct lmdb_work *work, struct request *r)
{
	int rc;

	if (r->writer == NULL || r->writer->behind == NULL)
		return 0;
	rc = lmdb_work_open(work);
	if (rc != 0)
		return rc;
	rc = notes_lmdb_any(work->file, work->txn, r->writer->behind);
	r->writer->waits = rc == 0;
	if (rc == 0)
		r->granted = 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Notes need a transaction: without one, say so. */
static int
write_chosen(struct lmdb_work *work, struct request *r)
{
	struct counters_note notes[COUNTERS_NOTES_MAX];
	size_t count = 0;

	if (r->writer != NULL)
		count = r->writer->choose(
		    r->writer, r->granted, r->items, r->count, notes);
	if (count > 0 && work->peeks)
		return NEEDS_TRANSACTION;
	return notes_lmdb_write(work->file, work->txn, notes, count);
}

static int
reserve_in(struct lmdb_work *work, struct request *r)
{
	int seen, rc = tally_look(work, r->items, r->count, &r->granted);

	r->dirty = 0;
	if (rc == 0)
		rc = look_behind(work, r);
	if (rc != 0)
		return rc;
	seen = tally_find_seen(work, r->id);
	if (seen != 0 && seen != MDB_NOTFOUND)
		return seen;
	if (seen == 0)
		r->granted = 1;
	rc = write_chosen(work, r);
	if (rc != 0 || seen == 0 || (!r->granted && !r->always))
		return rc;
	r->dirty = 1;
	return tally_count(work, r->id, r->items, r->count);
}

static int
reserve_once(struct store *store, struct request *r)
{
	struct lmdb_work work;
	int rc = lmdb_work_begin(&work, &store->file, 0);

	if (rc != 0)
		return rc;
	rc = reserve_in(&work, r);
	if (rc == 0)
		return lmdb_work_commit(&work, r->dirty);
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

/* Take up the journal; write down what is pending; a full file gets room. */
static int
settle(struct store *store)
{
	struct lmdb_work work;
	int i, rc = MDB_MAP_FULL;

	for (i = 0; i < ROOM_TRIES && rc == MDB_MAP_FULL; i++) {
		if (i > 0)
			(void)make_room(store);
		rc = store->file.pending == NULL
			 ? tally_attach(&store->tally, &store->file)
			 : 0;
		if (rc == 0)
			rc = lmdb_work_begin(&work, &store->file, 0);
		if (rc == 0)
			rc = lmdb_work_commit(&work, 1);
	}
	return rc;
}

/* Begin to look, with everything as it must be to count a message. */
static int
peek(struct store *store, struct lmdb_work *work)
{
	int rc = 0;

	if (store->file.pending == NULL || pending_is_full(store->file.pending))
		rc = settle(store);
	return rc == 0 ? lmdb_work_peek(work, &store->file) : rc;
}

static int
reserve_lightly(struct store *store, struct request *r)
{
	struct lmdb_work work;
	int rc = peek(store, &work);

	if (rc != 0)
		return rc;
	rc = reserve_in(&work, r);
	lmdb_work_abort(&work);
	return rc == NEEDS_TRANSACTION ? reserve_once(store, r) : rc;
}

/* 1 if another try after the error rc may go well. */
static int
recovered(struct store *store, int rc)
{
	if (rc == 0 || !lmdb_file_recover(&store->file, rc))
		return 0;
	store->file.pending = NULL;
	return 1;
}

static struct store *
store_of(struct counters *counters)
{
	return (struct store *)(void *)counters;
}

typedef int (*attempt)(struct store *store, struct request *request);

/* Under the lock: a full map is given room, a damaged one opened anew. */
static int
try(struct store *store, attempt once, struct request *r)
{
	int rc = store->file.pending == NULL ? settle(store) : 0;

	if (rc == 0)
		rc = once(store, r);
	if (rc != MDB_MAP_FULL)
		return rc;
	log_warn(NULL, "the counters' file is full: dropping what has expired");
	rc = make_room(store);
	if (rc == 0)
		rc = settle(store);
	return rc == 0 ? once(store, r) : rc;
}

static int
change(struct store *store, attempt once, struct request *r)
{
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	store->dirty = 1;
	rc = try(store, once, r);
	if (recovered(store, rc))
		rc = try(store, once, r);
	(void)pthread_mutex_unlock(&store->lock);
	return rc;
}

static int
lmdb_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always,
    struct counters_writer *writer, struct err *err)
{
	struct request request = {.id = pending_id(id),
	    .items = items,
	    .count = count,
	    .always = always,
	    .writer = writer};
	int rc = change(store_of(counters), reserve_lightly, &request);

	return rc != 0 ? failed(err, "counting a message", rc)
		       : request.granted;
}

/* --- changing without counting -------------------------------------------- */

/* The rings of the items go; the notes are written. */
static int
change_once(struct store *store, struct request *r)
{
	struct lmdb_work work;
	size_t i;
	int rc = lmdb_work_begin(&work, &store->file, 0);

	if (rc != 0)
		return rc;
	for (i = 0; i < r->count && rc == 0; i++)
		rc = lmdb_work_delete(&work, r->items[i].key);
	if (rc == 0)
		rc = notes_lmdb_write(
		    work.file, work.txn, r->notes, r->notes_count);
	if (rc == 0)
		return lmdb_work_commit(&work, 0);
	lmdb_work_abort(&work);
	return rc;
}

static int
lmdb_reset(struct counters *counters, const struct counters_item *items,
    size_t count, struct err *err)
{
	union {
		const struct counters_item *in;
		struct counters_item *out;
	} cast = {.in = items}; /* only their keys are read */
	struct request request = {.items = cast.out, .count = count};
	int rc = change(store_of(counters), change_once, &request);

	return rc != 0 ? failed(err, "resetting", rc) : 0;
}

static int
lmdb_note_write(struct counters *counters, const struct counters_note *notes,
    size_t count, struct err *err)
{
	struct request request = {.notes = notes, .notes_count = count};
	int rc = change(store_of(counters), change_once, &request);

	return rc != 0 ? failed(err, "keeping a note", rc) : 0;
}

/* --- reading -------------------------------------------------------------- */

static int
note_once(
    struct store *store, const char *key, int after, struct counters_kept *kept)
{
	MDB_txn *txn;
	int rc = lmdb_file_begin(&store->file, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = notes_lmdb_get(&store->file, txn, key, after, kept);
	mdb_txn_abort(txn);
	return rc;
}

static int
lmdb_note_get(struct counters *counters, const char *key, int after,
    struct counters_kept *kept, struct err *err)
{
	struct store *store = store_of(counters);
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	rc = note_once(store, key, after, kept);
	if (recovered(store, rc))
		rc = note_once(store, key, after, kept);
	(void)pthread_mutex_unlock(&store->lock);
	if (rc == MDB_NOTFOUND)
		return 0;
	return rc != 0 ? failed(err, "reading a note", rc) : 1;
}

static int
look(struct store *store, struct counters_item *items, size_t count)
{
	struct lmdb_work work;
	size_t i;
	int rc = peek(store, &work);

	if (rc != 0)
		return rc;
	for (i = 0; i < count && rc == 0; i++)
		rc = tally_read(&work, &items[i]);
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
	if (recovered(store, rc))
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
	if (rc == MDB_MAP_FULL)
		rc = settle(store);
	if (recovered(store, rc))
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

	if (store->file.pending != NULL)
		(void)settle(store); /* else the journal keeps it */
	(void)pthread_mutex_destroy(&store->lock);
	lmdb_file_close(&store->file);
	tally_close(&store->tally);
	free(store);
}

/* --- opening ------------------------------------------------------------- */

static const struct counters_ops ops = {
    .reserve = lmdb_reserve,
    .read = lmdb_read,
    .reset = lmdb_reset,
    .note_write = lmdb_note_write,
    .note_get = lmdb_note_get,
    .tick = lmdb_tick,
    .close = lmdb_close,
};

/* The journal first: the file may be another process's. */
static int
open_both(
    struct store *store, const char *directory, size_t bytes, struct err *err)
{
	if (tally_open(&store->tally, directory, err) < 0)
		return -1;
	if (lmdb_file_open(&store->file, directory, bytes, err) == 0)
		return 0;
	tally_close(&store->tally);
	return -1;
}

/* What is done under it is mostly shorter than to sleep and be woken. */
static void
make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	(void)pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	(void)pthread_mutex_init(lock, &attr);
	(void)pthread_mutexattr_destroy(&attr);
}

struct counters *
counters_lmdb_open(const char *directory, size_t bytes, struct err *err)
{
	struct store *store = mem_zalloc(1, sizeof(*store));
	struct lmdb_work work;
	int rc;

	store->counters.ops = &ops;
	if (open_both(store, directory, bytes, err) < 0) {
		free(store);
		return NULL;
	}
	make_lock(&store->lock);
	rc = peek(store, &work);
	if (rc == 0)
		lmdb_work_abort(&work);
	else if (!recovered(store, rc))
		log_warn(NULL, "cannot take up the counters' journal: %s",
		    mdb_strerror(rc));
	return &store->counters;
}
