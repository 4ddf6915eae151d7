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
#include "counters_lmdb.h"

#include <stdlib.h>
#include <string.h>

#include "lmdb_keys.h"
#include "lmdb_store.h"
#include "log.h"
#include "mem.h"
#include "notes_lmdb.h"
#include "tally.h"

/* What tally cannot do: no error of LMDB, no errno. */
#define NEEDS_TRANSACTION (-1)

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
	struct tally_rings rings;
	int seen,
	    rc = tally_look(work, r->items, r->count, &rings, &r->granted);
	size_t i;

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
	for (i = 0; i < r->count; i++)
		r->items[i].counted_ms = work->now_ms;
	return tally_count(work, r->id, r->items, r->count, &rings);
}

static int
reserve_once(struct lmdb_store *store, struct request *r)
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

static int
reserve_lightly(struct lmdb_store *store, void *with)
{
	struct request *r = with;
	struct lmdb_work work;
	int rc = lmdb_store_make_way(store);

	if (rc == 0)
		rc = lmdb_store_peek(store, &work);
	if (rc != 0)
		return rc;
	rc = reserve_in(&work, r);
	lmdb_work_abort(&work);
	return rc == NEEDS_TRANSACTION ? reserve_once(store, r) : rc;
}

static struct lmdb_store *
store_of(struct counters *counters)
{
	return (struct lmdb_store *)(void *)counters;
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
	int rc =
	    lmdb_store_change(store_of(counters), reserve_lightly, &request);

	return rc != 0 ? failed(err, "counting a message", rc)
		       : request.granted;
}

/* --- changing without counting -------------------------------------------- */

/* The rings of the items go; the notes are written. */
static int
change_once(struct lmdb_store *store, void *with)
{
	const struct request *r = with;
	struct lmdb_work work;
	size_t i;
	int rc = lmdb_work_begin(&work, &store->file, 0);

	if (rc != 0)
		return rc;
	for (i = 0; i < r->count && rc == 0; i++)
		rc = lmdb_work_delete(&work, r->items[i].key);
	if (r->count > 0)
		store->reset_ms = work.now_ms;
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
	int rc = lmdb_store_change(store_of(counters), change_once, &request);

	return rc != 0 ? failed(err, "resetting", rc) : 0;
}

static int
lmdb_note_write(struct counters *counters, const struct counters_note *notes,
    size_t count, struct err *err)
{
	struct request request = {.notes = notes, .notes_count = count};
	int rc = lmdb_store_change(store_of(counters), change_once, &request);

	return rc != 0 ? failed(err, "keeping a note", rc) : 0;
}

/*
 * In one transaction, which ends the journal's generation: whatever happens to
 * the process, no record of the journal counts the message again.
 */
static int
take_back_once(struct lmdb_store *store, void *with)
{
	const struct request *r = with;
	struct lmdb_work work;
	size_t i;
	int rc = lmdb_work_begin(&work, &store->file, 0);

	if (rc != 0)
		return rc;
	rc = r->items[0].counted_ms <= store->reset_ms
		 ? MDB_NOTFOUND
		 : lmdb_work_forget_seen(&work, r->id);
	if (rc == MDB_NOTFOUND)
		return lmdb_work_commit(&work, 0);
	for (i = 0; i < r->count && rc == 0; i++)
		rc = lmdb_work_take_back(&work, r->items[i].key,
		    r->items[i].window_ms, r->items[i].counted_ms,
		    r->items[i].amount);
	if (rc == 0)
		return lmdb_work_commit(&work, 1);
	lmdb_work_abort(&work);
	return rc;
}

static int
lmdb_take_back(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, struct err *err)
{
	struct request request = {
	    .id = pending_id(id), .items = items, .count = count};
	int rc =
	    lmdb_store_change(store_of(counters), take_back_once, &request);

	return rc != 0 ? failed(err, "taking a message back", rc) : 0;
}

/* --- reading -------------------------------------------------------------- */

struct note_request {
	const char *key;
	int after;
	struct counters_kept *kept;
};

static int
note_once(struct lmdb_store *store, void *with)
{
	const struct note_request *r = with;
	MDB_txn *txn;
	int rc = lmdb_file_begin(&store->file, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = notes_lmdb_get(&store->file, txn, r->key, r->after, r->kept);
	mdb_txn_abort(txn);
	return rc;
}

static int
lmdb_note_get(struct counters *counters, const char *key, int after,
    struct counters_kept *kept, struct err *err)
{
	struct note_request request = {key, after, kept};
	int rc = lmdb_store_read(store_of(counters), note_once, &request);

	if (rc == MDB_NOTFOUND)
		return 0;
	return rc != 0 ? failed(err, "reading a note", rc) : 1;
}

static int
look(struct lmdb_store *store, void *with)
{
	const struct request *r = with;
	struct lmdb_work work;
	size_t i;
	int rc = lmdb_store_peek(store, &work);

	if (rc != 0)
		return rc;
	for (i = 0; i < r->count && rc == 0; i++)
		rc = tally_read(&work, &r->items[i]);
	lmdb_work_abort(&work);
	return rc;
}

static int
lmdb_read(struct counters *counters, struct counters_item *items, size_t count,
    struct err *err)
{
	struct request request = {.items = items, .count = count};
	int rc = lmdb_store_read(store_of(counters), look, &request);

	return rc != 0 ? failed(err, "reading", rc) : 0;
}

static int
lmdb_walk(
    struct counters *counters, struct counters_walk *walk, struct err *err)
{
	int rc = lmdb_keys_walk(store_of(counters), walk, err);

	return rc > 0 || rc < -1 ? failed(err, "listing", rc) : rc;
}

static void
lmdb_tick(struct counters *counters)
{
	int rc = lmdb_store_tick(store_of(counters));

	if (rc != 0)
		log_warn(NULL, "cannot tidy the counters: reason=%s",
		    mdb_strerror(rc));
}

static void
lmdb_close(struct counters *counters)
{
	lmdb_store_close(store_of(counters));
	free(counters);
}

/* --- opening ------------------------------------------------------------- */

static const struct counters_ops ops = {
    .reserve = lmdb_reserve,
    .take_back = lmdb_take_back,
    .read = lmdb_read,
    .reset = lmdb_reset,
    .walk = lmdb_walk,
    .note_write = lmdb_note_write,
    .note_get = lmdb_note_get,
    .tick = lmdb_tick,
    .close = lmdb_close,
};

struct counters *
counters_lmdb_open(const char *directory, size_t bytes, struct err *err)
{
	struct lmdb_store *store = mem_zalloc(1, sizeof(*store));

	store->counters.ops = &ops;
	if (lmdb_store_open(store, directory, bytes, err) == 0)
		return &store->counters;
	free(store);
	return NULL;
}
