/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally - see tally.h.
 */
#include "tally.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

int
tally_open(struct tally *tally, const char *directory, struct err *err)
{
	int rc = journal_open(&tally->journal, directory);

	if (rc == 0)
		return 0;
	if (rc == EAGAIN)
		return err_set(err, ERR_CONFIG, "counters",
		    "counters: another program counts in %s; stop it, or give "
		    "each its own directory",
		    directory);
	return err_set(err, ERR_CONFIG, "counters",
	    "counters: cannot open %s/journal: %s; the directory must exist "
	    "and belong to the milter's user",
	    directory, strerror(rc));
}

void
tally_close(struct tally *tally)
{
	pending_clear(&tally->pending);
	journal_close(&tally->journal);
}

/* --- rings --------------------------------------------------------------- */

/* The ring of a key as it is now: what is pending, else the file's. */
static int
find_ring(struct lmdb_work *work, const struct counters_item *item,
    struct pending_ring **found)
{
	struct pending *pending = work->file->pending;
	struct limit_ring ring;
	int rc = 0;

	*found = pending_find(pending, item->key);
	if (*found != NULL)
		return 0;
	rc = lmdb_work_get(work, item->key, item->window_ms, &ring);
	if (rc == 0)
		*found = pending_enter(pending, item->key, &ring);
	return rc;
}

static void
fill_in(struct counters_item *item, struct limit_ring *ring, int64_t now_ms)
{
	item->used = limit_used(ring, now_ms);
	item->wait_ms = limit_wait(ring, now_ms, item->max, item->amount);
	item->frees_ms = limit_frees(ring, now_ms);
}

int
tally_look(struct lmdb_work *work, struct counters_item *items, size_t count,
    int *granted)
{
	struct pending_ring *ring;
	size_t i;
	int rc;

	*granted = 1;
	for (i = 0; i < count; i++) {
		rc = find_ring(work, &items[i], &ring);
		if (rc != 0)
			return rc;
		fill_in(&items[i], &ring->ring, work->now_ms);
		if (items[i].wait_ms != 0)
			*granted = 0;
	}
	return 0;
}

int
tally_read(struct lmdb_work *work, struct counters_item *item)
{
	const struct pending_ring *pending =
	    pending_find(work->file->pending, item->key);
	struct limit_ring ring;
	int rc = 0;

	if (pending != NULL)
		ring = pending->ring;
	else
		rc = lmdb_work_get(work, item->key, item->window_ms, &ring);
	if (rc == 0)
		fill_in(item, &ring, work->now_ms);
	return rc;
}

int
tally_find_seen(struct lmdb_work *work, uint64_t id)
{
	const struct pending *pending = work->file->pending;

	if (pending_has(pending, id))
		return 0;
	return pending_filter_may(pending, id) ? lmdb_work_find_seen(work, id)
					       : MDB_NOTFOUND;
}

/* --- counting ------------------------------------------------------------ */

static int
count_at(struct lmdb_work *work, int64_t now_ms, uint64_t id,
    const struct counters_item *items, size_t count)
{
	struct pending_ring *ring;
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = find_ring(work, &items[i], &ring);
		if (rc != 0)
			return rc;
		limit_add(&ring->ring, now_ms, items[i].amount);
		ring->changed = 1;
	}
	pending_count(work->file->pending, id);
	return 0;
}

/* All that can fail comes before the first thing that is counted. */
static int
note_in_journal(struct lmdb_work *work, uint64_t id,
    const struct counters_item *items, size_t count)
{
	char record[PENDING_RECORD_MAX];
	struct pending_ring *ring;
	size_t i, len;
	int rc;

	for (i = 0; i < count; i++) {
		rc = find_ring(work, &items[i], &ring);
		if (rc != 0)
			return rc;
	}
	len = pending_write(record, work->now_ms, id, items, count);
	return journal_add(work->file->journal, record, len);
}

static int
write_rings(struct lmdb_work *work, uint64_t id,
    const struct counters_item *items, size_t count)
{
	const struct pending_ring *ring;
	size_t i;
	int rc = lmdb_work_add_seen(work, id);

	for (i = 0; i < count && rc == 0; i++) {
		ring = pending_find(work->file->pending, items[i].key);
		rc = lmdb_work_put(work, ring->key, &ring->ring);
	}
	return rc;
}

int
tally_count(struct lmdb_work *work, uint64_t id,
    const struct counters_item *items, size_t count)
{
	int rc = work->peeks ? note_in_journal(work, id, items, count) : 0;

	if (rc == 0)
		rc = count_at(work, work->now_ms, id, items, count);
	if (rc == 0 && !work->peeks)
		rc = write_rings(work, id, items, count);
	return rc;
}

static int
count_again(const void *data, size_t len, void *arg)
{
	struct pending_message message;

	if (pending_read(&message, data, len) < 0)
		return MDB_CORRUPTED;
	return count_at(
	    arg, message.now_ms, message.id, message.items, message.count);
}

/* --- the file ------------------------------------------------------------ */

static int
replay(struct lmdb_work *work)
{
	struct journal *journal = work->file->journal;
	uint64_t generation;
	int rc = lmdb_work_generation(work, &generation);

	if (rc != 0)
		return rc;
	if (generation != 0)
		return journal_replay(journal, generation, count_again, work);
	/* A new file has no part in an old journal. */
	journal_begin(journal, (uint64_t)clock_wall_ms() << 20);
	return 0;
}

int
tally_attach(struct tally *tally, struct lmdb_file *file)
{
	struct lmdb_work work;
	int rc;

	file->pending = NULL;
	rc = lmdb_work_peek(&work, file);
	if (rc != 0)
		return rc;
	pending_clear(&tally->pending);
	rc = lmdb_work_load(&work, &tally->pending);
	file->journal = &tally->journal;
	file->pending = &tally->pending;
	if (rc == 0)
		rc = replay(&work);
	lmdb_work_abort(&work);
	if (rc != 0)
		file->pending = NULL;
	return rc;
}
