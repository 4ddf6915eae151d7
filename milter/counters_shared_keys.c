/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_shared_keys - see counters_shared_keys.h.
 */
#include "counters_shared_keys.h"

#include <string.h>

#include "clock.h"
#include "counters_own_keys.h"
#include "counters_redis_keys.h"
#include "log.h"

#define CALL_MS 1000 /* nobody's message waits for it */

/* One call, the connection being given back before anything is visited. */
static int
scan(struct counters_state *keeper, const struct counters_walk *walk,
    char cursor[COUNTERS_REDIS_CURSOR_MAX], struct buf *keys, struct err *err)
{
	int64_t until_ms = clock_boot_ms() + CALL_MS;
	struct redis_link *link = NULL;
	int rc;

	if (counters_state_serving(keeper))
		link = redis_pool_take(keeper->pool, until_ms);
	if (link == NULL)
		return err_set(err, ERR_TEMPORARY, "counters",
		    "the shared counters are away");
	rc = counters_redis_keys(link, until_ms, walk, cursor, keys, err);
	/* A host that sends nothing learns of it here. */
	if (rc < 0 && redis_link_broken(link))
		counters_state_lost(keeper, err);
	redis_pool_give(keeper->pool, link);
	return rc;
}

static int
add_lines(struct counters_walk *walk, char *text, struct err *err)
{
	char *line, *rest = NULL;

	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (counters_walk_is_over(walk) ||
		    (counters_walk_add(walk, counters_redis_key_of(line)) &&
			counters_walk_visit(walk, err) < 0))
			break;
	return line != NULL && !walk->cut ? -1 : counters_walk_visit(walk, err);
}

static int
walk_there(
    struct counters_state *keeper, struct counters_walk *walk, struct err *err)
{
	char cursor[COUNTERS_REDIS_CURSOR_MAX] = "0";
	struct buf keys;
	int rc;

	do {
		buf_init(&keys, REDIS_LINK_ANSWER_MAX);
		rc = scan(keeper, walk, cursor, &keys, err);
		if (rc == 0 && keys.len > 0)
			rc = add_lines(walk, keys.data, err);
		buf_clear(&keys);
	} while (rc == 0 && strcmp(cursor, "0") != 0 &&
		 !counters_walk_is_over(walk));
	return rc;
}

int
counters_shared_keys(
    struct counters_state *keeper, struct counters_walk *walk, struct err *err)
{
	if (walk_there(keeper, walk, err) == 0)
		return 0;
	if (walk->shared)
		return -1;
	log_warn(NULL,
	    "cannot list what the shared counters hold, this host lists what "
	    "it knows: reason=%s",
	    err->text);
	walk->count = 0;
	return counters_own_keys(keeper->own, walk, err);
}
