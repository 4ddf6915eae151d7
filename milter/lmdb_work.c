/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_work - see lmdb_work.h.
 */
#include "lmdb_work.h"

#include <string.h>

#include "journal.h"
#include "log.h"
#include "pending.h"

#define SEEN_MS COUNTERS_KNOWN_MS
#define SEEN_MAX 16384

/* What "clock" holds under the key "clock". */
#define CLOCK_BYTES (TICKS_BYTES + 8)

static char clock_name[] = "clock";
static MDB_val clock_key = {.mv_size = 5, .mv_data = clock_name};
static char journal_name[] = "journal";
static MDB_val journal_key = {.mv_size = 7, .mv_data = journal_name};

/* --- the transaction and its time ---------------------------------------- */

static int
read_clock(struct lmdb_work *work)
{
	const struct pending *pending = work->file->pending;
	const struct ticks *known = pending != NULL ? &pending->ticks : NULL;
	MDB_val data;
	struct ticks now;
	int rc = mdb_get(work->txn, work->file->clock, &clock_key, &data);

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
	/* What was counted since has gone by this one. */
	if (known != NULL && known->ticks_ms > work->ticks.ticks_ms)
		work->ticks = *known;
	ticks_read(&now);
	work->now_ms = ticks_advance(&work->ticks, &now);
	return 0;
}

static int
write_clock(struct lmdb_work *work)
{
	unsigned char bytes[CLOCK_BYTES] = {0};
	MDB_val data = lmdb_file_val(bytes, sizeof(bytes));

	ticks_encode(&work->ticks, bytes);
	memcpy(bytes + TICKS_BYTES, &work->turned_ms, 8);
	return mdb_put(work->txn, work->file->clock, &clock_key, &data, 0);
}

