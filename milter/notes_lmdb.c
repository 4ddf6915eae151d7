/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes_lmdb - see notes_lmdb.h.
 */
#include "notes_lmdb.h"

#include <string.h>

int
notes_lmdb_write(struct lmdb_file *file, MDB_txn *txn,
    const struct counters_note *notes, size_t count)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < count && rc == 0; i++) {
		MDB_val key = lmdb_file_val(notes[i].key, strlen(notes[i].key));
		MDB_val data = lmdb_file_val(notes[i].data, notes[i].len);

		if (notes[i].data != NULL) {
			rc = mdb_put(txn, file->notes, &key, &data, 0);
			continue;
		}
		rc = mdb_del(txn, file->notes, &key, NULL);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	return rc;
}

/* The first note at key or behind it. */
static int
seek(struct lmdb_file *file, MDB_txn *txn, const char *from, MDB_val *key,
    MDB_val *data, int after)
{
	MDB_cursor *cursor;
	size_t len = strlen(from);
	int rc = mdb_cursor_open(txn, file->notes, &cursor);

	if (rc != 0)
		return rc;
	*key = lmdb_file_val(from, len);
	rc = mdb_cursor_get(cursor, key, data, MDB_SET_RANGE);
	if (rc == 0 && after && key->mv_size == len &&
	    memcmp(key->mv_data, from, len) == 0)
		rc = mdb_cursor_get(cursor, key, data, MDB_NEXT);
	mdb_cursor_close(cursor);
	return rc;
}

int
notes_lmdb_any(struct lmdb_file *file, MDB_txn *txn, const char *prefix)
{
	MDB_val key, data;
	size_t len = strlen(prefix);
	int rc = seek(file, txn, prefix, &key, &data, 0);

	if (rc == 0 &&
	    (key.mv_size < len || memcmp(key.mv_data, prefix, len) != 0))
		rc = MDB_NOTFOUND;
	return rc;
}

int
notes_lmdb_get(struct lmdb_file *file, MDB_txn *txn, const char *key, int after,
    struct counters_kept *kept)
{
	MDB_val found = lmdb_file_val(key, strlen(key)), data;
	int rc = after ? seek(file, txn, key, &found, &data, 1)
		       : mdb_get(txn, file->notes, &found, &data);

	if (rc != 0)
		return rc;
	if (found.mv_size >= sizeof(kept->key) ||
	    data.mv_size > sizeof(kept->data))
		return MDB_CORRUPTED;
	memcpy(kept->key, found.mv_data, found.mv_size);
	kept->key[found.mv_size] = '\0';
	memcpy(kept->data, data.mv_data, data.mv_size);
	kept->len = data.mv_size;
	return 0;
}
