/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns - see turns.h.
 */
#include "turns.h"

#include <stdlib.h>

#include "mem.h"

struct turns_entry {
	unsigned long long account;
	unsigned long long turn; /* its last one */
};

static struct turns_entry *
find(const struct turns *turns, unsigned long long account)
{
	size_t i;

	for (i = 0; i < turns->count; i++)
		if (turns->entries[i].account == account)
			return &turns->entries[i];
	return NULL;
}

unsigned long long
turns_last(const struct turns *turns, unsigned long long account)
{
	const struct turns_entry *entry = find(turns, account);

	return entry != NULL ? entry->turn : 0;
}

/* 1 if a goes before b. */
static int
is_before(const struct turns_lane *a, const struct turns_lane *b)
{
	return a->turn != b->turn ? a->turn < b->turn : a->number < b->number;
}

size_t
turns_next(const struct turns_lane *lanes, size_t count)
{
	size_t i, best = TURNS_NONE;

	for (i = 0; i < count; i++)
		if (lanes[i].open &&
		    (best == TURNS_NONE || is_before(&lanes[i], &lanes[best])))
			best = i;
	return best;
}

void
turns_take(struct turns_lane *lanes, size_t count, size_t lane,
    unsigned long long turn)
{
	unsigned long long account = lanes[lane].account;
	size_t i;

	for (i = 0; i < count; i++)
		if (lanes[i].account == account)
			lanes[i].turn = turn;
}

void
turns_had(struct turns *turns, unsigned long long account)
{
	struct turns_entry *entry = find(turns, account);

	if (entry == NULL) {
		turns->entries = mem_grow(
		    turns->entries, turns->count + 1, sizeof(*turns->entries));
		entry = &turns->entries[turns->count++];
		entry->account = account;
	}
	entry->turn = ++turns->turn;
}

void
turns_clear(struct turns *turns)
{
	free(turns->entries);
	turns->entries = NULL;
	turns->count = 0;
}
