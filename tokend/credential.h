/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CREDENTIAL_H
#define POSTOAK_CREDENTIAL_H

#include <stdint.h>

#include "config.h"
#include "err.h"
#include "grant.h"
#include "handout.h"
#include "secret.h"
#include "store.h"

/*
 * credential - one access token and everything that keeps it alive: its state,
 * its timer, the exchange under way, who waits for it. An account has one of
 * its own; with client_credentials all accounts of an application share one.
 * Called by account; calls schedule for every decision, and grant.
 */

struct credential;
/* What status shows; pointers are valid until the next call. */
struct credential_status {
	const char *state;
	const struct secret *token; /* NULL: none, or at its end */
	const char *token_id;
	int64_t expires_in_s;
	int64_t obtained_at_s; /* wall clock; 0: no token yet */
	const char *scope;
	int has_refresh;
	size_t waiters;
	const struct err *failure; /* NULL: the last exchange was good */
	int64_t failed_at_s;
	int64_t failing_since_s; /* the first failure in a row */
	int64_t retry_in_s;	 /* -1: not by itself */
	const char *unsaved;	 /* why the store is behind, or NULL */
};

/* account: NULL for the application's own. Reads what is kept in store. */
struct credential *credential_new(struct config *config,
    const struct conf_application *application,
    const struct conf_account *account, struct store *store);

/*
 * Those who wait are answered with reason; an exchange is given up.
 */
void credential_free(struct credential *credential, const struct err *reason);

/*
 * Go on with another configuration of the same identity. What an administrator
 * had to mend is tried again, but no secret that was refused.
 */
void credential_reconfigure(struct credential *credential,
    struct config *config, const struct conf_application *application,
    const struct conf_account *account);

/*
 * Ask for the token. 0: *token is set. -1: *err is set. 1: done is called
 * later, once, unless *wait is cancelled before (handout_cancel); at the latest
 * after wait_ms.
 */
int credential_ask(struct credential *credential, int64_t wait_ms,
    handout_done *done, void *arg, struct handout *token,
    struct handout_wait **wait, struct err *err);

/*
 * Fetch a new one now, whatever was refused before. As credential_ask, but an
 * old token is no answer.
 */
int credential_refresh(struct credential *credential, int64_t wait_ms,
    handout_done *done, void *arg, struct handout_wait **wait, struct err *err);

/*
 * Try this refresh token, and keep it instead of the one there is if the
 * provider accepts it; refused, it changes nothing. 1 and -1 as
 * credential_refresh. For an account's own credential only.
 */
int credential_import(struct credential *credential, const char *refresh_token,
    int64_t wait_ms, handout_done *done, void *arg, struct handout_wait **wait,
    struct err *err);

/*
 * Exchange what a person's sign-in has won; it touches nothing of what there
 * is. As grant_start.
 */
struct grant *credential_sign_in(struct credential *credential,
    const struct grant_sign_in *sign_in, grant_done *done, void *arg,
    struct grant_failure *failure);

/* Its token is the token from now on: those who wait get it. */
void credential_take(struct credential *credential, struct grant_token *token);

/*
 * What is kept of it, for another host: the refresh token and its scope; clear
 * *record. -1 with ERR_CONFIG if there is no refresh token.
 */
int credential_export(
    struct credential *credential, struct record *record, struct err *err);

/*
 * Forget token and refresh token, here and on disk. -1 with ERR_TEMPORARY: the
 * disk still has it.
 */
int credential_logout(struct credential *credential, struct err *err);

/*
 * A server refused the token of this fingerprint: fetch another if it is the
 * current one, once for each token and once a minute.
 */
void credential_rejected(struct credential *credential, const char *token_id);

void credential_status(
    struct credential *credential, struct credential_status *status);

/* Answer all who wait; an exchange goes on. */
void credential_dismiss(
    struct credential *credential, const struct err *reason);

#endif
