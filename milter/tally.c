/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally - see tally.h.
 */
#include "tally.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

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

/*
 * The file's ring of a key. One that has counted in the future would not forget
 * until then: what it holds is of now (*mended).
 */
static int
read_ring(struct lmdb_work *work, const struct counters_item *item,
    struct limit_ring *ring, int *mended)
{
	int rc = lmdb_work_get(work, item->key, item->window_ms, ring);

	*mended = rc == 0 && limit_is_ahead(ring, work->now_ms);
	if (*mended)
		limit_rebase(ring, work->now_ms);
	return rc;
}

/* The ring of a key as it is now: what is pending, else the file's. */
static int
find_ring(struct lmdb_work *work, const struct counters_item *item,
    struct pending_ring **found)
{
	struct pending *pending = work->file->pending;
	struct limit_ring ring;
	int mended, rc;

	*found = pending_find(pending, item->key);
	if (*found != NULL)
		return 0;
	rc = read_ring(work, item, &ring, &mended);
	if (rc != 0)
		return rc;
	*found = pending_enter(pending, item->key, &ring);
	if (mended) {
		log_warn(NULL,
		    "a counter is damaged, it was ahead of its time: key=%s",
		    item->key);
		(*found)->changed = 1;
		pending->mended = 1;
	}
	return 0;
}

static void
fill_in(struct counters_item *item, struct limit_ring *ring, int64_t now_ms)
{
	item->used = limit_used(ring, now_ms);
	item->wait_ms = limit_wait(ring, now_ms, item->max, item->amount);
}

int
tally_look(struct lmdb_work *work, struct counters_item *items, size_t count,
    struct tally_rings *rings, int *granted)
{
	size_t i;
	int rc;

	*granted = 1;
	for (i = 0; i < count; i++) {
		rc = find_ring(work, &items[i], &rings->of[i]);
		if (rc != 0)
			return rc;
		fill_in(&items[i], &rings->of[i]->ring, work->now_ms);
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
	int mended, rc = 0;

	if (pending != NULL)
		ring = pending->ring;
	else
		rc = read_ring(work, item, &ring, &mended);
	if (rc != 0)
		return rc;
	fill_in(item, &ring, work->now_ms);
	item->frees_ms = limit_frees(&ring, work->now_ms);
	return 0;
}

int
tally_find_seen(struct lmdb_work *work, uint64_t id)
{
	const struct pending *pending = work->file->pending;

	if (pending_has(pending, id, work->now_ms))
		return 0;
	return pending_filter_may(pending, id) ? lmdb_work_find_seen(work, id)
					       : MDB_NOTFOUND;
}

/* --- counting ------------------------------------------------------------ */

static void
count_at(struct pending *pending, int64_t now_ms, uint64_t id,
    const struct counters_item *items, size_t count,
    const struct tally_rings *rings)
{
	size_t i;

	for (i = 0; i < count; i++) {
		limit_add(&rings->of[i]->ring, now_ms, items[i].amount);
		rings->of[i]->changed = 1;
	}
	pending_count(pending, id, now_ms);
}

static int
note_in_journal(struct lmdb_work *work, uint64_t id,
    const struct counters_item *items, size_t count)
{
	char record[PENDING_RECORD_MAX];
	size_t len = pending_write(record, work->now_ms, id, items, count);

	return journal_add(work->file->journal, record, len);
}

static int
write_rings(struct lmdb_work *work, uint64_t id, size_t count,
    const struct tally_rings *rings)
{
	size_t i;
	int rc = lmdb_work_add_seen(work, id, work->now_ms);

	for (i = 0; i < count && rc == 0; i++)
		rc =
		    lmdb_work_put(work, rings->of[i]->key, &rings->of[i]->ring);
	return rc;
}

/* What can fail without a transaction comes before what is counted. */
int
tally_count(struct lmdb_work *work, uint64_t id,
    const struct counters_item *items, size_t count,
    const struct tally_rings *rings)
{
	int rc = work->peeks ? note_in_journal(work, id, items, count) : 0;

	if (rc != 0)
		return rc;
	count_at(work->file->pending, work->now_ms, id, items, count, rings);
	return work->peeks ? 0 : write_rings(work, id, count, rings);
}

static int
count_again(const void *data, size_t len, void *arg)
{
	struct lmdb_work *work = arg;
	struct pending_message message;
	struct tally_rings rings;
	size_t i;
	int rc = 0;

	if (pending_read(&message, data, len) < 0)
		return MDB_CORRUPTED;
	/* The journal's last second may be later than the file's clock, and
	 * the machine's wrong since. */
	if (message.now_ms > work->now_ms)
		lmdb_work_set_time(work, message.now_ms);
	if (message.now_ms > work->file->pending->ticks.ticks_ms)
		work->file->pending->ticks.ticks_ms = message.now_ms;
	for (i = 0; i < message.count && rc == 0; i++)
		rc = find_ring(work, &message.items[i], &rings.of[i]);
	if (rc == 0)
		count_at(work->file->pending, message.now_ms, message.id,
		    message.items, message.count, &rings);
	return rc;
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
