/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule - freshness and back-off, as pure decisions. See schedule.h.
 */
#include "schedule.h"

#define SAFETY_MS 5000LL
#define BACKOFF_FIRST_MS 2000LL
#define LATE_MS 10000LL		 /* no busy loop is so slow: it slept */
#define SPREAD_MS (300 * 1000LL) /* over which all that is late begins */

/* Uniform in 0..span. */
static int64_t
spread(int64_t span, uint32_t random)
{
	return span <= 0 ? 0 : (int64_t)(random % (uint64_t)(span + 1));
}

/*
 * What a token must still have to be handed out while the provider answers.
 * A quarter of the life at most: of a short-lived token a fixed demand would
 * make an exchange of each request, and renewing ahead happens before that.
 */
static int64_t
wanted_ms(const struct schedule *s)
{
	int64_t quarter = (s->expires_ms - s->obtained_ms) / 4;

	return s->min_validity_ms < quarter ? s->min_validity_ms : quarter;
}

/* The token must survive the way to the server, however short its life. */
static int64_t
safety_ms(const struct schedule *s)
{
	int64_t part = (s->expires_ms - s->obtained_ms) / 20;

	return part < SAFETY_MS ? part : SAFETY_MS;
}

int
schedule_alive(const struct schedule *s, int64_t now_ms)
{
	return s->obtained_ms != 0 && s->expires_ms - now_ms > safety_ms(s);
}

enum schedule_verdict
schedule_judge(const struct schedule *s, int64_t now_ms)
{
	int alive = schedule_alive(s, now_ms);
	int may_try =
	    !s->latched && (s->failure == ERR_NONE || now_ms >= s->retry_ms);

	if (alive && s->expires_ms - now_ms >= wanted_ms(s) &&
	    !(s->rejected && s->running))
		return SCHEDULE_SERVE;
	/* Failing already: mail does not wait for a provider that is away. */
	if (alive && s->failure != ERR_NONE)
		return may_try && !s->running ? SCHEDULE_RENEW : SCHEDULE_SERVE;
	if (s->running || may_try)
		return SCHEDULE_WAIT;
	return SCHEDULE_REFUSE;
}

int
schedule_may_force(const struct schedule *s, int64_t forced_ms, int64_t now_ms)
{
	if (s->failure != ERR_NONE)
		return 0;
	return forced_ms == 0 || (forced_ms < s->obtained_ms &&
				     now_ms - forced_ms >= SCHEDULE_FORCED_MS);
}

int64_t
schedule_renew_at(int64_t obtained_ms, int64_t expires_ms, uint32_t random)
{
	int64_t life = expires_ms - obtained_ms;

	return obtained_ms + life / 2 + spread(life / 4, random);
}

int64_t
schedule_backoff_ms(
    enum err_kind kind, unsigned int attempt, int64_t least_ms, uint32_t random)
{
	int64_t ceiling = BACKOFF_FIRST_MS;
	int64_t wait;

	if (kind == ERR_TEMPORARY) {
		for (; attempt > 1 && ceiling < SCHEDULE_BACKOFF_MAX_MS;
		     attempt--)
			ceiling *= 2;
		if (ceiling > SCHEDULE_BACKOFF_MAX_MS)
			ceiling = SCHEDULE_BACKOFF_MAX_MS;
		wait = SCHEDULE_BACKOFF_MIN_MS +
		       spread(ceiling - SCHEDULE_BACKOFF_MIN_MS, random);
	} else {
		wait = SCHEDULE_HOUR_MS + spread(SCHEDULE_HOUR_MS / 6, random);
	}
	if (least_ms > SCHEDULE_HOUR_MS)
		least_ms = SCHEDULE_HOUR_MS;
	return wait > least_ms ? wait : least_ms;
}

int64_t
schedule_earlier(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

int64_t
schedule_due(const struct schedule *s)
{
	int64_t due_ms = 0;

	if (s->running || s->latched)
		return 0;
	if (s->asked_ms != 0)
		due_ms = s->failure != ERR_NONE ? s->retry_ms : s->renew_ms;
	/* Nobody has needed it lately. */
	if (due_ms - s->asked_ms > SCHEDULE_IN_USE_MS)
		due_ms = 0;
	if (s->keep_alive_ms == 0)
		return due_ms;
	if (s->failure != ERR_NONE && s->retry_ms > s->keep_alive_ms)
		return schedule_earlier(due_ms, s->retry_ms);
	return schedule_earlier(due_ms, s->keep_alive_ms);
}

const char *
schedule_state(const struct schedule *s, int64_t now_ms)
{
	if (s->failure == ERR_LOGIN)
		return "needs_login";
	if (s->failure != ERR_NONE && s->failure != ERR_TEMPORARY)
		return "needs_admin";
	if (s->failure == ERR_TEMPORARY)
		return schedule_alive(s, now_ms) ? "stale" : "retrying";
	return s->obtained_ms == 0 ? "idle" : "ok";
}

int64_t
schedule_late_ms(int64_t due_ms, int64_t now_ms, uint32_t random)
{
	if (now_ms - due_ms < LATE_MS)
		return 0;
	return spread(SPREAD_MS, random);
}

int64_t
schedule_keep_alive_in_s(int64_t obtained_at_s, int64_t now_s, uint32_t random)
{
	int64_t left_s = obtained_at_s - now_s + SCHEDULE_KEEP_ALIVE_S -
			 spread(86400, random);

	/* Spread what is overdue after a long stop. */
	if (left_s <= 0)
		left_s = spread(SCHEDULE_OVERDUE_S, random);
	return left_s < SCHEDULE_KEEP_ALIVE_S ? left_s : SCHEDULE_KEEP_ALIVE_S;
}
