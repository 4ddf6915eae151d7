/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_shared - see counters_shared.h.
 */
#include "counters_shared.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conf_counters.h"
#include "counters_keeper.h"
#include "counters_lmdb.h"
#include "counters_own.h"
#include "counters_redis.h"
#include "counters_shared_keys.h"
#include "counters_state.h"
#include "log.h"
#include "mem.h"
#include "redis_pool.h"
#include "secretfile.h"

#define CALL_MS 40 /* of the 50 a callback may take, */
#define TAKE_MS 20 /* of which so many to get a connection */

struct shared {
	struct counters counters;
	struct counters_state keeper;
	/* Of take-backs: how many began, and what resets made too old. */
	unsigned long taken_back;
	int64_t reset_ms;
};

static struct shared *
shared_of(struct counters *counters)
{
	return (struct shared *)(void *)counters;
}

/* --- with the store ------------------------------------------------------- */

/* -1 if the store has less than this host alone has counted. */
static int
check_memory(const struct counters_script_call *call,
    const struct counters_item *items, size_t count, struct limit_ring *rings)
{
	size_t i;

	for (i = 0; i < count; i++) {
		limit_forget(&rings[i], call->resets[i]);
		if (items[i].used < limit_used(&rings[i], call->now_ms))
			return -1;
	}
	return 0;
}

static unsigned long
taken_back(const struct shared *shared)
{
	return __atomic_load_n(&shared->taken_back, __ATOMIC_SEQ_CST);
}

static int
ask(struct shared *shared, struct redis_link *link, const char *id,
    struct counters_item *items, size_t count, int always, int64_t until_ms,
    int *granted, struct err *err)
{
	struct own_file *own = shared->keeper.own;
	struct limit_ring rings[COUNTERS_ITEMS_MAX];
	struct counters_script_call call;
	struct err note_err;
	unsigned long before = taken_back(shared);
	size_t i;

	/* Before the call: what others count meanwhile is not in them. */
	if (counters_own_rings(own, items, count, rings, err) < 0)
		return -1;
	counters_state_call(&shared->keeper, &call, link, until_ms);
	if (counters_redis_reserve(
		&call, id, items, count, always, granted, err) < 0)
		return -1;
	if (call.young)
		return err_set(err, ERR_TEMPORARY, "young",
		    "the server is another one or has begun anew");
	if (check_memory(&call, items, count, rings) < 0 &&
	    taken_back(shared) == before)
		return err_set(err, ERR_TEMPORARY, "forgotten",
		    "the server has forgotten what this host counted");
	for (i = 0; i < count; i++) {
		items[i].counted_ms = *granted == 1 || (*granted == 0 && always)
					  ? call.now_ms
					  : 0;
		items[i].counted_alone = 0;
	}
	own_file_follow(own, call.now_ms);
	/* A host that only refuses has to know, too, how full it is. */
	if (*granted < 2 && counters_own_note(own, call.now_ms, items, count,
				*granted == 1 || always, &note_err) < 0)
		log_warn(NULL, "%s", note_err.text);
	return 0;
}

/* 0, or -1: the store is away. */
static int
reserve_there(struct shared *shared, const char *id,
    struct counters_item *items, size_t count, int always, int *granted)
{
	int64_t now_ms = clock_boot_ms();
	struct redis_link *link;
	struct err err;
	int rc = -1;

	if (!counters_state_enter(&shared->keeper))
		return -1;
	(void)err_set(&err, ERR_TEMPORARY, REDIS_LINK_LATE,
	    "the server did not answer others in time");
	link = redis_pool_take(shared->keeper.pool, now_ms + TAKE_MS);
	if (link != NULL) {
		rc = ask(shared, link, id, items, count, always,
		    now_ms + CALL_MS, granted, &err);
		redis_pool_give(shared->keeper.pool, link);
	}
	if (rc < 0)
		counters_state_lost(&shared->keeper, &err);
	counters_state_leave(&shared->keeper);
	return rc;
}

/* --- without -------------------------------------------------------------- */

