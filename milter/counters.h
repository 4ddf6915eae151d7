/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_H
#define POSTOAK_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * counters - where limits are counted. One reservation covers all limits of a
 * message and either counts them all or none; it outlives the process. Thread-
 * safe. The store is chosen by its address ("lmdb:/path").
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

/*
 * Open the store. NULL with ERR_CONFIG (an address that is none, a directory
 * that is not there) or ERR_TEMPORARY.
 */
struct counters *counters_open(const char *address, struct err *err);
void counters_close(struct counters *counters);

/* 0, or -1 with ERR_CONFIG if address is none that counters_open takes. */
int counters_check(const char *address, struct err *err);

/*
 * Count a message. 1: counted. 0: over at least one limit (its wait_ms is not
 * 0), nothing counted, unless "always" is given, which counts even then. -1
 * with *err: the store failed, nothing counted. "id" names the message; one
 * that was counted already within the last minutes is answered 1 again without
 * counting. id NULL: never seen before.
 */
int counters_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always, struct err *err);

/* Fill in used, wait_ms and frees_ms. 0 or -1. */
int counters_read(struct counters *counters, struct counters_item *items,
    size_t count, struct err *err);

/* Housekeeping, once a second or so: sync to disk, drop what has expired. */
void counters_tick(struct counters *counters);

/*
 * The key of a limit: scope and unit are words, who is lower-cased and, when
 * it is long, shortened in a way that keeps it apart from others.
 */
void counters_key(char key[COUNTERS_KEY_MAX], const char *scope,
    const char *who, const char *unit, int64_t window_s);

#endif
