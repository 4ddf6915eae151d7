/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_walk - see counters_walk.h.
 *
 * A key is SCOPE|NAME|UNIT|WINDOW; the name may hold any of these signs, the
 * unit and the window none.
 */
#include "counters_walk.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"

/* Where the last two of the key's parts begin, with the "|". */
static const char *
tail_of(const char *key)
{
	const char *at = key + strlen(key);
	int bars = 0;

	while (at > key && bars < 2)
		bars += *--at == '|';
	return at;
}

void
counters_walk_init(struct counters_walk *walk, const char *key)
{
	const char *tail = tail_of(key);

	memset(walk, 0, sizeof(*walk));
	(void)snprintf(
	    walk->prefix, sizeof(walk->prefix), "%.*s", (int)(tail - key), key);
	(void)snprintf(walk->suffix, sizeof(walk->suffix), "%s", tail);
}

/* The account of a name: to the first blank, but those in a quoted string. */
static size_t
account_len(const char *name, size_t len)
{
	size_t i = 0;

	if (len > 0 && name[0] == '"')
		for (i = 1; i < len && name[i] != '"'; i++)
			i += name[i] == '\\';
	while (i < len && name[i] != ' ')
		i++;
	return i < len ? i : len;
}

static int
is_of_domain(const struct counters_walk *walk, const char *name, size_t len)
{
	size_t domain = strlen(walk->domain), account = account_len(name, len);

	return account >= domain &&
	       memcmp(name + account - domain, walk->domain, domain) == 0;
}

const char *
counters_walk_name(
    const struct counters_walk *walk, const char *key, size_t *len)
{
	size_t before = strlen(walk->prefix), behind = strlen(walk->suffix);
	size_t whole = strlen(key);

	if (whole < before + behind || whole >= COUNTERS_KEY_MAX ||
	    memcmp(key, walk->prefix, before) != 0 ||
	    strcmp(key + whole - behind, walk->suffix) != 0)
		return NULL;
	*len = whole - before - behind;
	return is_of_domain(walk, key + before, *len) ? key + before : NULL;
}

int
counters_walk_add(struct counters_walk *walk, const char *key)
{
	struct counters_item *item = &walk->items[walk->count];
	size_t len;

	if (walk->most > 0)
		walk->most--;
	if (counters_walk_name(walk, key, &len) != NULL) {
		memset(item, 0, sizeof(*item));
		(void)snprintf(item->key, sizeof(item->key), "%s", key);
		item->window_ms = walk->window_ms;
		item->max = walk->max;
		walk->count++;
	}
	return walk->count == COUNTERS_ITEMS_MAX;
}

int
counters_walk_is_over(struct counters_walk *walk)
{
	if (walk->most == 0 || clock_boot_ms() >= walk->until_ms)
		walk->cut = 1;
	return walk->cut;
}

int
counters_walk_visit(struct counters_walk *walk, struct err *err)
{
	int rc = walk->count > 0 ? walk->visit(walk, walk->with, err) : 0;

	walk->count = 0;
	return rc;
}
