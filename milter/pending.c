/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending - see pending.h.
 */
#include "pending.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "mem.h"

#define OF_IDS (PENDING_FILTERS - 1)

/* --- filters ------------------------------------------------------------- */

/* An id is a hash already: two parts of it choose the bits. */
static size_t
first_bit(uint64_t id)
{
	return id % PENDING_FILTER_BITS;
}

static size_t
second_bit(uint64_t id)
{
	return (id >> 32) % PENDING_FILTER_BITS;
}

static uint64_t
mask(size_t bit)
{
	return (uint64_t)1 << (bit % 64);
}

void
pending_filter_add(struct pending *pending, size_t number, uint64_t id)
{
	uint64_t *words = pending->filter[number];

	words[first_bit(id) / 64] |= mask(first_bit(id));
	words[second_bit(id) / 64] |= mask(second_bit(id));
}

void
pending_filter_clear(struct pending *pending, size_t number)
{
	memset(pending->filter[number], 0, sizeof(pending->filter[number]));
}

static int
may_have(const struct pending *pending, size_t number, uint64_t id)
{
	const uint64_t *words = pending->filter[number];

	return (words[first_bit(id) / 64] & mask(first_bit(id))) != 0 &&
	       (words[second_bit(id) / 64] & mask(second_bit(id))) != 0;
}

int
pending_filter_may(const struct pending *pending, uint64_t id)
{
	return may_have(pending, 0, id) || may_have(pending, 1, id);
}

/* --- all of it ------------------------------------------------------------ */

void
pending_clear(struct pending *pending)
{
	struct pending_ring *ring, *next;
	size_t i;

	for (i = 0; i < PENDING_BUCKETS; i++) {
		for (ring = pending->buckets[i]; ring != NULL; ring = next) {
			next = ring->next;
			free(ring);
		}
		pending->buckets[i] = NULL;
	}
	pending->rings = 0;
	pending->messages = 0;
	pending->mended = 0;
	if (pending->id_count > 0)
		pending_filter_clear(pending, OF_IDS);
	pending->id_count = 0;
}

int
pending_is_full(const struct pending *pending)
{
	return pending->rings >= PENDING_RINGS_MAX ||
	       pending->messages >= PENDING_MESSAGES_MAX;
}

int
pending_is_overfull(const struct pending *pending)
{
	return pending->rings >= PENDING_HELD_UP_MAX ||
	       pending->messages >= PENDING_HELD_UP_MAX;
}

/* --- rings --------------------------------------------------------------- */

static size_t
bucket_of(const char *key)
{
	return map_hash(key, strlen(key)) % PENDING_BUCKETS;
}

struct pending_ring *
pending_find(const struct pending *pending, const char *key)
{
	struct pending_ring *ring = pending->buckets[bucket_of(key)];

	while (ring != NULL && strcmp(ring->key, key) != 0)
		ring = ring->next;
	return ring;
}

struct pending_ring *
pending_enter(
    struct pending *pending, const char *key, const struct limit_ring *ring)
{
	size_t len = strlen(key) + 1;
	struct pending_ring *entry = mem_zalloc(1, sizeof(*entry) + len);
	struct pending_ring **bucket = &pending->buckets[bucket_of(key)];

	memcpy(entry->key, key, len);
	entry->ring = *ring;
	entry->next = *bucket;
	*bucket = entry;
	pending->rings++;
	return entry;
}

/* --- messages ------------------------------------------------------------ */

uint64_t
pending_id(const char *id)
{
	uint64_t hash;

	if (id == NULL)
		return 0;
	hash = map_hash(id, strlen(id));
	return hash != 0 ? hash : 1;
}

int
pending_has(const struct pending *pending, uint64_t id, int64_t now_ms)
{
	size_t i;

	if (id == 0 || !may_have(pending, OF_IDS, id))
		return 0;
	for (i = 0; i < pending->id_count; i++)
		if (pending->ids[i].id == id &&
		    now_ms - pending->ids[i].counted_ms <= COUNTERS_KNOWN_MS)
			return 1;
	return 0;
}

void
pending_count(struct pending *pending, uint64_t id, int64_t now_ms)
{
	pending->messages++;
	if (id == 0 || pending->id_count == PENDING_HELD_UP_MAX)
		return;
	pending->ids[pending->id_count++] = (struct pending_id){id, now_ms};
	pending_filter_add(pending, OF_IDS, id);
}

/* --- records ------------------------------------------------------------- */

static void
put(char **to, const void *data, size_t len)
{
	memcpy(*to, data, len);
	*to += len;
}

/* Take len bytes off the front. 0, or -1 if there are not as many. */
static int
get(const char **from, size_t *left, void *data, size_t len)
{
	if (*left < len)
		return -1;
	memcpy(data, *from, len);
	*from += len;
	*left -= len;
	return 0;
}

size_t
pending_write(char data[PENDING_RECORD_MAX], int64_t now_ms, uint64_t id,
    const struct counters_item *items, size_t count)
{
	char *at = data;
	uint64_t len;
	size_t i;

	put(&at, &now_ms, sizeof(now_ms));
	put(&at, &id, sizeof(id));
	for (i = 0; i < count && i < COUNTERS_ITEMS_MAX; i++) {
		len = strlen(items[i].key);
		put(&at, &items[i].window_ms, sizeof(items[i].window_ms));
		put(&at, &items[i].amount, sizeof(items[i].amount));
		put(&at, &len, sizeof(len));
		put(&at, items[i].key, len);
	}
	return (size_t)(at - data);
}

static int
get_item(const char **from, size_t *left, struct counters_item *item)
{
	uint64_t len;

	if (get(from, left, &item->window_ms, sizeof(item->window_ms)) < 0 ||
	    get(from, left, &item->amount, sizeof(item->amount)) < 0 ||
	    get(from, left, &len, sizeof(len)) < 0 ||
	    len >= sizeof(item->key) || item->window_ms < 1 ||
	    get(from, left, item->key, len) < 0)
		return -1;
	item->key[len] = '\0';
	return 0;
}

int
pending_read(struct pending_message *message, const char *data, size_t len)
{
	message->count = 0;
	if (get(&data, &len, &message->now_ms, sizeof(message->now_ms)) < 0 ||
	    get(&data, &len, &message->id, sizeof(message->id)) < 0)
		return -1;
	while (len > 0) {
		if (message->count == COUNTERS_ITEMS_MAX ||
		    get_item(&data, &len, &message->items[message->count]) < 0)
			return -1;
		message->count++;
	}
	return 0;
}
