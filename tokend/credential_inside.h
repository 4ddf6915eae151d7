/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CREDENTIAL_INSIDE_H
#define POSTOAK_CREDENTIAL_INSIDE_H

#include "crypto.h"
#include "failure.h"
#include "grant.h"
#include "handout.h"
#include "timer.h"
#include "unsaved.h"

/* What credential and credential_login share. */
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
	struct handout_waits waits;
	struct timer timer;
};

#endif
