/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_STATE_H
#define POSTOAK_COUNTERS_STATE_H

#include <pthread.h>
#include <stdint.h>

#include "buf.h"
#include "counters_own.h"
#include "counters_redis.h"
#include "redis_pool.h"

/*
 * counters_state - whether the shared store decides or this host, as those who
 * count (counters_shared) and the thread that looks after it (counters_keeper)
 * both see it. Says when it goes and comes.
 */

/* Before an attempt to come back, doubled each time up to the second. */
#define COUNTERS_STATE_DELAY_MS 100
#define COUNTERS_STATE_DELAY_MAX_MS 3000

struct counters_state {
	struct own_file *own;
	struct redis_pool *pool;
	char *store; /* for the log */
	int share;   /* percent */

	/* Whoever counts without the store holds this. */
	pthread_mutex_t deciding;
	struct redis_link *news; /* with it; what is told unasked, or NULL */

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

/* 1 if the store decides. */
int counters_state_serving(struct counters_state *keeper);

/*
 * The same for who is about to count there, who then has to leave: the store
 * does not come back before all have, as what they counted there would else be
 * taken for what was counted here.
 */
int counters_state_enter(struct counters_state *keeper);
void counters_state_leave(struct counters_state *keeper);

/* The store is away, for that reason: said once. */
void counters_state_lost(
    struct counters_state *keeper, const struct err *reason);

/*
 * 1 for a second after an answer that was late: the store may be away for this
 * host only, and count on for the others.
 */
int counters_state_doubts(struct counters_state *keeper);

/* Hear what the store has told; with the deciding lock. */
void counters_state_hear(struct counters_state *keeper);

/* Something was counted here although the store serves. */
void counters_state_unheard(struct counters_state *keeper);

/* A call for a link of the pool. */
void counters_state_call(struct counters_state *keeper,
    struct counters_script_call *call, struct redis_link *link,
    int64_t until_ms);

/* For the thread: */

/* With the lock: until something changed or ms have passed. */
void counters_state_wait(struct counters_state *state, int64_t ms);

/* Rest for so long, or until the store comes or goes; 0: it is to stop. */
int counters_state_rest(struct counters_state *state, int64_t ms);

/* Take the deciding lock and hear. */
void counters_state_hear_all(struct counters_state *state);

/* The store serves from now on. */
void counters_state_back(struct counters_state *state);

/* With the lock: it is away for that reason, which may be said already. */
void counters_state_say(
    struct counters_state *state, const char *reason, int urgent);

/* 1 once after counters_state_unheard. */
int counters_state_take_unheard(struct counters_state *state);

#endif
