/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SCHEDULE_H
#define POSTOAK_SCHEDULE_H

#include <stdint.h>

#include "err.h"

/*
 * schedule - when a token is good enough, when it is renewed, when a failure
 * is tried again. Pure: now and randomness are arguments, times are
 * milliseconds of CLOCK_BOOTTIME. Called by credential.
 */

#define SCHEDULE_HOUR_MS (3600 * 1000LL)
#define SCHEDULE_DAY_MS (24 * SCHEDULE_HOUR_MS)
#define SCHEDULE_IN_USE_MS SCHEDULE_DAY_MS  /* since the last request */
#define SCHEDULE_KEEP_ALIVE_S (7 * 86400LL) /* refresh token left unused */
#define SCHEDULE_OVERDUE_S 600
#define SCHEDULE_BACKOFF_MIN_MS 1000LL
#define SCHEDULE_BACKOFF_MAX_MS (300 * 1000LL)
#define SCHEDULE_FORCED_MS                                                     \
	60000LL /* between two refreshes after a rejection                     \
		 */

/* All that matters of a credential at one moment. */
struct schedule {
	int64_t obtained_ms; /* of the access token; 0: there is none */
	int64_t expires_ms;
	int64_t min_validity_ms; /* as configured */
	enum err_kind failure; /* of the last exchange; ERR_NONE: it was good */
	int latched;	  /* refused: no exchange until something changes */
	int rejected;	  /* a server refused the token */
	int running;	  /* an exchange is under way */
	int64_t retry_ms; /* no exchange before, while failing */
	int64_t asked_ms; /* last use; 0: never */
	int64_t renew_ms; /* as schedule_renew_at said */
	int64_t keep_alive_ms; /* of the refresh token; 0: there is none */
};

enum schedule_verdict {
	SCHEDULE_SERVE,	 /* hand out the token */
	SCHEDULE_RENEW,	 /* hand it out and begin an exchange meanwhile */
	SCHEDULE_WAIT,	 /* queue behind an exchange; begin it if none runs */
	SCHEDULE_REFUSE, /* answer with the stored failure */
};

enum schedule_verdict schedule_judge(const struct schedule *s, int64_t now_ms);

/* 1 if the token can still be handed out at all. */
int schedule_alive(const struct schedule *s, int64_t now_ms);

/*
 * 1 if a server's rejection of the token may lead to an exchange now: once for
 * each token, once a minute (a rejection that came too soon counts when it is
 * said again), and not while failing. forced_ms: when one did last; 0: never.
 */
int schedule_may_force(
    const struct schedule *s, int64_t forced_ms, int64_t now_ms);

/*
 * When to renew ahead: between half and three quarters of the lifetime, spread
 * by random (any value).
 */
int64_t schedule_renew_at(
    int64_t obtained_ms, int64_t expires_ms, uint32_t random);

/*
 * Milliseconds to wait after failure number attempt (from 1): full jitter from
 * 1 s up to a ceiling that doubles to 5 minutes for what is temporary; about an
 * hour for what a person must mend. least_ms: what the provider or the error
 * asks for, obeyed up to an hour.
 */
int64_t schedule_backoff_ms(enum err_kind kind, unsigned int attempt,
    int64_t least_ms, uint32_t random);

/*
 * How much later than now a renewal ahead may begin whose time passed long ago,
 * in milliseconds: after suspend all are due at once. 0: it is in time.
 */
int64_t schedule_late_ms(int64_t due_ms, int64_t now_ms, uint32_t random);

/* When an exchange begins by itself; 0: never, as things stand. */
int64_t schedule_due(const struct schedule *s);

/* The earlier of two times, of which 0 is never. */
int64_t schedule_earlier(int64_t a_ms, int64_t b_ms);

/* The word of the control socket: ok, stale, retrying, ... */
const char *schedule_state(const struct schedule *s, int64_t now_ms);

/*
 * In how many seconds a refresh token that nobody uses is used for its own
 * sake: 6 to 7 days after it was obtained (seconds of the wall clock, which may
 * have been wrong then); what is overdue, within ten minutes.
 */
int64_t schedule_keep_alive_in_s(
    int64_t obtained_at_s, int64_t now_s, uint32_t random);

#endif
