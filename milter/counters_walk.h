/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_WALK_H
#define POSTOAK_COUNTERS_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "counters_ops.h"

/*
 * counters_walk - a walk over the keys of one limit that many are counted by,
 * bounded in number and time. A store finds the keys and adds them; as often as
 * there are COUNTERS_ITEMS_MAX, and at the end, they are visited, with no lock
 * of the store held. Pure but for the clock.
 */

struct counters_walk {
	char prefix[COUNTERS_KEY_MAX]; /* what the keys begin with, */
	char suffix[64];	       /* and end with */
	/* what the account in them ends with, "@contoso.com"; "": any */
	char domain[COUNTERS_KEY_MAX];
	int64_t window_ms;
	uint64_t max;
	size_t most;	  /* keys to be looked at */
	int64_t until_ms; /* clock_boot_ms */
	int shared;	  /* -1 rather than what this host alone knows */
	/* Of some keys, filled in but for what counters_read says. 0 or -1. */
	int (*visit)(struct counters_walk *walk, void *with, struct err *err);
	void *with;

	struct counters_item items[COUNTERS_ITEMS_MAX];
	size_t count;
	int cut; /* set: there may be more */
};

/*
 * All keys that begin with the first of both and end with the last; key is one
 * by counters_key, of a limit for "who ".
 */
void counters_walk_init(struct counters_walk *walk, const char *key);

/* What the key says between both, of *len bytes; NULL: it is of another limit.
 */
const char *counters_walk_name(
    const struct counters_walk *walk, const char *key, size_t *len);

/* Look at a key: it is added if it is one of them. 1 if no more may be added
 * before the next visit. */
int counters_walk_add(struct counters_walk *walk, const char *key);

/* 1 if there is no more time, or the most have been looked at. */
int counters_walk_is_over(struct counters_walk *walk);

/* Visit what was added. 0 or -1. */
int counters_walk_visit(struct counters_walk *walk, struct err *err);

#endif
