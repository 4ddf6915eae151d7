/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_TOKEN_H
#define POSTOAK_CHECK_TOKEN_H

#include "checkup.h"
#include "mailserver.h"

/*
 * check_token - what tokend has for an account: its token, and what it says of
 * both. Called by check_account and check_server.
 */

struct check_token {
	const char *user;	    /* who logs in */
	const char *token;	    /* NULL: there is none */
	const struct json *account; /* as in status; NULL: not known */
	struct err err;		    /* why there is no token */
	struct json *token_answer;
	struct json *status_answer;
};

/*
 * Ask tokend, which fetches a token if it has none. 0; -1: tokend was not to be
 * asked, for it does not answer or may not be asked by this user, or target is
 * a whole domain; then a finding has been added that says so. To be cleared
 * either way.
 */
int check_token_get(
    struct check_token *token, const struct checkup *checkup, const char *id);
void check_token_clear(struct check_token *token);

/* Does the token allow to log in by that protocol? 1 yes, 0 no, -1: it does not
 * say (opaque, or rights that only Exchange knows). */
int check_token_allows(
    const struct check_token *token, enum mailserver_protocol protocol);

/* The finding of that code and level ("fail", "warn") that tokend has of the
 * token, its text; NULL. code NULL: the first of that level. */
const char *check_token_fault(
    const struct check_token *token, const char *level, const char *code);

#endif
