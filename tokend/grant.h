/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_GRANT_H
#define POSTOAK_GRANT_H

#include <stdint.h>

#include "config.h"
#include "crypto.h"
#include "err.h"
#include "grant_order.h"
#include "record.h"
#include "secret.h"
#include "store.h"

/*
 * grant - exchange what is kept of a credential for an access token: read the
 * secrets, try the flows the grant has in their order, put the new refresh
 * token on disk. Called by credential; calls flow, refusal, http, store.
 *
 * The record on disk is written before the access token is handed out. If it
 * cannot be written (full disk), the token is handed out all the same, with
 * unsaved set: Entra ID does not revoke a refresh token by its use, so what is
 * on disk still works, and mail goes on.
 */

struct grant; /* an exchange under way */

struct grant_token {
	struct secret access;
	char id[CRYPTO_ID_LEN];
	int64_t expires_in_s;
	int64_t clock_off_s; /* this host's clock less the provider's */
	int has_clock;
	char *scope;	 /* or NULL */
	const char *how; /* grant_type that won it */
	int has_refresh;
	int64_t refresh_at_s;	/* when that was obtained, wall clock */
	struct record *unsaved; /* not NULL: saving failed, why in error */
	struct err save_error;
};

struct grant_failure {
	struct err err;
	char error[40];	  /* the answer's error=, "" if absent */
	int64_t least_ms; /* to wait, 0: as usual */
	int64_t clock_off_s;
	int has_clock; /* there was an answer that says it */
	enum record_refused refused;
	char refused_id[CRYPTO_HEX_LEN];
	uint64_t stamp;		/* of the files when they were read */
	int saved;		/* it is on disk that this was refused */
	struct record *unsaved; /* or not NULL: the disk would not take it */
	struct err save_error;
};

/* One of token (take what you need, it is cleared afterwards) and failure. */
typedef void grant_done(
    void *arg, struct grant_token *token, const struct grant_failure *failure);

/*
 * Begin. NULL and *failure if it ends before anything was sent; done is not
 * called then. started_ms is for the caller's messages.
 */
struct grant *grant_start(const struct grant_order *order, struct store *store,
    grant_done *done, void *arg, struct grant_failure *failure);

/* End it: done is not called any more. NULL is allowed. */
void grant_cancel(struct grant *grant);

#endif
