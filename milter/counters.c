/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters - see counters.h.
 */
#include "counters.h"

#include <stdio.h>
#include <string.h>

#include "conf_counters.h"
#include "counters_lmdb.h"
#ifdef HAVE_HIREDIS
#include "counters_shared.h"
#endif
#include "map.h"

#define WHO_MAX 340
#define HASH_LEN 17

int
counters_check(const char *address, struct err *err)
{
	struct conf_value value = {.text = address};

	if (conf_value_counters(&value) < 0)
		return err_set(err, ERR_CONFIG, "counters",
		    "counters: \"%s\" %s", value.hide ? "..." : address,
		    value.problem);
	if (strncmp(address, "lmdb:", 5) != 0 || address[5] == '/')
		return 0;
	return err_set(err, ERR_CONFIG, "counters",
	    "counters: \"%s\" is no absolute directory", address);
}

struct counters *
counters_open(const struct conf_milter *milter, struct err *err)
{
	const char *address = milter->counters;

	if (counters_check(address, err) < 0)
		return NULL;
#ifdef HAVE_HIREDIS
	if (strncmp(address, "lmdb:", 5) != 0)
		return counters_shared_open(milter, err);
#endif
	return counters_lmdb_open(
	    address + strlen("lmdb:"), COUNTERS_LMDB_BYTES, err);
}

void
counters_close(struct counters *counters)
{
	if (counters != NULL)
		counters->ops->close(counters);
}

/* --- notes ---------------------------------------------------------------- */

static struct counters *
keeper(struct counters *counters)
{
	return counters->local != NULL ? counters->local : counters;
}

int
counters_note_write(struct counters *counters,
    const struct counters_note *notes, size_t count, struct err *err)
{
	struct counters *store = keeper(counters);

	return count == 0 ? 0
			  : store->ops->note_write(store, notes, count, err);
}

int
counters_note_get(struct counters *counters, const char *key,
    struct counters_kept *kept, struct err *err)
{
	struct counters *store = keeper(counters);

	return store->ops->note_get(store, key, 0, kept, err);
}

int
counters_note_next(struct counters *counters, const char *key,
    struct counters_kept *kept, struct err *err)
{
	struct counters *store = keeper(counters);

	return store->ops->note_get(store, key, 1, kept, err);
}

/* --- counting ------------------------------------------------------------- */

/* 1 if a note's key begins with prefix. */
static int
has_note(struct counters *counters, const char *prefix, struct err *err)
{
	struct counters_kept kept;
	int rc = counters_note_next(counters, prefix, &kept, err);

	return rc == 1 ? strncmp(kept.key, prefix, strlen(prefix)) == 0 : rc;
}

static int
write_chosen(struct counters *counters, struct counters_writer *writer,
    int granted, const struct counters_item *items, size_t count,
    struct err *err)
{
	struct counters_note notes[COUNTERS_NOTES_MAX];
	size_t chosen = writer->choose(writer, granted, items, count, notes);

	return counters_note_write(counters, notes, chosen, err);
}

/*
 * The counts there, the notes here: in between the process may die. Then the
 * reservation is made again with the same id, which costs nothing.
 */
static int
reserve_apart(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always,
    struct counters_writer *writer, struct err *err)
{
	int granted = 0;

	if (writer->behind != NULL) {
		writer->waits = has_note(counters, writer->behind, err);
		if (writer->waits < 0)
			return -1;
	}
	if (!writer->waits)
		granted = counters->ops->reserve(
		    counters, id, items, count, always, NULL, err);
	else if (counters->ops->read(counters, items, count, err) < 0)
		return -1;
	if (granted < 0 ||
	    write_chosen(counters, writer, granted, items, count, err) < 0)
		return -1;
	return granted;
}

int
counters_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always,
    struct counters_writer *writer, struct err *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		items[i].counted_ms = 0;
	/* Nothing to count is no reason to write. */
	if (count == 0 && writer == NULL)
		return 1;
	if (count == 0)
		return write_chosen(counters, writer, 1, items, 0, err) < 0 ? -1
									    : 1;
	if (writer != NULL && counters->local != NULL)
		return reserve_apart(
		    counters, id, items, count, always, writer, err);
	return counters->ops->reserve(
	    counters, id, items, count, always, writer, err);
}

int
counters_take_back(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, struct err *err)
{
	size_t i;
	int rc;

	if (id == NULL || count == 0 || items[0].counted_ms == 0)
		return 0;
	rc = counters->ops->take_back(counters, id, items, count, err);
	for (i = 0; i < count; i++)
		items[i].counted_ms = 0;
	return rc;
}

int
counters_reset(struct counters *counters, const struct counters_item *items,
    size_t count, struct err *err)
{
	return counters->ops->reset(counters, items, count, err);
}

int
counters_read(struct counters *counters, struct counters_item *items,
    size_t count, struct err *err)
{
	return counters->ops->read(counters, items, count, err);
}

int
counters_walk(
    struct counters *counters, struct counters_walk *walk, struct err *err)
{
	return counters->ops->walk(counters, walk, err);
}

void
counters_tick(struct counters *counters)
{
	counters->ops->tick(counters);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/*
 * As it stands in a key: 1 if that tells it from all others. A line of what
 * hosts that share counters tell each other ends with a key.
 */
static int
name_of(char name[WHO_MAX], const char *who)
{
	int whole = 1;
	size_t i;

	for (i = 0; who[i] != '\0' && i < WHO_MAX - 1; i++) {
		name[i] = lower(who[i]);
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) {
			name[i] = '?';
			whole = 0;
		}
	}
	name[i] = '\0';
	return whole && who[i] == '\0';
}

/* What tells it from others that look the same so far. */
static void
end_with_hash(char name[WHO_MAX], const char *who)
{
	unsigned long long hash = MAP_HASH_START;
	size_t len = strlen(name);

	for (; *who != '\0'; who++) {
		char c = lower(*who);

		hash = map_hash_on(hash, &c, 1);
	}
	if (len > WHO_MAX - 1 - HASH_LEN)
		len = WHO_MAX - 1 - HASH_LEN;
	(void)snprintf(name + len, HASH_LEN + 1, "#%016llx", hash);
}

static void
put(char **to, const char *text, size_t most)
{
	size_t len = strnlen(text, most);

	memcpy(*to, text, len);
	*to += len;
	*(*to)++ = '|';
}

/* By hand: each message has several, and formatting took half their time. */
void
counters_key(char key[COUNTERS_KEY_MAX], const char *scope, const char *who,
    const char *unit, int64_t window_s)
{
	char name[WHO_MAX], *at = key;

	if (!name_of(name, who))
		end_with_hash(name, who);
	put(&at, scope, 16);
	put(&at, name, WHO_MAX);
	put(&at, unit, 24);
	(void)snprintf(at, (size_t)(key + COUNTERS_KEY_MAX - at), "%lld",
	    (long long)window_s);
}
