/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CREDENTIAL_INSIDE_H
#define POSTOAK_CREDENTIAL_INSIDE_H

#include <stdint.h>

#include "crypto.h"
#include "failure.h"
#include "grant.h"
#include "handout.h"
#include "timer.h"
#include "unsaved.h"

/* What the files credential and credential_* share. */

struct trial;

struct credential {
	struct grant_order order;
	struct store *store;
	struct secret token;
	char token_id[CRYPTO_ID_LEN];
	int rejected; /* a server refused it */
	int64_t obtained_ms;
	int64_t expires_ms;
	int64_t obtained_at_s;
	int64_t renew_ms;
	char *scope;
	int has_refresh;
	int64_t keep_alive_ms;
	struct failure *failure;
	struct unsaved *unsaved; /* NULL: the disk is up to date */
	int64_t asked_ms;	 /* 0: never */
	int64_t forced_ms;
	int put_off; /* the host slept: a renewal begins a little later */
	struct grant *running;
	struct trial *trial; /* NULL: none is under way */
	struct handout_waits waits;
	struct timer timer;
};

/* After every change: the timer for what is due next. */
void credential_set_timer(struct credential *credential);

/* From when its refresh token is to be used, if nobody needs it before. */
void credential_set_keep_alive(
    struct credential *credential, int64_t refresh_at_s);

/* The state may be another one: whom it concerns is told. */
void credential_tell(const struct credential *credential);

/* A random number for schedule. */
uint32_t credential_chance(void);

/* Give up the trial of a refresh token; who waits is answered with reason. */
void credential_end_trial(
    struct credential *credential, const struct err *reason);

#endif
