/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_H
#define POSTOAK_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "counters_ops.h"
#include "err.h"

/*
 * counters - where limits are counted. One reservation covers all limits of a
 * message and either counts them all or none; it outlives the process. Thread-
 * safe. The store is chosen by its address ("lmdb:/path").
 */

/*
 * Open the store that milter->counters names, with what else the section says
 * about it. NULL with ERR_CONFIG (an address that is none, a directory that is
 * not there) or ERR_TEMPORARY.
 */
struct counters *counters_open(
    const struct conf_milter *milter, struct err *err);
void counters_close(struct counters *counters);

/* 0, or -1 with ERR_CONFIG if address is none that counters_open takes. */
int counters_check(const char *address, struct err *err);

/*
 * Count a message. 1: counted. 0: over at least one limit (its wait_ms is not
 * 0), nothing counted, unless "always" is given, which counts even then. -1
 * with *err: the store failed, nothing counted. "id" names the message; one
 * that was counted already within the last five minutes is answered 1 again
 * without counting, and later it is another message. (Of more than 16,384
 * messages in that time the file knows the last ones.) id NULL: never seen
 * before. What writer (may be NULL) chooses is
 * written in the same transaction; if the store is shared, right after it.
 */
int counters_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always,
    struct counters_writer *writer, struct err *err);

/*
 * Take back what counters_reserve has just counted with these items, as it left
 * them: the message was not taken after all. Nothing but what that very call
 * counted, from the buckets it was counted in, and only as long as the store
 * knows its id, which it then forgets; so twice is once, and a message without
 * an id stays counted. 0, or -1 with *err: it stays counted.
 */
int counters_take_back(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, struct err *err);

/* Fill in used, wait_ms and frees_ms. 0 or -1. */
int counters_read(struct counters *counters, struct counters_item *items,
    size_t count, struct err *err);

/* Forget what was counted under the items' keys. 0 or -1. */
int counters_reset(struct counters *counters, const struct counters_item *items,
    size_t count, struct err *err);

/*
 * Visit the keys of the walk's limit, each at least once; from a shared store
 * that is away, what this host knows. What begins to be counted meanwhile may
 * be left out. 0, with walk->cut set if it was stopped, or -1.
 */
int counters_walk(
    struct counters *counters, struct counters_walk *walk, struct err *err);

/* Write and remove notes, all or none. 0 or -1. */
int counters_note_write(struct counters *counters,
    const struct counters_note *notes, size_t count, struct err *err);

/* The note of that key. 1, 0 if there is none, -1. */
int counters_note_get(struct counters *counters, const char *key,
    struct counters_kept *kept, struct err *err);

/* The first note behind that key, in the order of bytes. 1, 0 or -1. */
int counters_note_next(struct counters *counters, const char *key,
    struct counters_kept *kept, struct err *err);

/* Housekeeping, once a second or so: sync to disk, drop what has expired. */
void counters_tick(struct counters *counters);

/*
 * The key of a limit: scope and unit are words, who is lower-cased and, when
 * it is long or has control characters, changed in a way that keeps it apart
 * from others.
 */
void counters_key(char key[COUNTERS_KEY_MAX], const char *scope,
    const char *who, const char *unit, int64_t window_s);

#endif
