/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_index - a hash table with open addressing. See conf_index.h.
 */
#include "conf_index.h"

#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "mem.h"

#define SLOTS_MIN 64 /* a power of two */

struct slot {
	const char *name; /* NULL: free */
	size_t number;
};

struct conf_index {
	struct slot *slots;
	size_t size; /* a power of two, at least twice the names in it */
	size_t used;
};

struct conf_index *
conf_index_new(void)
{
	struct conf_index *index = mem_zalloc(1, sizeof(*index));

	index->size = SLOTS_MIN;
	index->slots = mem_zalloc(index->size, sizeof(*index->slots));
	return index;
}

void
conf_index_free(struct conf_index *index)
{
	if (index == NULL)
		return;
	free(index->slots);
	free(index);
}

/* FNV-1a over the lower-cased bytes. */
static uint64_t
hash(const char *name)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		value ^= c >= 'A' && c <= 'Z' ? c | 0x20u : c;
		value *= UINT64_C(0x100000001b3);
	}
	return value;
}

/* Where name is, or where it would go. There always is a free slot. */
static struct slot *
slot_of(const struct conf_index *index, const char *name)
{
	size_t i = (size_t)hash(name) & (index->size - 1);

	while (index->slots[i].name != NULL &&
	       strcasecmp(index->slots[i].name, name) != 0)
		i = (i + 1) & (index->size - 1);
	return &index->slots[i];
}

static void
double_size(struct conf_index *index)
{
	struct slot *old = index->slots;
	size_t old_size = index->size;
	size_t i;

	index->size *= 2;
	index->slots = mem_zalloc(index->size, sizeof(*index->slots));
	for (i = 0; i < old_size; i++)
		if (old[i].name != NULL)
			*slot_of(index, old[i].name) = old[i];
	free(old);
}

int
conf_index_add(struct conf_index *index, const char *name, size_t number)
{
	struct slot *slot;

	if ((index->used + 1) * 2 > index->size)
		double_size(index);
	slot = slot_of(index, name);
	if (slot->name != NULL)
		return -1;
	slot->name = name;
	slot->number = number;
	index->used++;
	return 0;
}

int
conf_index_find(
    const struct conf_index *index, const char *name, size_t *number)
{
	const struct slot *slot;

	if (index == NULL)
		return 0;
	slot = slot_of(index, name);
	if (slot->name == NULL)
		return 0;
	*number = slot->number;
	return 1;
}
