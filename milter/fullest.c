/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fullest - see fullest.h.
 */
#include "fullest.h"

#include <stdio.h>
#include <string.h>

#include "counters_walk.h"
#include "limits.h"
#include "map.h"
#include "utf8.h"

/* "@contoso.com": each mailbox of it counts by itself. */
static int
is_domain(const char *who)
{
	return who[0] == '@';
}

int
fullest_has_many(const struct conf_limit *limit, const char *who)
{
	return limits_needs_message(limit->scope) ||
	       (limit->scope == CONF_SCOPE_ACCOUNT && is_domain(who));
}

/* --- which keys ----------------------------------------------------------- */

/* Of a domain account the walk takes all names, and looks at whose they are. */
static void
keep_to_domain(struct counters_walk *walk, const struct conf_limit *limit)
{
	size_t scope = strlen(limits_scope_name(limit->scope)) + 1;
	size_t len = strcspn(walk->prefix + scope, " ");

	(void)snprintf(walk->domain, sizeof(walk->domain), "%.*s", (int)len,
	    walk->prefix + scope);
	walk->prefix[scope] = '\0';
}

static void
begin(struct counters_walk *walk, const struct conf_account *account,
    const struct conf_limit *limit, const char *who)
{
	const struct limits_message nobody = {.who = who};
	struct counters_item item;

	limits_item(&item, account, limit, &nobody);
	counters_walk_init(walk, item.key);
	walk->window_ms = item.window_ms;
	walk->max = item.max;
	walk->most = FULLEST_KEYS;
	if (is_domain(who))
		keep_to_domain(walk, limit);
}

/* --- the fullest ---------------------------------------------------------- */

struct finding {
	struct counters *counters;
	struct fullest *fullest;
	struct map seen; /* a shared store may name a key twice */
};

static void
put_name(char name[COUNTERS_KEY_MAX], const char *from, size_t len)
{
	size_t i = 0, at = 0;

	while (i < len && at + 5 < COUNTERS_KEY_MAX) {
		size_t bytes = utf8_length(from + i);

		if (bytes > 0 && bytes <= len - i) {
			memcpy(name + at, from + i, bytes);
			at += bytes;
			i += bytes;
			continue;
		}
		(void)snprintf(name + at, 5, "\\x%02x",
		    (unsigned)(unsigned char)from[i++]);
		at += 4;
	}
	name[at] = '\0';
}

/* At its place among those shown; the last one makes room. */
static void
show(struct fullest *fullest, const struct counters_item *item,
    const char *name, size_t len)
{
	size_t at = fullest->count;

	while (at > 0 && fullest->shown[at - 1].used < item->used)
		at--;
	if (at == FULLEST_SHOWN)
		return;
	if (fullest->count < FULLEST_SHOWN)
		fullest->count++;
	memmove(&fullest->shown[at + 1], &fullest->shown[at],
	    (fullest->count - 1 - at) * sizeof(fullest->shown[0]));
	put_name(fullest->shown[at].name, name, len);
	fullest->shown[at].used = item->used;
	fullest->shown[at].frees_ms = item->frees_ms;
}

static int
find(struct counters_walk *walk, void *with, struct err *err)
{
	struct finding *finding = with;
	size_t i;

	if (counters_read(finding->counters, walk->items, walk->count, err) < 0)
		return -1;
	for (i = 0; i < walk->count; i++) {
		const struct counters_item *item = &walk->items[i];
		size_t len;
		const char *name = counters_walk_name(walk, item->key, &len);

		if (name == NULL || item->used == 0 ||
		    map_puts(&finding->seen, item->key, 1) != MAP_NONE)
			continue;
		show(finding->fullest, item, name, len);
	}
	return 0;
}

int
fullest_find(struct counters *counters, const struct conf_account *account,
    const struct conf_limit *limit, const char *who, int64_t until_ms,
    struct fullest *fullest, struct err *err)
{
	struct finding finding = {.counters = counters, .fullest = fullest};
	struct counters_walk walk;
	int rc;

	memset(fullest, 0, sizeof(*fullest));
	map_init(&finding.seen);
	begin(&walk, account, limit, who);
	walk.until_ms = until_ms;
	walk.visit = find;
	walk.with = &finding;
	rc = counters_walk(counters, &walk, err);
	fullest->others = finding.seen.count - fullest->count;
	fullest->cut = walk.cut;
	map_clear(&finding.seen);
	return rc;
}

/* --- forgetting ----------------------------------------------------------- */

static int
forget(struct counters_walk *walk, void *with, struct err *err)
{
	return counters_reset(with, walk->items, walk->count, err);
}

int
fullest_forget(struct counters *counters, const struct conf_account *account,
    const struct conf_limit *limit, const char *who, int64_t until_ms,
    struct err *err)
{
	struct counters_walk walk;

	begin(&walk, account, limit, who);
	walk.most = SIZE_MAX;
	walk.until_ms = until_ms;
	walk.shared = 1;
	walk.visit = forget;
	walk.with = counters;
	if (counters_walk(counters, &walk, err) < 0)
		return -1;
	if (!walk.cut)
		return 0;
	return err_set(err, ERR_TEMPORARY, "counters",
	    "there was no time to forget all that was counted for each %s; "
	    "say it again, or for one account after the other",
	    limits_scope_name(limit->scope));
}
