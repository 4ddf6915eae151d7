/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_WARNING_H
#define POSTOAK_WARNING_H

#include <stddef.h>
#include <stdint.h>

/*
 * warning - what is going to fail, and who has been told. Pure: now is an
 * argument; times are seconds of the wall clock, because dates are what people
 * and providers count in. Called by watch.
 */

enum warning {
	WARNING_SECRET,	     /* the configured end of the client secret */
	WARNING_CERTIFICATE, /* notAfter */
	WARNING_IDLE,	     /* a refresh token that nobody uses */
	WARNING_SIGN_IN,     /* a policy that wants people to sign in again */
	WARNING_EGRESS,	     /* the provider sees another address */
	WARNING_CLOCK,	     /* this host's wall clock is wrong */
	WARNING_COUNT
};

#define WARNING_DAY_S 86400LL
#define WARNING_CLOCK_S 300	  /* off by more is told */
#define WARNING_ADDRESS_MAX 64	  /* bytes of one address with its NUL */
#define WARNING_ADDRESSES_MAX 512 /* of the list of those seen */

/* The word of a warning, for programs: "client_secret", ... */
const char *warning_name(enum warning warning);

/* Midnight (UTC) at which a day YYYY-MM-DD begins; -1 if it is none. */
int64_t warning_date_s(const char *date);

/*
 * How urgent, from 0 (not at all); each step is told once.
 * expiry: 60, 30, 7 and 1 days before, and the end itself.
 * idle: 75 and 85 of 90 days without use, and the end.
 * sign_in: of the life_s that the sign-in before had, a quarter (at most 7
 * days) and an eighth (at most a day) are left; 0 if life_s is not known.
 */
int warning_expiry(int64_t ends_at_s, int64_t now_s);
int warning_idle(int64_t used_at_s, int64_t now_s);
int warning_sign_in(int64_t signed_in_at_s, int64_t life_s, int64_t now_s);
int warning_clock(int64_t off_s);

/*
 * Take an address into the list of those seen (blank-separated, newest first,
 * up to eight; of IPv6 the /64, the rest of it changes by itself). 1 if it is
 * new while others of its family were known; before is the last of those then.
 * What is no address is left out.
 */
int warning_address(char seen[WARNING_ADDRESSES_MAX], const char *address,
    char before[WARNING_ADDRESS_MAX]);

/*
 * 1 if a warning is to be told: it is more urgent than when it was told last,
 * or it is back and nobody heard of it for a day.
 */
int warning_due(int level, int told, int64_t told_at_s, int64_t now_s);

/*
 * 1 if the state of a credential (schedule_state) is to be told, told being the
 * last one that was ("" for none). Each change once; passing trouble that
 * comes and goes at most daily; what waits for a person again each day.
 */
int warning_state_due(
    const char *state, const char *told, int64_t told_at_s, int64_t now_s);

#endif
