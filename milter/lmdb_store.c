/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_store - see lmdb_store.h.
 */
#define _GNU_SOURCE /* PTHREAD_MUTEX_ADAPTIVE_NP */
#include "lmdb_store.h"

#include <errno.h>
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

/* What lies over the file does, with all that the journal knows. */
static int
attach(struct lmdb_store *store)
{
	return store->file.pending == NULL
		   ? tally_attach(&store->tally, &store->file)
		   : 0;
}

/* Write down what is pending; a full file gets room. */
static int
settle(struct lmdb_store *store)
{
	struct lmdb_work work;
	int i, rc = MDB_MAP_FULL;

	for (i = 0; i < ROOM_TRIES && rc == MDB_MAP_FULL; i++) {
		if (i > 0)
			(void)make_room(store);
		rc = attach(store);
		if (rc == 0)
			rc = lmdb_work_begin(&work, &store->file, 0);
		if (rc == 0)
			rc = lmdb_work_commit(&work, 1);
	}
	return rc;
}

/* --- a disk that fails ---------------------------------------------------- */

/* Once: there may be a thousand messages a second. */
static void
note_failure(struct lmdb_store *store, int rc)
{
	if (store->failing || !lmdb_file_is_disk(rc))
		return;
	store->failing = 1;
	log_warn(NULL,
	    "the counters cannot be written, messages are counted in memory: "
	    "directory=%s reason=%s",
	    store->file.directory, mdb_strerror(rc));
}

static void
end_failure(struct lmdb_store *store)
{
	store->failing = 0;
	log_warn(NULL,
	    "the counters are written again, nothing was lost: directory=%s",
	    store->file.directory);
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

/* --- changing and reading -------------------------------------------------
 */

int
lmdb_store_peek(struct lmdb_store *store, struct lmdb_work *work)
{
	int rc = attach(store);

	return rc == 0 ? lmdb_work_peek(work, &store->file) : rc;
}

int
lmdb_store_make_way(struct lmdb_store *store)
{
	int rc = attach(store);

	if (rc != 0 || !pending_is_full(store->file.pending))
		return rc;
	/* While the disk fails, only the ticks try it again. */
	if (!store->failing) {
		rc = settle(store);
		if (!lmdb_file_is_disk(rc))
			return rc;
		note_failure(store, rc);
		(void)recovered(store, rc);
		rc = attach(store);
	}
	if (rc == 0 && pending_is_overfull(store->file.pending))
		rc = ENOBUFS;
	return rc;
}

/* A full map is given room. */
static int
try(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc = attach(store);

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

/* A file that is damaged, or that LMDB has given up, is opened anew. */
static int
insist(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc = try(store, task, with), first = rc;

	if (!recovered(store, rc))
		return rc;
	rc = try(store, task, with);
	if (rc == 0 && !store->failing && lmdb_file_is_disk(first))
		log_warn(NULL,
		    "the counters' file failed and was opened again: "
		    "directory=%s reason=%s",
		    store->file.directory, mdb_strerror(first));
	return rc;
}

int
lmdb_store_change(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	store->dirty = 1;
	rc = insist(store, task, with);
	note_failure(store, rc != 0 ? rc : store->tally.journal.failed);
	(void)pthread_mutex_unlock(&store->lock);
	return rc;
}

int
lmdb_store_read(struct lmdb_store *store, lmdb_store_task task, void *with)
{
	int rc;

	(void)pthread_mutex_lock(&store->lock);
	rc = insist(store, task, with);
	(void)pthread_mutex_unlock(&store->lock);
	return rc;
}

static int
tidy(struct lmdb_store *store, void *with)
{
	int rc;

	(void)with;
	rc = sweep(store, SWEEP_KEYS);
	return rc == MDB_MAP_FULL ? settle(store) : rc;
}

/* What has to go well before the disk is said to work again. */
static int
tidy_and_sync(struct lmdb_store *store)
{
	int rc = insist(store, tidy, NULL);

	if (rc == 0)
		rc = journal_probe(&store->tally.journal);
	(void)pthread_mutex_unlock(&store->lock);
	/* Not under the lock: a slow disk must not hold up a message. */
	if (rc == 0)
		rc = lmdb_file_sync(&store->file);
	(void)pthread_mutex_lock(&store->lock);
	return rc;
}

int
lmdb_store_tick(struct lmdb_store *store)
{
	int rc = 0;

	(void)pthread_mutex_lock(&store->lock);
	/* An idle relay leaves its disk alone. */
	if (store->dirty || store->failing || store->sweep[0] != '\0') {
		store->dirty = 0;
		rc = tidy_and_sync(store);
		if (rc == 0 && store->failing &&
		    store->tally.journal.failed == 0)
			end_failure(store);
		note_failure(store, rc);
	}
	(void)pthread_mutex_unlock(&store->lock);
	return lmdb_file_is_disk(rc) ? 0 : rc;
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
	int rc;

	if (open_both(store, directory, bytes, err) < 0)
		return -1;
	make_lock(&store->lock);
	rc = settle(store);
	if (rc != 0 && !recovered(store, rc) && !lmdb_file_is_disk(rc))
		log_warn(NULL, "cannot take up the counters' journal: %s",
		    mdb_strerror(rc));
	note_failure(store, rc);
	return 0;
}

void
lmdb_store_close(struct lmdb_store *store)
{
	/* What is not settled is in the journal, if that could be written. */
	if (settle(store) != 0 && store->tally.journal.unsaved.len > 0)
		log_warn(NULL,
		    "the counters cannot be written, what was counted in "
		    "memory is lost: directory=%s",
		    store->file.directory);
	(void)pthread_mutex_destroy(&store->lock);
	lmdb_file_close(&store->file);
	tally_close(&store->tally);
}
