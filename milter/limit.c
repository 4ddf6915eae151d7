/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit - see limit.h.
 *
 * Bucket b covers [b * width, (b + 1) * width). At a time in bucket n the ring
 * counts n - LIMIT_BUCKETS to n. An event of bucket b is therefore forgotten
 * at (b + LIMIT_BUCKETS + 1) * width: more than a window after it happened,
 * because LIMIT_BUCKETS * width is at least the window, and at most one width
 * later than need be. Widths are microseconds so that rounding up costs nothing
 * even with a window of a second.
 */
#include "limit.h"

#include <endian.h>
#include <string.h>

#define HEAD_BYTES (2 * 8)

static int64_t
width_us(int64_t window_ms)
{
	return (window_ms * 1000 + LIMIT_BUCKETS - 1) / LIMIT_BUCKETS;
}

void
limit_init(struct limit_ring *ring, int64_t window_ms)
{
	memset(ring, 0, sizeof(*ring));
	ring->width_us = width_us(window_ms);
}

static uint64_t *
slot(struct limit_ring *ring, int64_t bucket)
{
	return &ring->slots[bucket % LIMIT_SLOTS];
}

/* Forget what is too old; afterwards ring->newest is the bucket of now_ms. */
static void
advance(struct limit_ring *ring, int64_t now_ms)
{
	int64_t bucket = now_ms * 1000 / ring->width_us;

	if (bucket - ring->newest >= LIMIT_SLOTS) {
		memset(ring->slots, 0, sizeof(ring->slots));
		ring->sum = 0;
		ring->newest = bucket;
	}
	while (ring->newest < bucket) {
		ring->newest++;
		ring->sum -= *slot(ring, ring->newest);
		*slot(ring, ring->newest) = 0;
	}
}

uint64_t
limit_used(struct limit_ring *ring, int64_t now_ms)
{
	advance(ring, now_ms);
	return ring->sum;
}

/* Milliseconds until bucket is forgotten, rounded up. */
static int64_t
forgotten_in(const struct limit_ring *ring, int64_t now_ms, int64_t bucket)
{
	int64_t at_us = (bucket + LIMIT_SLOTS) * ring->width_us;

	return (at_us + 999) / 1000 - now_ms;
}

int64_t
limit_wait(
    struct limit_ring *ring, int64_t now_ms, uint64_t max, uint64_t amount)
{
	uint64_t left;
	int64_t bucket;

	if (amount > max)
		return -1;
	advance(ring, now_ms);
	left = ring->sum;
	if (left <= max - amount)
		return 0;
	for (bucket = ring->newest - LIMIT_BUCKETS; bucket < ring->newest;
	     bucket++) {
		if (bucket >= 0)
			left -= *slot(ring, bucket);
		if (left <= max - amount)
			break;
	}
	return forgotten_in(ring, now_ms, bucket);
}

void
limit_add(struct limit_ring *ring, int64_t now_ms, uint64_t amount)
{
	advance(ring, now_ms);
	if (amount > UINT64_MAX - ring->sum)
		amount = UINT64_MAX - ring->sum;
	*slot(ring, ring->newest) += amount;
	ring->sum += amount;
}

void
limit_take_back(struct limit_ring *ring, int64_t counted_ms, uint64_t amount)
{
	int64_t bucket = counted_ms * 1000 / ring->width_us;

	if (bucket > ring->newest || bucket <= ring->newest - LIMIT_SLOTS)
		return;
	if (amount > *slot(ring, bucket))
		amount = *slot(ring, bucket);
	*slot(ring, bucket) -= amount;
	ring->sum -= amount;
}

int
limit_has_more(struct limit_ring *ring, struct limit_ring *than, int64_t now_ms)
{
	size_t i;

	advance(ring, now_ms);
	advance(than, now_ms);
	/* Time stood still for one of them: a slot is not the same bucket. */
	if (ring->newest != than->newest)
		return 1;
	for (i = 0; i < LIMIT_SLOTS; i++)
		if (ring->slots[i] > than->slots[i])
			return 1;
	return 0;
}

void
limit_raise(struct limit_ring *ring, int64_t now_ms, uint64_t target)
{
	uint64_t used = limit_used(ring, now_ms);

	if (used < target)
		limit_add(ring, now_ms, target - used);
}

void
limit_forget(struct limit_ring *ring, int64_t bucket)
{
	int64_t first = ring->newest - LIMIT_BUCKETS;

	for (first = first > 0 ? first : 0;
	     first <= bucket && first <= ring->newest; first++) {
		ring->sum -= *slot(ring, first);
		*slot(ring, first) = 0;
	}
}

