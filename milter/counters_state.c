/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_state - see counters_state.h.
 *
 * Logs when the store goes, when the reason for its absence is one that
 * somebody has to do something about, and when it is back.
 */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "counters_state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "counters_news.h"
#include "log.h"

#define DOUBTS_MS 1000
#define AGAIN_MS 60000	/* before another reason is said */
#define HEAR_MS 5	/* at most, with the lock */
#define STEADY_MS 10000 /* served for so long: begin anew */

void
counters_state_call(struct counters_state *state,
    struct counters_script_call *call, struct redis_link *link,
    int64_t until_ms)
{
	*call = (struct counters_script_call){.link = link,
	    .until_ms = until_ms,
	    .host = own_file_name(state->own),
	    .expected_ms = own_file_expected(state->own)};
}

/* With the lock: until something changed or ms have passed. */
void
counters_state_wait(struct counters_state *state, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_cond_clockwait(
	    &state->changed, &state->lock, CLOCK_MONOTONIC, &until);
}

/* Until the store comes or goes, or the time is over. */
int
counters_state_rest(struct counters_state *state, int64_t ms)
{
	int64_t until_ms = clock_boot_ms() + ms, left_ms = ms;
	int go_on, serving;

	(void)pthread_mutex_lock(&state->lock);
	serving = state->serving;
	while (!state->stop && state->serving == serving && left_ms > 0) {
		counters_state_wait(state, left_ms);
		left_ms = until_ms - clock_boot_ms();
	}
	go_on = !state->stop;
	(void)pthread_mutex_unlock(&state->lock);
	return go_on;
}

void
counters_state_hear(struct counters_state *state)
{
	struct err err;

	if (state->news == NULL || counters_news_read(state->news, state->own,
				       clock_boot_ms() + HEAR_MS, &err) == 0)
		return;
	redis_link_close(state->news);
	state->news = NULL;
}

void
counters_state_hear_all(struct counters_state *state)
{
	(void)pthread_mutex_lock(&state->deciding);
	counters_state_hear(state);
	(void)pthread_mutex_unlock(&state->deciding);
}

void
counters_state_back(struct counters_state *state)
{
	(void)pthread_mutex_lock(&state->lock);
	if (state->said[0] != '\0')
		log_info(NULL,
		    "the shared counters are back: store=%s away_s=%lld",
		    state->store,
		    (long long)(clock_boot_ms() - state->changed_ms) / 1000);
	state->serving = 1;
	state->unheard = 0;
	state->said[0] = '\0';
	state->changed_ms = clock_boot_ms();
	(void)pthread_mutex_unlock(&state->lock);
}

/*
 * With the lock. Said once; again only when it is the administrator who has to
 * do something, or when it lasts.
 */
void
counters_state_say(struct counters_state *state, const char *reason, int urgent)
{
	int64_t now_ms = clock_boot_ms();
	int first = state->said[0] == '\0';

	if (!first && (!urgent && now_ms - state->said_ms < AGAIN_MS))
		return;
	if (strncmp(state->said, reason, sizeof(state->said) - 1) == 0)
		return;
	(void)snprintf(state->said, sizeof(state->said), "%s", reason);
	state->said_ms = now_ms;
	if (first)
		log_warn(NULL,
		    "the shared counters are away, this host counts its share: "
		    "store=%s share=%d%% reason=%s",
		    state->store, state->share, reason);
	else
		log_warn(NULL,
		    "the shared counters cannot be used: store=%s reason=%s",
		    state->store, reason);
}

void
counters_state_lost(struct counters_state *state, const struct err *reason)
{
	(void)pthread_mutex_lock(&state->lock);
	if (state->serving) {
		state->serving = 0;
		state->delay_ms *= 2;
		if (state->delay_ms > COUNTERS_STATE_DELAY_MAX_MS)
			state->delay_ms = COUNTERS_STATE_DELAY_MAX_MS;
		if (clock_boot_ms() - state->changed_ms >= STEADY_MS)
			state->delay_ms = COUNTERS_STATE_DELAY_MS;
		state->changed_ms = clock_boot_ms();
		if (strcmp(reason->code, REDIS_LINK_LATE) == 0)
			state->doubts_ms = clock_boot_ms() + DOUBTS_MS;
		counters_state_say(state, reason->text, 0);
		(void)pthread_cond_broadcast(&state->changed);
	}
	(void)pthread_mutex_unlock(&state->lock);
}

int
counters_state_serving(struct counters_state *state)
{
	int serving;

	(void)pthread_mutex_lock(&state->lock);
	serving = state->serving;
	(void)pthread_mutex_unlock(&state->lock);
	return serving;
}

int
counters_state_doubts(struct counters_state *state)
{
	int doubts;

	(void)pthread_mutex_lock(&state->lock);
	doubts = clock_boot_ms() < state->doubts_ms;
	(void)pthread_mutex_unlock(&state->lock);
	return doubts;
}

int
counters_state_enter(struct counters_state *state)
{
	int serving;

	(void)pthread_mutex_lock(&state->lock);
	serving = state->serving;
	state->inside += serving;
	(void)pthread_mutex_unlock(&state->lock);
	return serving;
}

void
counters_state_leave(struct counters_state *state)
{
	(void)pthread_mutex_lock(&state->lock);
	if (--state->inside == 0)
		(void)pthread_cond_broadcast(&state->changed);
	(void)pthread_mutex_unlock(&state->lock);
}

void
counters_state_unheard(struct counters_state *state)
{
	(void)pthread_mutex_lock(&state->lock);
	state->unheard = 1;
	(void)pthread_cond_broadcast(&state->changed);
	(void)pthread_mutex_unlock(&state->lock);
}

int
counters_state_take_unheard(struct counters_state *state)
{
	int unheard;

	(void)pthread_mutex_lock(&state->lock);
	unheard = state->unheard;
	state->unheard = 0;
	(void)pthread_mutex_unlock(&state->lock);
	return unheard;
}
