/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map - see map.h. Open addressing, never more than half full. All keys come
 * from the administrator's file, so the hash needs no secret.
 */
#include "map.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Odd, with bits all over. */
#define MIX_FACTOR 0x9e3779b97f4a7c15ULL

void
map_init(struct map *map)
{
	memset(map, 0, sizeof(*map));
}

void
map_clear(struct map *map)
{
	size_t i;

	for (i = 0; i < map->size; i++)
		free(map->entries[i].key);
	free(map->entries);
	map_init(map);
}

unsigned long long
map_hash_on(unsigned long long hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len-- > 0)
		hash = (hash ^ *p++) * 1099511628211ULL;
	return hash;
}

unsigned long long
map_hash(const void *data, size_t len)
{
	return map_hash_on(MAP_HASH_START, data, len);
}

/* The shift takes high bits down, which a product never does. */
unsigned long long
map_mix(unsigned long long hash, const void *data, size_t len)
{
	const char *p = data;
	unsigned long long word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = (hash ^ word) * MIX_FACTOR;
		hash ^= hash >> 32;
		p += sizeof(word);
	}
	return map_hash_on(hash, p, len);
}

/* Where key is, or the empty place where it belongs. */
static struct map_entry *
find(const struct map *map, const void *key, size_t len)
{
	size_t i = (size_t)map_hash(key, len) & (map->size - 1);

	while (map->entries[i].key != NULL &&
	       (map->entries[i].len != len ||
		   memcmp(map->entries[i].key, key, len) != 0))
		i = (i + 1) & (map->size - 1);
	return &map->entries[i];
}

static void
grow(struct map *map)
{
	struct map bigger = {
	    .size = map->size == 0 ? 16 : map->size * 2, .count = map->count};
	size_t i;

	bigger.entries = mem_zalloc(bigger.size, sizeof(*bigger.entries));
	for (i = 0; i < map->size; i++) {
		struct map_entry *entry = &map->entries[i];

		if (entry->key != NULL)
			*find(&bigger, entry->key, entry->len) = *entry;
	}
	free(map->entries);
	*map = bigger;
}

size_t
map_put(struct map *map, const void *key, size_t len, size_t value)
{
	struct map_entry *entry;

	if (map->size < 2 * (map->count + 1))
		grow(map);
	entry = find(map, key, len);
	if (entry->key != NULL)
		return entry->value;
	entry->key = mem_zalloc(len + 1, 1);
	memcpy(entry->key, key, len);
	entry->len = len;
	entry->value = value;
	map->count++;
	return MAP_NONE;
}

size_t
map_get(const struct map *map, const void *key, size_t len)
{
	const struct map_entry *entry;

	if (map->size == 0)
		return MAP_NONE;
	entry = find(map, key, len);
	return entry->key == NULL ? MAP_NONE : entry->value;
}

size_t
map_puts(struct map *map, const char *key, size_t value)
{
	return map_put(map, key, strlen(key), value);
}

size_t
map_gets(const struct map *map, const char *key)
{
	return map_get(map, key, strlen(key));
}
