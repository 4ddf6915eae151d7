/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_OPS_H
#define POSTOAK_COUNTERS_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * counters_ops - what a store of counters has to be able to do; counters.h
 * says what the functions promise.
 */

#define COUNTERS_KEY_MAX 480 /* bytes, NUL included; LMDB takes 511 */
#define COUNTERS_ITEMS_MAX 16
#define COUNTERS_ID_MAX 128

/* One limit as one message touches it. */
struct counters_item {
	char key[COUNTERS_KEY_MAX]; /* by counters_key */
	int64_t window_ms;
	uint64_t max;
	uint64_t amount;
	/* set by counters_reserve and counters_read: */
	uint64_t used;	  /* before this message */
	int64_t wait_ms;  /* until amount fits: 0 now, -1 never */
	int64_t frees_ms; /* until anything is forgotten; 0: nothing counted */
};

struct counters; /* an open store */

struct counters_ops {
	int (*reserve)(struct counters *counters, const char *id,
	    struct counters_item *items, size_t count, int always,
	    struct err *err);
	int (*read)(struct counters *counters, struct counters_item *items,
	    size_t count, struct err *err);
	void (*tick)(struct counters *counters);
	void (*close)(struct counters *counters);
};

struct counters {
	const struct counters_ops *ops;
};

#endif
