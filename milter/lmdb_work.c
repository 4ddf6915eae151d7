/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_work - see lmdb_work.h.
 */
#include "lmdb_work.h"

#include <string.h>

#include "log.h"

#define SEEN_MS (5 * 60 * 1000)

/* What "clock" holds under the key "clock". */
#define CLOCK_BYTES (TICKS_BYTES + 8)

static char clock_name[] = "clock";
static MDB_val clock_key = {.mv_size = 5, .mv_data = clock_name};

/* --- the transaction and its time ---------------------------------------- */

static int
read_clock(struct lmdb_work *work)
{
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
lmdb_work_begin(struct lmdb_work *work, struct lmdb_file *file, unsigned flags)
{
	int rc;

	work->file = file;
	rc = lmdb_file_begin(file, flags, &work->txn);
	if (rc != 0)
		return rc;
	rc = read_clock(work);
	if (rc != 0)
		lmdb_work_abort(work);
	return rc;
}

int
lmdb_work_commit(struct lmdb_work *work, int dirty)
{
	int rc = dirty ? write_clock(work) : 0;

	if (rc != 0) {
		lmdb_work_abort(work);
		return rc;
	}
	/* Nothing written, nothing is committed: LMDB sees to that. */
	return mdb_txn_commit(work->txn);
}

void
lmdb_work_abort(struct lmdb_work *work)
{
	mdb_txn_abort(work->txn);
}

/* --- rings --------------------------------------------------------------- */

int
lmdb_work_get(struct lmdb_work *work, const char *key, int64_t window_ms,
    struct limit_ring *ring)
{
	MDB_val name = lmdb_file_val(key, strlen(key)), data;
	int rc = mdb_get(work->txn, work->file->rings, &name, &data);

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
	MDB_val data = lmdb_file_val(bytes, sizeof(bytes));

	limit_encode(ring, bytes);
	return mdb_put(work->txn, work->file->rings, &name, &data, 0);
}

int
lmdb_work_delete(struct lmdb_work *work, const char *key)
{
	MDB_val name = lmdb_file_val(key, strlen(key));
	int rc = mdb_del(work->txn, work->file->rings, &name, NULL);

	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* --- messages counted lately --------------------------------------------- */

static size_t
filled(const struct lmdb_work *work)
{
	return (size_t)(work->turned_ms / SEEN_MS) & 1;
}

static int
turn_seen(struct lmdb_work *work)
{
	int64_t turn = work->now_ms - work->now_ms % SEEN_MS;
	int64_t before = work->turned_ms;
	int rc;

	if (turn == before)
		return 0;
	work->turned_ms = turn;
	rc = mdb_drop(work->txn, work->file->seen[filled(work)], 0);
	/* After a longer rest both are of no use. */
	if (rc == 0 && turn - before > SEEN_MS)
		rc = mdb_drop(work->txn, work->file->seen[!filled(work)], 0);
	return rc;
}

int
lmdb_work_find_seen(struct lmdb_work *work, const char *id)
{
	MDB_val key, data;
	int i, rc = MDB_NOTFOUND;

	if (id == NULL)
		return rc;
	key = lmdb_file_val(id, strlen(id));
	for (i = 0; i < 2 && rc == MDB_NOTFOUND; i++)
		rc = mdb_get(work->txn, work->file->seen[i], &key, &data);
	return rc;
}

int
lmdb_work_add_seen(struct lmdb_work *work, const char *id)
{
	MDB_val key, data = lmdb_file_val("", 0);
	int rc = turn_seen(work);

	if (id == NULL || rc != 0)
		return rc;
	key = lmdb_file_val(id, strlen(id));
	return mdb_put(
	    work->txn, work->file->seen[filled(work)], &key, &data, 0);
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