/* The lock keeps the store from coming back while something is counted here. */
static int
reserve_here(struct shared *shared, const char *id, struct counters_item *items,
    size_t count, int always, int *granted, struct err *err)
{
	struct counters_state *keeper = &shared->keeper;
	int rc;

	(void)pthread_mutex_lock(&keeper->deciding);
	counters_state_hear(keeper);
	rc = counters_own_reserve(keeper->own, id, items, count, keeper->share,
	    counters_state_doubts(keeper), always, granted, err);
	/* It came back since it was tried: it will hear of this soon. */
	if (counters_state_serving(keeper))
		counters_state_unheard(keeper);
	(void)pthread_mutex_unlock(&keeper->deciding);
	return rc;
}

static int
shared_reserve(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, int always,
    struct counters_writer *writer, struct err *err)
{
	struct shared *shared = shared_of(counters);
	int granted = 0;

	(void)writer; /* the notes are in counters.local */
	if (reserve_there(shared, id, items, count, always, &granted) < 0 &&
	    reserve_here(shared, id, items, count, always, &granted, err) < 0)
		return -1;
	return granted != 0;
}

/* --- taking back ---------------------------------------------------------- */

/*
 * With a store that cannot be asked it stays counted there. This host's own
 * ring comes first: the store must not be found to have less than that.
 */
static int
take_back_there(struct shared *shared, const char *id,
    const struct counters_item *items, size_t count, struct err *err)
{
	struct counters_state *keeper = &shared->keeper;
	int64_t until_ms = clock_boot_ms() + CALL_MS;
	struct counters_script_call call;
	struct redis_link *link = NULL;
	int known, rc;

	if (counters_state_serving(keeper))
		link = redis_pool_take(keeper->pool, until_ms);
	if (link == NULL)
		return err_set(err, ERR_TEMPORARY, "counters",
		    "the shared counters are away");
	(void)__atomic_add_fetch(&shared->taken_back, 1, __ATOMIC_SEQ_CST);
	rc = counters_own_take_back(keeper->own, id, items, count, err);
	if (rc == 0) {
		counters_state_call(keeper, &call, link, until_ms);
		rc = counters_redis_take_back(
		    &call, id, items, count, &known, err);
		if (rc < 0)
			counters_state_lost(keeper, err);
	}
	redis_pool_give(keeper->pool, link);
	return rc;
}

static int
shared_take_back(struct counters *counters, const char *id,
    struct counters_item *items, size_t count, struct err *err)
{
	struct shared *shared = shared_of(counters);
	struct counters_state *keeper = &shared->keeper;
	int rc;

	if (items[0].counted_ms <=
	    __atomic_load_n(&shared->reset_ms, __ATOMIC_SEQ_CST))
		return 0;
	if (!items[0].counted_alone)
		return take_back_there(shared, id, items, count, err);
	(void)pthread_mutex_lock(&keeper->deciding);
	rc = counters_own_take_back(keeper->own, id, items, count, err);
	(void)pthread_mutex_unlock(&keeper->deciding);
	return rc;
}

/* --- reading -------------------------------------------------------------- */

static int
read_there(struct shared *shared, struct counters_item *items, size_t count)
{
	struct counters_script_call call;
	struct redis_link *link;
	int64_t until_ms = clock_boot_ms() + CALL_MS;
	struct err err;
	int rc;

	if (!counters_state_serving(&shared->keeper))
		return -1;
	link = redis_pool_take(shared->keeper.pool, until_ms);
	if (link == NULL)
		return -1;
	counters_state_call(&shared->keeper, &call, link, until_ms);
	rc = counters_redis_look(&call, items, count, &err);
	redis_pool_give(shared->keeper.pool, link);
	return call.young ? -1 : rc;
}

static int
shared_read(struct counters *counters, struct counters_item *items,
    size_t count, struct err *err)
{
	struct shared *shared = shared_of(counters);

	if (read_there(shared, items, count) == 0)
		return 0;
	return counters_own_read(shared->keeper.own, items, count, err);
}