int
limit_is_ahead(const struct limit_ring *ring, int64_t now_ms)
{
	return ring->newest > now_ms * 1000 / ring->width_us;
}

void
limit_rebase(struct limit_ring *ring, int64_t now_ms)
{
	int64_t bucket = now_ms * 1000 / ring->width_us, late;
	int64_t first = ring->newest - LIMIT_BUCKETS;
	uint64_t sum = 0;

	if (ring->newest <= bucket)
		return;
	for (late = bucket + 1 > first ? bucket + 1 : first;
	     late <= ring->newest; late++) {
		sum += *slot(ring, late);
		*slot(ring, late) = 0;
	}
	ring->newest = bucket;
	*slot(ring, bucket) += sum;
}

int64_t
limit_frees(struct limit_ring *ring, int64_t now_ms)
{
	int64_t bucket;

	advance(ring, now_ms);
	if (ring->sum == 0)
		return 0;
	for (bucket = ring->newest - LIMIT_BUCKETS; bucket < ring->newest;
	     bucket++)
		if (bucket >= 0 && *slot(ring, bucket) > 0)
			break;
	return forgotten_in(ring, now_ms, bucket);
}

static void
put(unsigned char **p, uint64_t value)
{
	value = htole64(value);
	memcpy(*p, &value, sizeof(value));
	*p += sizeof(value);
}

static uint64_t
get(const unsigned char **p)
{
	uint64_t value;

	memcpy(&value, *p, sizeof(value));
	*p += sizeof(value);
	return le64toh(value);
}

/* Seven bits a byte, the lowest first; the last byte is below 128. */
static void
put_number(unsigned char **p, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*(*p)++ = (unsigned char)(value | 0x80);
	*(*p)++ = (unsigned char)value;
}

static int
get_number(const unsigned char **p, const unsigned char *end, uint64_t *value)
{
	unsigned shift;

	*value = 0;
	for (shift = 0; shift < 64 && *p < end; shift += 7) {
		*value |= (uint64_t)(**p & 0x7f) << shift;
		if (*(*p)++ < 0x80)
			return 0;
	}
	return -1;
}

/* Of the slots only those that hold something: number, value. */
size_t
limit_encode(const struct limit_ring *ring, unsigned char data[LIMIT_BYTES])
{
	unsigned char *p = data;
	unsigned char i;

	put(&p, (uint64_t)ring->width_us);
	put(&p, (uint64_t)ring->newest);
	for (i = 0; i < LIMIT_SLOTS; i++) {
		if (ring->slots[i] == 0)
			continue;
		*p++ = i;
		put_number(&p, ring->slots[i]);
	}
	return (size_t)(p - data);
}

int
limit_decode(struct limit_ring *ring, int64_t window_ms,
    const unsigned char *data, size_t len)
{
	struct limit_ring empty;

	limit_init(&empty, window_ms);
	if (limit_decode_any(ring, data, len) == 0 &&
	    ring->width_us == empty.width_us)
		return 0;
	*ring = empty;
	return -1;
}

/* In the order of their numbers. */
static int
get_slots(
    struct limit_ring *ring, const unsigned char *p, const unsigned char *end)
{
	uint64_t value;
	unsigned i, next = 0;

	while (p < end) {
		i = *p++;
		if (i < next || i >= LIMIT_SLOTS ||
		    get_number(&p, end, &value) < 0 ||
		    value > UINT64_MAX - ring->sum)
			return -1;
		ring->slots[i] = value;
		ring->sum += value;
		next = i + 1;
	}
	return 0;
}

int
limit_decode_any(struct limit_ring *ring, const unsigned char *data, size_t len)
{
	const unsigned char *p = data;

	if (len < HEAD_BYTES || len > LIMIT_BYTES)
		return -1;
	memset(ring, 0, sizeof(*ring));
	ring->width_us = (int64_t)get(&p);
	if (ring->width_us <= 0)
		return -1;
	ring->newest = (int64_t)get(&p);
	if (ring->newest < 0 || ring->newest > INT64_MAX / ring->width_us / 2)
		return -1;
	return get_slots(ring, p, data + len);
}

int
limit_is_over(const unsigned char *data, size_t len, int64_t now_ms)
{
	const unsigned char *p = data;
	int64_t width, newest;

	if (len < HEAD_BYTES)
		return 1;
	width = (int64_t)get(&p);
	newest = (int64_t)get(&p);
	if (width <= 0 || newest < 0)
		return 1;
	return now_ms * 1000 / width - newest >= LIMIT_SLOTS;
}
