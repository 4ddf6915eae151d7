/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential_login - what a person does to a credential: sign in, log out. See
 * credential.h.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "credential.h"
#include "credential_inside.h"
#include "log.h"
#include "watch.h"

struct grant *
credential_sign_in(struct credential *c, const struct grant_sign_in *sign_in,
    grant_done *done, void *arg, struct grant_failure *failure)
{
	struct grant_order order = c->order;

	order.unsaved = c->unsaved != NULL ? &c->unsaved->record : NULL;
	order.sign_in = sign_in;
	return grant_start(&order, c->store, done, arg, failure);
}

/* The newest one, on disk or not yet. What was refused stays on this host. */
static int
load(struct credential *c, struct record *record, struct err *err)
{
	if (c->unsaved == NULL)
		return store_load(c->store, grant_order_kind(&c->order),
		    grant_order_name(&c->order), record, err);
	if (record_copy(record, &c->unsaved->record) == -1)
		return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	return 1;
}

int
credential_export(struct credential *c, struct record *record, struct err *err)
{
	if (load(c, record, err) == -1)
		return -1;
	record->refused = RECORD_REFUSED_NOTHING;
	if (!secret_empty(&record->refresh_token))
		return 0;
	record_clear(record);
	return err_set(err, ERR_CONFIG, "refresh_token",
	    "account %s has no refresh token that could be exported",
	    grant_order_name(&c->order));
}

int
credential_logout(struct credential *c, struct err *err)
{
	const char *name = grant_order_name(&c->order);
	struct err reason;

	grant_cancel(c->running);
	c->running = NULL;
	unsaved_forget(&c->unsaved);
	secret_clear(&c->token);
	c->token_id[0] = '\0';
	c->obtained_ms = c->expires_ms = c->obtained_at_s = c->asked_ms = 0;
	free(c->scope);
	c->scope = NULL;
	if (c->failure != NULL &&
	    c->failure->refused == RECORD_REFUSED_NOTHING) {
		free(c->failure);
		c->failure = NULL;
		watch_forget(&c->order);
	}
	err_set(&reason, ERR_LOGIN, "logout",
	    "%s %s: an administrator has just logged it out",
	    grant_order_kind(&c->order), name);
	handout_end_all(&c->waits, NULL, 0, &reason);
	credential_end_trial(c, &reason);
	if (store_forget(c->store, grant_order_kind(&c->order), name, err) ==
	    -1)
		return -1;
	c->has_refresh = 0;
	watch_refresh_token(&c->order, 0);
	log_info(name, "logged out: tokens are forgotten");
	return 0;
}
