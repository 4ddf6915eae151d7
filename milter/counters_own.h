/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_OWN_H
#define POSTOAK_COUNTERS_OWN_H

#include <stddef.h>
#include <stdint.h>

#include "counters_ops.h"
#include "limit.h"
#include "own_file.h"

/*
 * counters_own - what this host keeps of counters that several hosts share, in
 * an LMDB file of its own: for the time the shared store is away, and to give
 * back what that has lost. Called by counters_shared; calls lmdb_work.
 *
 * Of each limit there are three rings, on the clock of the shared store: what
 * this host counted ("own"), what of that the store has not heard of ("out"),
 * and what all hosts counted, as far as the store's answers told ("all": never
 * less than what the store had then).
 *
 * While the store is away a host may give out its share of what was free:
 * out + amount <= share * (max - all). If all hosts knew the same, and the
 * shares add up to a whole, all of them together stay below max; as what was
 * counted before is forgotten, the shares grow.
 *
 * Thread-safe. A time "now" is the shared store's, in milliseconds.
 */

#define COUNTERS_OWN_LIST_MAX 32

/* What stands before their keys in the file. */
#define COUNTERS_OWN_OWN "own|"
#define COUNTERS_OWN_OUT "out|"
#define COUNTERS_OWN_ALL "all|"

/* A limit of which there is an own ring. */
struct counters_own_part {
	char key[COUNTERS_KEY_MAX];
	struct limit_ring ring;
};

/* All return 0, or -1 with ERR_TEMPORARY, nothing changed. */

/* What this host counted, a ring an item. */
int counters_own_rings(struct own_file *own, const struct counters_item *items,
    size_t count, struct limit_ring *rings, struct err *err);

/*
 * What the store answered about a message, of which item->used was there
 * before: that it counted it, or that it did not.
 */
int counters_own_note(struct own_file *own, int64_t now_ms,
    const struct counters_item *items, size_t count, int counted,
    struct err *err);

/*
 * counters_reserve while the store is away; share in percent. If it is in doubt
 * whether it is away for the others, too, nothing is given of the upper half of
 * a limit.
 */
int counters_own_reserve(struct own_file *own, const char *id,
    struct counters_item *items, size_t count, int share, int doubts,
    int always, int *granted, struct err *err);

/*
 * counters_take_back, of what counters_own_reserve counted (alone: if it knows
 * the message), or of what the store did. What all hosts have is not lowered:
 * nobody knows when the store told of it.
 */
int counters_own_take_back(struct own_file *own, const char *id,
    const struct counters_item *items, size_t count, struct err *err);

/* counters_read while the store is away. */
int counters_own_read(struct own_file *own, struct counters_item *items,
    size_t count, struct err *err);

/* What all hosts together have of some limits, as the store told unasked. */
struct counters_own_news {
	char key[COUNTERS_KEY_MAX];
	int64_t width_us; /* of its ring */
	uint64_t total;
};
int counters_own_hear(struct own_file *own,
    const struct counters_own_news *news, size_t count, struct err *err);

/* Forget all that is kept of the items' limits. */
int counters_own_reset(struct own_file *own, const struct counters_item *items,
    size_t count, struct err *err);

/*
 * Own rings in the order of their keys, behind the key "after" ("" at first):
 * of all limits, or only those with something the store has not heard of.
 * *count of them at most COUNTERS_OWN_LIST_MAX, 0 at the end.
 */
int counters_own_list(struct own_file *own, int unheard,
    char after[COUNTERS_KEY_MAX], struct counters_own_part *parts,
    size_t *count, struct err *err);

/* The store has heard of that ring, and all hosts together have total. */
int counters_own_heard(struct own_file *own, int64_t now_ms,
    const struct counters_own_part *part, uint64_t total, struct err *err);

#endif
