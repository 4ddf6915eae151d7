/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOGIN_METHOD_H
#define POSTOAK_LOGIN_METHOD_H

#include "conf.h"
#include "err.h"
#include "grant.h"
#include "json.h"

/*
 * login_method - what login and the ways to sign in have in common.
 */

#define LOGIN_S 900 /* what an attempt may take */

struct login_method {
	/* The configuration in force; NULL with *err if the account is not
	 * what it was when the attempt began. */
	const struct conf_account *(*account)(void *arg, struct err *err);
	/* The line is taken. */
	void (*progress)(void *arg, struct json *line);
	/* The token is the account's now; what is to be answered, to be handed
	 * to end. NULL with *err if there is no such account any more. */
	struct json *(*take)(
	    void *arg, struct grant_token *token, struct err *err);
	/* The last call; the answer is taken. The attempt is freed inside. */
	void (*end)(void *arg, struct json *answer, const struct err *err);
	void *arg;
};

#endif