static int
shared_reset(struct counters *counters, const struct counters_item *items,
    size_t count, struct err *err)
{
	struct counters_state *keeper = &shared_of(counters)->keeper;
	struct counters_script_call call;
	struct redis_link *link;
	int64_t until_ms = clock_boot_ms() + CALL_MS;
	int rc;

	link = counters_state_serving(keeper)
		   ? redis_pool_take(keeper->pool, until_ms)
		   : NULL;
	if (link == NULL)
		return err_set(err, ERR_TEMPORARY, "counters",
		    "the shared counters are away, nothing was reset; try "
		    "again when they are back");
	counters_state_call(keeper, &call, link, until_ms);
	rc = counters_redis_reset(&call, items, count, err);
	redis_pool_give(keeper->pool, link);
	if (rc == 0)
		__atomic_store_n(&shared_of(counters)->reset_ms, call.now_ms,
		    __ATOMIC_SEQ_CST);
	if (rc == 0)
		rc = counters_own_reset(keeper->own, items, count, err);
	return rc;
}

static int
shared_walk(
    struct counters *counters, struct counters_walk *walk, struct err *err)
{
	return counters_shared_keys(&shared_of(counters)->keeper, walk, err);
}

static void
shared_tick(struct counters *counters)
{
	own_file_tick(shared_of(counters)->keeper.own);
	counters->local->ops->tick(counters->local);
}

/* --- opening -------------------------------------------------------------- */

static void
clear(struct shared *shared)
{
	if (shared->keeper.pool != NULL)
		redis_pool_free(shared->keeper.pool);
	own_file_close(shared->keeper.own);
	if (shared->counters.local != NULL)
		shared->counters.local->ops->close(shared->counters.local);
	free(shared->keeper.store);
	free(shared);
}

static void
shared_close(struct counters *counters)
{
	struct shared *shared = shared_of(counters);

	counters_keeper_stop(&shared->keeper);
	clear(shared);
}

static const struct counters_ops ops = {
    .reserve = shared_reserve,
    .take_back = shared_take_back,
    .read = shared_read,
    .reset = shared_reset,
    .walk = shared_walk,
    .tick = shared_tick,
    .close = shared_close,
};

/* What is wrong with these is better known now than when it is needed. */
static int
check_files(const struct conf_milter *milter, int tls, struct err *err)
{
	struct secret password = SECRET_INIT;
	struct redis_tls_context *context;

	if (milter->counters_password_file != NULL) {
		if (secretfile_read(
			milter->counters_password_file, &password, err) < 0)
			return -1;
		secret_clear(&password);
	}
	if (!tls)
		return 0;
	context = redis_tls_context_new(milter->counters_ca_file, err);
	redis_tls_context_free(context);
	return context != NULL ? 0 : -1;
}

static int
prepare(
    struct shared *shared, const struct conf_milter *milter, struct err *err)
{
	struct conf_value address = {.text = milter->counters};
	struct conf_counters store;
	char *directory = mem_printf("%s/shared", milter->counters_local);

	shared->counters.ops = &ops;
	shared->keeper.store = mem_strdup(milter->counters);
	shared->keeper.share = milter->counters_share;
	shared->counters.local = counters_lmdb_open(
	    milter->counters_local, COUNTERS_LMDB_BYTES, err);
	if (shared->counters.local != NULL)
		shared->keeper.own = own_file_open(directory, err);
	free(directory);
	if (shared->keeper.own == NULL)
		return -1;
	if (conf_counters_parse(&address, &store) < 0)
		return err_set(err, ERR_CONFIG, "counters",
		    "counters: \"%s\" %s", milter->counters, address.problem);
	if (check_files(milter, store.tls, err) < 0)
		return -1;
	shared->keeper.pool = redis_pool_new(
	    &store, milter->counters_password_file, milter->counters_ca_file);
	return 0;
}

struct counters *
counters_shared_open(const struct conf_milter *milter, struct err *err)
{
	struct shared *shared = mem_zalloc(1, sizeof(*shared));

	if (prepare(shared, milter, err) == 0 &&
	    counters_keeper_start(&shared->keeper, err) == 0)
		return &shared->counters;
	clear(shared);
	return NULL;
}
