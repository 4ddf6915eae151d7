/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_store - see lmdb_store.h.
 */
#define _GNU_SOURCE /* PTHREAD_MUTEX_ADAPTIVE_NP */
#include "lmdb_store.h"

#include <string.h>

#include "log.h"

#define SWEEP_KEYS 256 /* looked at in a tick */
#define ROOM_SWEEPS 16
#define ROOM_TRIES 8

/* --- room ----------------------------------------------------------------- */

/* Drop rings that hold nothing any more, and ids that are old enough. */
static int
sweep(struct lmdb_store *store, size_t most)
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
make_room(struct lmdb_store *store)
{
	int i, rc = lmdb_file_grow(&store->file);

	store->sweep[0] = '\0';
	for (i = 0; i < ROOM_SWEEPS && rc == 0; i++)
		rc = sweep(store, SWEEP_KEYS);
	return rc;
}

/* Take up the journal; write down what is pending; a full file gets room. */
static int
settle(struct lmdb_store *store)
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
int
lmdb_store_peek(struct lmdb_store *store, struct lmdb_work *work)
{
	int rc = 0;

	if (store->file.pending == NULL || pending_is_full(store->file.pending))
		rc = settle(store);
	return rc == 0 ? lmdb_work_peek(work, &store->file) : rc;
}

/* 1 if another try after the error rc may go well. */
static int
recovered(struct lmdb_store *store, int rc)
{
	if (rc == 0 || !lmdb_file_recover(&store->file, rc))
		return 0;
	store->file.pending = NULL;
	return 1;
}

/* --- changing and reading --------------------------------------------------
 */

/* Under the lock: a full map is given room, a damaged one opened anew. */
static int
try(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc = store->file.pending == NULL ? settle(store) : 0;

	if (rc == 0)
		rc = task(store, with);
	if (rc != MDB_MAP_FULL)
		return rc;
	log_warn(NULL, "the counters' file is full: dropping what has expired");
	rc = make_room(store);
	if (rc == 0)
		rc = settle(store);
	return rc == 0 ? task(store, with) : rc;
}

int
lmdb_store_change(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	store->dirty = 1;
	rc = try(store, task, with);
	if (recovered(store, rc))
		rc = try(store, task, with);
	(void)pthread_mutex_unlock(&store->lock);
	return rc;
}

int
lmdb_store_read(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	rc = task(store, with);
	if (recovered(store, rc))
		rc = task(store, with);
	(void)pthread_mutex_unlock(&store->lock);
	return rc;
}

int
lmdb_store_tick(struct lmdb_store *store)
{
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	/* An idle relay leaves its disk alone. */
	if (!store->dirty && store->sweep[0] == '\0') {
		(void)pthread_mutex_unlock(&store->lock);
		return 0;
	}
	store->dirty = 0;
	rc = sweep(store, SWEEP_KEYS);
	if (rc == MDB_MAP_FULL)
		rc = settle(store);
	if (recovered(store, rc))
		rc = 0;
	(void)pthread_mutex_unlock(&store->lock);
	/* Not under the lock: a slow disk must not hold up a message. */
	return rc == 0 ? lmdb_file_sync(&store->file) : rc;
}

/* --- opening -------------------------------------------------------------- */

/* The journal first: the file may be another process's. */
static int
open_both(struct lmdb_store *store, const char *directory, size_t bytes,
    struct err *err)
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

int
lmdb_store_open(struct lmdb_store *store, const char *directory, size_t bytes,
    struct err *err)
{
	struct lmdb_work work;
	int rc;

	if (open_both(store, directory, bytes, err) < 0)
		return -1;
	make_lock(&store->lock);
	rc = lmdb_store_peek(store, &work);
	if (rc == 0)
		lmdb_work_abort(&work);
	else if (!recovered(store, rc))
		log_warn(NULL, "cannot take up the counters' journal: %s",
		    mdb_strerror(rc));
	return 0;
}

void
lmdb_store_close(struct lmdb_store *store)
{
	if (store->file.pending != NULL)
		(void)settle(store); /* else the journal keeps it */
	(void)pthread_mutex_destroy(&store->lock);
	lmdb_file_close(&store->file);
	tally_close(&store->tally);
}
