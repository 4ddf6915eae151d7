/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LIMIT_H
#define POSTOAK_LIMIT_H

#include <stddef.h>
#include <stdint.h>

/*
 * limit - what was counted in a sliding window.
 *
 * The window is cut into LIMIT_BUCKETS parts; a ring keeps the sum of each and
 * of the one that is only partly inside, which is counted whole. So no
 * interval of the window's length, wherever it begins, ever holds more than
 * was allowed, and what was counted is held at most 1/LIMIT_BUCKETS of the
 * window too long. Pure: "now" is milliseconds on a clock that never goes
 * back (counters keeps one); if it does, time stands still until it has caught
 * up.
 */

#define LIMIT_BUCKETS 64
#define LIMIT_SLOTS (LIMIT_BUCKETS + 1)
#define LIMIT_BYTES                                                            \
	(2 * 8 + LIMIT_SLOTS * 11) /* of the longest encoded ring              \
				    */

struct limit_ring {
	int64_t width_us; /* of one bucket */
	int64_t newest;	  /* number of the newest bucket since time 0 */
	uint64_t sum;	  /* of all slots */
	uint64_t slots[LIMIT_SLOTS];
};

/* An empty ring for a window of window_ms (at least 1). */
void limit_init(struct limit_ring *ring, int64_t window_ms);

/* What counts at now_ms. */
uint64_t limit_used(struct limit_ring *ring, int64_t now_ms);

/*
 * Milliseconds from now_ms until amount fits below max: 0 if it fits now, -1
 * if it never will (amount is more than max).
 */
int64_t limit_wait(
    struct limit_ring *ring, int64_t now_ms, uint64_t max, uint64_t amount);

/* Count amount at now_ms, whatever the limit. */
void limit_add(struct limit_ring *ring, int64_t now_ms, uint64_t amount);

/*
 * Take back what was counted at counted_ms, as much of it as is there. If it is
 * in a later bucket than that, because time stood still, an earlier one has too
 * little: the sum is right as long as that one counts, and then too much.
 */
void limit_take_back(
    struct limit_ring *ring, int64_t counted_ms, uint64_t amount);

/* 1 if at now_ms any bucket of ring has more than that of "than". */
int limit_has_more(
    struct limit_ring *ring, struct limit_ring *than, int64_t now_ms);

/* Count what is missing to target; the whole of it is dated now_ms. */
void limit_raise(struct limit_ring *ring, int64_t now_ms, uint64_t target);

/* Forget what was counted in that bucket and those before it. */
void limit_forget(struct limit_ring *ring, int64_t bucket);

/* 1 if it counted later than now_ms: it is damaged, or the clock is another. */
int limit_is_ahead(const struct limit_ring *ring, int64_t now_ms);

/* The clock was put back to now_ms: what is later than that is of now. */
void limit_rebase(struct limit_ring *ring, int64_t now_ms);

/* Milliseconds from now_ms until anything is forgotten; 0 if it is empty. */
int64_t limit_frees(struct limit_ring *ring, int64_t now_ms);

/*
 * Store in a form that is the same on every machine, and short if little was
 * counted. Returns the length.
 */
size_t limit_encode(
    const struct limit_ring *ring, unsigned char data[LIMIT_BYTES]);

/*
 * The reverse, for a window of window_ms. 0, or -1 for bytes that are no ring
 * of that window.
 */
int limit_decode(struct limit_ring *ring, int64_t window_ms,
    const unsigned char *data, size_t len);

/* The same whatever its window is; width_us says. */
int limit_decode_any(
    struct limit_ring *ring, const unsigned char *data, size_t len);

/* 1 if the encoded ring counts nothing any more at now_ms (or is none). */
int limit_is_over(const unsigned char *data, size_t len, int64_t now_ms);

#endif
