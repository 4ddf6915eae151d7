/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_KEEPER_H
#define POSTOAK_COUNTERS_KEEPER_H

#include <pthread.h>
#include <stdint.h>

#include "buf.h"
#include "counters_own.h"
#include "counters_redis.h"
#include "redis_pool.h"

/*
 * counters_keeper - the thread that connects to the shared store, gives back
 * what the store may lack, and looks after it; everything that may wait.
 * Called by counters_shared; calls redis_pool, counters_redis, counters_own.
 *
 * The store comes back in this order: connect; say hello; push all that this
 * host counted; wait until all other hosts have done so, if the store is
 * another server than before or has forgotten everything (it is young then, for
 * at most five seconds); push once more what was counted here meanwhile, with
 * nobody counting. Only then messages are counted there again. So whatever the
 * store lost, and whatever was counted without it, is in it before it decides.
 */

struct counters_keeper {
	struct own_file *own;
	struct redis_pool *pool;
	char *store; /* for the log */
	int share;   /* percent */

	/* Whoever counts without the store holds this. */
	pthread_mutex_t deciding;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	int serving; /* the store decides */
	int inside;  /* calls that began while it did, not yet noted */
	int unheard; /* something was counted here while it did */
	int tried;
	int64_t doubts_ms;
	/* until then it may be only late, clock_boot_ms */ /* the first
							       attempt is
							       over */
	int stop;
	int64_t changed_ms; /* of serving, clock_boot_ms */
	char said[200];	    /* why it is away, as the log has it */
	int64_t said_ms;

	/* The thread's own. */
	pthread_t thread;
	struct buf hosts; /* the server's name, then the hosts it knows */
	int64_t delay_ms;
};

/*
 * Start, with own, pool, store and share set and the rest zero; returns when
 * the store serves or the first attempt failed, within about a second. -1 with
 * *err if there can be no thread.
 */
int counters_keeper_start(struct counters_keeper *keeper, struct err *err);
void counters_keeper_stop(struct counters_keeper *keeper);

/* 1 if the store decides. */
int counters_keeper_serving(struct counters_keeper *keeper);

/*
 * The same for who is about to count there, who then has to leave: the store
 * does not come back before all have, as what they counted there would else be
 * taken for what was counted here.
 */
int counters_keeper_enter(struct counters_keeper *keeper);
void counters_keeper_leave(struct counters_keeper *keeper);

/* The store is away, for that reason: said once. */
void counters_keeper_lost(
    struct counters_keeper *keeper, const struct err *reason);

/*
 * 1 for a second after an answer that was late: the store may be away for this
 * host only, and count on for the others.
 */
int counters_keeper_doubts(struct counters_keeper *keeper);

/* Something was counted here although the store serves. */
void counters_keeper_unheard(struct counters_keeper *keeper);

/* A call for a link of the pool. */
void counters_keeper_call(struct counters_keeper *keeper,
    struct counters_redis_call *call, struct redis_link *link,
    int64_t until_ms);

#endif
