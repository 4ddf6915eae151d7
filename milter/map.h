/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MAP_H
#define POSTOAK_MAP_H

#include <stddef.h>

/*
 * map - bytes to a number, filled when the configuration is read and only
 * looked up afterwards (by any number of threads). The cost of a look-up does
 * not grow with the number of entries.
 */

#define MAP_NONE ((size_t)-1)

struct map_entry {
	char *key; /* NULL: empty */
	size_t len;
	size_t value;
};

struct map {
	struct map_entry *entries;
	size_t count;
	size_t size; /* a power of two, or 0 */
};

void map_init(struct map *map);
void map_clear(struct map *map);

/* Enter key with value; the value already there (not replaced) or MAP_NONE. */
size_t map_put(struct map *map, const void *key, size_t len, size_t value);

/* The value of key, or MAP_NONE. */
size_t map_get(const struct map *map, const void *key, size_t len);

/* The same with a string for a key. */
size_t map_puts(struct map *map, const char *key, size_t value);
size_t map_gets(const struct map *map, const char *key);

/* FNV-1a, also for those who need a short name for a long one. */
unsigned long long map_hash(const void *data, size_t len);

/* The same in parts: begin with MAP_HASH_START, go on with what came back. */
#define MAP_HASH_START 14695981039346656037ULL
unsigned long long map_hash_on(
    unsigned long long hash, const void *data, size_t len);

/* The same for much data: another number, eight bytes at a time. */
unsigned long long map_mix(
    unsigned long long hash, const void *data, size_t len);

#endif