int
lmdb_work_generation(struct lmdb_work *work, uint64_t *generation)
{
	MDB_val data;
	int rc = mdb_get(work->txn, work->file->clock, &journal_key, &data);

	*generation = 0;
	if (rc == 0 && data.mv_size == sizeof(*generation))
		memcpy(generation, data.mv_data, sizeof(*generation));
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
write_generation(struct lmdb_work *work)
{
	uint64_t next = 0;
	MDB_val data = lmdb_file_val(&next, sizeof(next));

	if (work->file->pending == NULL)
		return 0;
	next = work->file->journal->generation + 1;
	return mdb_put(work->txn, work->file->clock, &journal_key, &data, 0);
}

static int
write_pending(struct lmdb_work *work)
{
	const struct pending *pending = work->file->pending;
	const struct pending_ring *ring;
	size_t i;
	int rc = 0;

	if (pending == NULL || (pending->messages == 0 && !pending->mended))
		return 0;
	work->wrote = 1;
	for (i = 0; i < PENDING_BUCKETS; i++)
		for (ring = pending->buckets[i]; ring != NULL && rc == 0;
		     ring = ring->next)
			if (ring->changed)
				rc =
				    lmdb_work_put(work, ring->key, &ring->ring);
	for (i = 0; i < pending->id_count && rc == 0; i++)
		rc = lmdb_work_add_seen(
		    work, pending->ids[i].id, pending->ids[i].counted_ms);
	return rc;
}

static int
begin(struct lmdb_work *work, struct lmdb_file *file, unsigned flags)
{
	int rc;

	work->file = file;
	work->peeks = flags & MDB_RDONLY ? 1 : 0;
	work->wrote = 0;
	rc = lmdb_file_begin(file, flags, &work->txn);
	if (rc != 0)
		return rc;
	rc = read_clock(work);
	if (rc == 0 && file->pending != NULL)
		file->pending->ticks = work->ticks;
	if (rc == 0 && !work->peeks)
		rc = write_pending(work);
	if (rc != 0)
		lmdb_work_abort(work);
	return rc;
}

void
lmdb_work_set_time(struct lmdb_work *work, int64_t now_ms)
{
	work->now_ms = now_ms;
	work->ticks.ticks_ms = now_ms;
}

int
lmdb_work_open(struct lmdb_work *work)
{
	return work->txn != NULL
		   ? 0
		   : lmdb_file_begin(work->file, MDB_RDONLY, &work->txn);
}

int
lmdb_work_peek(struct lmdb_work *work, struct lmdb_file *file)
{
	struct ticks now;

	if (file->pending == NULL || file->pending->ticks.ticks_ms == 0)
		return begin(work, file, MDB_RDONLY);
	*work = (struct lmdb_work){.file = file, .peeks = 1};
	ticks_read(&now);
	work->now_ms = ticks_advance(&file->pending->ticks, &now);
	return 0;
}

int
lmdb_work_begin(struct lmdb_work *work, struct lmdb_file *file, unsigned flags)
{
	int rc;

	if (flags & MDB_RDONLY && file->pending != NULL &&
	    file->pending->messages > 0) {
		rc = begin(work, file, 0);
		if (rc == 0)
			rc = lmdb_work_commit(work, 1);
		if (rc != 0)
			return rc;
	}
	return begin(work, file, flags);
}

int
lmdb_work_commit(struct lmdb_work *work, int dirty)
{
	struct lmdb_file *file = work->file;
	int rc = 0;

	dirty = dirty || work->wrote;
	if (dirty)
		rc = write_clock(work);
	if (rc == 0 && dirty)
		rc = write_generation(work);
	if (rc != 0) {
		lmdb_work_abort(work);
		return rc;
	}
	/* Nothing written, nothing is committed: LMDB sees to that. */
	rc = mdb_txn_commit(work->txn);
	if (work->peeks || file->pending == NULL)
		return rc;
	/* Rings that were only read may be others now. */
	pending_clear(file->pending);
	if (rc != 0)
		file->pending = NULL;
	else if (dirty)
		journal_begin(file->journal, file->journal->generation + 1);
	return rc;
}

void
lmdb_work_abort(struct lmdb_work *work)
{
	if (work->txn != NULL)
		mdb_txn_abort(work->txn);
	/* What was counted in it is in memory: the journal knows what counts.
	 */
	if (!work->peeks)
		work->file->pending = NULL;
}

/* --- rings --------------------------------------------------------------- */

int
lmdb_work_get(struct lmdb_work *work, const char *key, int64_t window_ms,
    struct limit_ring *ring)
{
	MDB_val name = lmdb_file_val(key, strlen(key)), data;
	int rc = lmdb_work_open(work);

	if (rc == 0)
		rc = mdb_get(work->txn, work->file->rings, &name, &data);
	if (rc == 0 &&
	    limit_decode(ring, window_ms, data.mv_data, data.mv_size) == 0)
		return 0;
	if (rc == 0)
		log_warn(
		    NULL, "a counter is damaged and begins at 0: key=%s", key);
	limit_init(ring, window_ms);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
lmdb_work_put(
    struct lmdb_work *work, const char *key, const struct limit_ring *ring)
{
	unsigned char bytes[LIMIT_BYTES];
	MDB_val name = lmdb_file_val(key, strlen(key));
	MDB_val data = lmdb_file_val(bytes, limit_encode(ring, bytes));

	return mdb_put(work->txn, work->file->rings, &name, &data, 0);
}

int
lmdb_work_take_back(struct lmdb_work *work, const char *key, int64_t window_ms,
    int64_t counted_ms, uint64_t amount)
{
	struct limit_ring ring;
	int rc = lmdb_work_get(work, key, window_ms, &ring);
	uint64_t before = ring.sum;

	if (rc != 0)
		return rc;
	limit_take_back(&ring, counted_ms, amount);
	return ring.sum < before ? lmdb_work_put(work, key, &ring) : 0;
}

int
lmdb_work_delete(struct lmdb_work *work, const char *key)
{
	MDB_val name = lmdb_file_val(key, strlen(key));
	int rc = mdb_del(work->txn, work->file->rings, &name, NULL);

	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
lmdb_work_next(struct lmdb_work *work, char key[LMDB_WORK_KEY_MAX + 1],
    struct limit_ring *ring)
{
	MDB_cursor *cursor;
	MDB_val name = lmdb_file_val(key, strlen(key)), data;
	int rc = mdb_cursor_open(work->txn, work->file->rings, &cursor);

	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(
	    cursor, &name, &data, key[0] != '\0' ? MDB_SET_RANGE : MDB_FIRST);
	if (rc == 0 && name.mv_size == strlen(key) &&
	    memcmp(name.mv_data, key, name.mv_size) == 0)
		rc = mdb_cursor_get(cursor, &name, &data, MDB_NEXT);
	/* What cannot be read counts nothing: pass over it. */
	while (rc == 0 &&
	       (name.mv_size > LMDB_WORK_KEY_MAX ||
		   limit_decode_any(ring, data.mv_data, data.mv_size) < 0))
		rc = mdb_cursor_get(cursor, &name, &data, MDB_NEXT);
	if (rc == 0) {
		memcpy(key, name.mv_data, name.mv_size);
		key[name.mv_size] = '\0';
	}
	mdb_cursor_close(cursor);
	return rc;
}

/* --- words --------------------------------------------------------------- */

int
lmdb_work_put_word(struct lmdb_work *work, const char *name, const char *word)
{
	MDB_val key = lmdb_file_val(name, strlen(name));
	MDB_val data = lmdb_file_val(word, strlen(word));

	return mdb_put(work->txn, work->file->clock, &key, &data, 0);
}

int
lmdb_work_get_word(
    struct lmdb_work *work, const char *name, char *word, size_t size)
{
	MDB_val key = lmdb_file_val(name, strlen(name)), data;
	int rc = mdb_get(work->txn, work->file->clock, &key, &data);

	if (rc != 0 || data.mv_size >= size)
		return rc != 0 ? rc : MDB_NOTFOUND;
	memcpy(word, data.mv_data, data.mv_size);
	word[data.mv_size] = '\0';
	return 0;
}

/* --- messages counted lately --------------------------------------------- */

static size_t
filled(const struct lmdb_work *work)
{
	return (size_t)(work->turned_ms / SEEN_MS) & 1;
}

static int
drop_seen(struct lmdb_work *work, size_t number)
{
	if (work->file->pending != NULL)
		pending_filter_clear(work->file->pending, number);
	return mdb_drop(work->txn, work->file->seen[number], 0);
}

/* When it is time, or the filled one is full: its time then runs ahead. */
static int
turn_seen(struct lmdb_work *work)
{
	int64_t turn = work->now_ms - work->now_ms % SEEN_MS;
	int64_t before = work->turned_ms;
	MDB_stat stat;
	int rc = mdb_stat(work->txn, work->file->seen[filled(work)], &stat);

	if (rc != 0 || (turn <= before && stat.ms_entries < SEEN_MAX))
		return rc;
	work->turned_ms = turn > before ? turn : before + SEEN_MS;
	rc = drop_seen(work, filled(work));
	/* After a longer rest both are of no use. */
	if (rc == 0 && turn - before > SEEN_MS)
		rc = drop_seen(work, !filled(work));
	return rc;
}

/* An idle relay leaves old ones where they are. */
static int
is_recent(const struct lmdb_work *work, const MDB_val *data)
{
	int64_t counted_ms;

	if (data->mv_size != sizeof(counted_ms))
		return 0;
	memcpy(&counted_ms, data->mv_data, sizeof(counted_ms));
	return work->now_ms - counted_ms <= COUNTERS_KNOWN_MS;
}

int
lmdb_work_find_seen(struct lmdb_work *work, uint64_t id)
{
	MDB_val key = lmdb_file_val(&id, sizeof(id)), data;
	int i, rc = lmdb_work_open(work);

	if (rc != 0)
		return rc;
	rc = MDB_NOTFOUND;
	for (i = 0; id != 0 && i < 2 && rc == MDB_NOTFOUND; i++) {
		rc = mdb_get(work->txn, work->file->seen[i], &key, &data);
		if (rc == 0 && !is_recent(work, &data))
			rc = MDB_NOTFOUND;
	}
	return rc;
}

int
lmdb_work_add_seen(struct lmdb_work *work, uint64_t id, int64_t counted_ms)
{
	MDB_val key = lmdb_file_val(&id, sizeof(id));
	MDB_val data = lmdb_file_val(&counted_ms, sizeof(counted_ms));
	int rc = turn_seen(work);

	if (id == 0 || rc != 0)
		return rc;
	if (work->file->pending != NULL)
		pending_filter_add(work->file->pending, filled(work), id);
	return mdb_put(
	    work->txn, work->file->seen[filled(work)], &key, &data, 0);
}

int
lmdb_work_forget_seen(struct lmdb_work *work, uint64_t id)
{
	MDB_val key = lmdb_file_val(&id, sizeof(id));
	int i, rc, found = MDB_NOTFOUND;

	for (i = 0; id != 0 && i < 2; i++) {
		rc = mdb_del(work->txn, work->file->seen[i], &key, NULL);
		if (rc != MDB_NOTFOUND)
			found = rc;
		if (rc != 0 && rc != MDB_NOTFOUND)
			return rc;
	}
	return found;
}

static int
load_seen(struct lmdb_work *work, struct pending *pending, size_t number)
{
	MDB_cursor *cursor;
	MDB_val key, data;
	uint64_t id;
	int rc = mdb_cursor_open(work->txn, work->file->seen[number], &cursor);

	if (rc != 0)
		return rc;
	pending_filter_clear(pending, number);
	while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
		if (key.mv_size != sizeof(id))
			continue;
		memcpy(&id, key.mv_data, sizeof(id));
		pending_filter_add(pending, number, id);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
lmdb_work_load(struct lmdb_work *work, struct pending *pending)
{
	int rc = load_seen(work, pending, 0);

	pending->ticks = work->ticks;
	return rc == 0 ? load_seen(work, pending, 1) : rc;
}

/* --- sweeping ------------------------------------------------------------ */

static int
sweep_rings(
    struct lmdb_work *work, char from[LMDB_WORK_KEY_MAX + 1], size_t most)
{
	MDB_cursor *cursor;
	MDB_val key = lmdb_file_val(from, strlen(from)), data;
	MDB_cursor_op op = from[0] != '\0' ? MDB_SET_RANGE : MDB_FIRST;
	int rc = mdb_cursor_open(work->txn, work->file->rings, &cursor);

	if (rc != 0)
		return rc;
	for (; most > 0; most--, op = MDB_NEXT) {
		rc = mdb_cursor_get(cursor, &key, &data, op);
		if (rc != 0)
			break;
		if (key.mv_size <= LMDB_WORK_KEY_MAX) {
			memcpy(from, key.mv_data, key.mv_size);
			from[key.mv_size] = '\0';
		}
		if (limit_is_over(data.mv_data, data.mv_size, work->now_ms))
			rc = mdb_cursor_del(cursor, 0);
		if (rc != 0)
			break;
	}
	mdb_cursor_close(cursor);
	if (rc == 0)
		return 0;
	from[0] = '\0';
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
lmdb_work_sweep(
    struct lmdb_work *work, char from[LMDB_WORK_KEY_MAX + 1], size_t most)
{
	int rc = turn_seen(work);

	return rc == 0 ? sweep_rings(work, from, most) : rc;
}
