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
#define COUNTERS_KNOWN_MS (5 * 60 * 1000) /* how long an id is known */

/* One limit as one message touches it. */
struct counters_item {
	char key[COUNTERS_KEY_MAX]; /* by counters_key */
	int64_t window_ms;
	uint64_t max;
	uint64_t amount;
	/* set by counters_reserve and counters_read: */
	uint64_t used;	 /* before this message */
	int64_t wait_ms; /* until amount fits: 0 now, -1 never */
	/* set by counters_read: until anything is forgotten; 0: nothing is
	 * counted */
	int64_t frees_ms;
	/* set by counters_reserve for counters_take_back: when it counted, on
	 * the store's clock; 0: it did not */
	int64_t counted_ms;
	int counted_alone; /* and by this host, with the shared store away */
};

/*
 * A note: something else that outlives the process, under a key. The store
 * does not look into it. What is told apart by a prefix ends it with '|'.
 */
#define COUNTERS_NOTE_KEY_MAX 160
#define COUNTERS_NOTE_MAX 4096

struct counters_note {
	const char *key;  /* shorter than COUNTERS_NOTE_KEY_MAX */
	const void *data; /* at most COUNTERS_NOTE_MAX; NULL: remove it */
	size_t len;
};

/* A note as it was read. */
struct counters_kept {
	char key[COUNTERS_NOTE_KEY_MAX];
	unsigned char data[COUNTERS_NOTE_MAX];
	size_t len;
};

/*
 * What a reservation writes down with what it counts, all or nothing. "choose"
 * is asked once it is known whether the message is counted (perhaps more than
 * once, the last answer is written): it fills in notes, at most
 * COUNTERS_NOTES_MAX, and returns how many. It must not call the store.
 */
#define COUNTERS_NOTES_MAX 4

struct counters_writer {
	const char *behind; /* over while a note's key begins so; or NULL */
	size_t (*choose)(struct counters_writer *writer, int granted,
	    const struct counters_item *items, size_t count,
	    struct counters_note *notes);
	int waits; /* set: 1 if there is a note it stands behind */
};

struct counters; /* an open store */
struct counters_walk;

struct counters_ops {
	int (*reserve)(struct counters *counters, const char *id,
	    struct counters_item *items, size_t count, int always,
	    struct counters_writer *writer, struct err *err);
	int (*take_back)(struct counters *counters, const char *id,
	    struct counters_item *items, size_t count, struct err *err);
	int (*read)(struct counters *counters, struct counters_item *items,
	    size_t count, struct err *err);
	int (*reset)(struct counters *counters,
	    const struct counters_item *items, size_t count, struct err *err);
	int (*walk)(struct counters *counters, struct counters_walk *walk,
	    struct err *err);
	/* These two only in a store that keeps the notes itself. */
	int (*note_write)(struct counters *counters,
	    const struct counters_note *notes, size_t count, struct err *err);
	int (*note_get)(struct counters *counters, const char *key, int after,
	    struct counters_kept *kept, struct err *err);
	void (*tick)(struct counters *counters);
	void (*close)(struct counters *counters);
};

struct counters {
	const struct counters_ops *ops;
	/*
	 * The store that keeps the notes for one that several hosts share (a
	 * mail queue is its host's); NULL: this one does. With it, "writer"
	 * of reserve is always NULL.
	 */
	struct counters *local;
};

#endif
