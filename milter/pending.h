/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PENDING_H
#define POSTOAK_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "counters_ops.h"
#include "limit.h"
#include "ticks.h"

/*
 * pending - what was counted since the last transaction: the rings of that
 * time as they are now, and the messages. It lies over the LMDB file; lmdb_work
 * puts it there. Bounded by those who ask pending_is_full before they add; with
 * no disk to write to they ask pending_is_overfull.
 *
 * It also spares most looks into the file: it has the file's clock, and a
 * filter for each database of messages and one for what is pending, which may
 * hold a message only if both its bits are set.
 */

#define PENDING_RINGS_MAX 2048 /* two each of so many messages */
#define PENDING_MESSAGES_MAX 1024
#define PENDING_HELD_UP_MAX 16384 /* of each */

#define PENDING_BUCKETS 1024
#define PENDING_FILTERS 3 /* two of the file's, the last one of "ids" */
#define PENDING_FILTER_BITS ((size_t)1 << 18)

struct pending_ring {
	struct pending_ring *next;
	struct limit_ring ring;
	int changed; /* not only read */
	char key[];
};

struct pending_id {
	uint64_t id;
	int64_t counted_ms;
};

struct pending {
	struct pending_ring *buckets[PENDING_BUCKETS];
	size_t rings;
	size_t messages; /* counted */
	int mended;	 /* a ring, by no message */
	struct pending_id ids[PENDING_HELD_UP_MAX];
	size_t id_count;
	struct ticks ticks; /* as in the file or later; 0: not known */
	uint64_t filter[PENDING_FILTERS][PENDING_FILTER_BITS / 64];
};

/* Forget what was counted; the clock and the filters stay. */
void pending_clear(struct pending *pending);

/* 1 if a transaction has to come before another message. */
int pending_is_full(const struct pending *pending);

/* 1 if there is no room for another message, however long it waits. */
int pending_is_overfull(const struct pending *pending);

/* The ring of the key, or NULL. It lives until pending_clear. */
struct pending_ring *pending_find(
    const struct pending *pending, const char *key);

/* Enter the ring of a key that is not there. */
struct pending_ring *pending_enter(
    struct pending *pending, const char *key, const struct limit_ring *ring);

/*
 * A message's id in short, by pending_id; 0 stands for none. It is known for
 * COUNTERS_KNOWN_MS.
 */
uint64_t pending_id(const char *id);
int pending_has(const struct pending *pending, uint64_t id, int64_t now_ms);
void pending_count(struct pending *pending, uint64_t id, int64_t now_ms);

/* The filters of the file: an id is in its database of that number; none is. */
void pending_filter_add(struct pending *pending, size_t number, uint64_t id);
void pending_filter_clear(struct pending *pending, size_t number);

/* 0 if the id is in neither database for certain. */
int pending_filter_may(const struct pending *pending, uint64_t id);

/*
 * One message as the journal keeps it: what was counted, when. pending_write
 * returns the length, pending_read 0 or -1 for bytes that are none; the items
 * have key, window and amount only.
 */
#define PENDING_RECORD_MAX (COUNTERS_ITEMS_MAX * (COUNTERS_KEY_MAX + 24) + 24)

struct pending_message {
	int64_t now_ms;
	uint64_t id;
	struct counters_item items[COUNTERS_ITEMS_MAX];
	size_t count;
};

size_t pending_write(char data[PENDING_RECORD_MAX], int64_t now_ms, uint64_t id,
    const struct counters_item *items, size_t count);
int pending_read(struct pending_message *message, const char *data, size_t len);

#endif
