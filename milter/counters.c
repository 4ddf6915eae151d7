/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters - see counters.h.
 */
#include "counters.h"

#include <stdio.h>
#include <string.h>

#include "counters_lmdb.h"
#include "map.h"

#define WHO_MAX 340

int
counters_check(const char *address, struct err *err)
{
	if (strncmp(address, "lmdb:", 5) == 0 && address[5] == '/')
		return 0;
	return err_set(err, ERR_CONFIG, "counters",
	    "counters: \"%s\" is not a store this version knows; "
	    "write lmdb: and an absolute directory",
	    address);
}

struct counters *
counters_open(const struct conf_milter *milter, struct err *err)
{
	const char *address = milter->counters;

	if (counters_check(address, err) < 0)
		return NULL;
	return counters_lmdb_open(
	    address + strlen("lmdb:"), COUNTERS_LMDB_BYTES, err);
}

void
counters_close(struct counters *counters)
{
	if (counters != NULL)
		counters->ops->close(counters);
}

int
counters_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always, struct err *err)
{
	/* Nothing to count is no reason to write. */
	if (count == 0)
		return 1;
	return counters->ops->reserve(counters, id, items, count, always, err);
}

int
counters_read(struct counters *counters, struct counters_item *items,
    size_t count, struct err *err)
{
	return counters->ops->read(counters, items, count, err);
}

void
counters_tick(struct counters *counters)
{
	counters->ops->tick(counters);
}

void
counters_key(char key[COUNTERS_KEY_MAX], const char *scope, const char *who,
    const char *unit, int64_t window_s)
{
	char name[WHO_MAX];
	size_t i, len = strlen(who);

	for (i = 0; i < len && i < sizeof(name) - 1; i++)
		name[i] = who[i] >= 'A' && who[i] <= 'Z'
			      ? (char)(who[i] + 'a' - 'A')
			      : who[i];
	name[i] = '\0';
	if (i < len)
		(void)snprintf(
		    name + i - 18, 19, "#%016llx", map_hash(who, len));
	(void)snprintf(key, COUNTERS_KEY_MAX, "%.16s|%s|%.24s|%lld", scope,
	    name, unit, (long long)window_s);
}
