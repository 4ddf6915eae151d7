/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential_trial - a refresh token that a person brings in is tried before it
 * takes the place of the one that is kept. See credential.h.
 *
 * The provider accepts it: it counts, as after any sign-in. The provider
 * refuses it: nothing has changed. The provider gives no verdict, because it is
 * away, say: the token is kept if there is nothing better, and the usual
 * retries are its trial.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "credential.h"
#include "credential_inside.h"
#include "failure.h"
#include "import.h"
#include "log.h"
#include "mem.h"
#include "watch.h"

struct trial {
	struct secret refresh_token;
	struct grant_sign_in sign_in;
	struct grant *grant;
	struct handout_waits waits;
};

/* Answer who waits, and end it. token NULL: err is why. */
static void
end(struct credential *c, const struct handout *token, const struct err *err)
{
	struct trial *trial = c->trial;

	c->trial = NULL;
	grant_cancel(trial->grant);
	secret_clear(&trial->refresh_token);
	handout_end_all(&trial->waits, token, 1, err);
	free(trial);
}

void
credential_end_trial(struct credential *c, const struct err *reason)
{
	if (c->trial != NULL)
		end(c, NULL, reason);
}

/* Is there a refresh token, and is it not known to be refused? */
static int
has_better(const struct credential *c)
{
	return c->has_refresh &&
	       (c->failure == NULL || c->failure->err.kind != ERR_LOGIN);
}

/* 0 if it is on disk and tried again by itself. */
static int
keep(struct credential *c, const struct grant_failure *failure, struct err *err)
{
	/* What is only in memory becomes the generation before. */
	if (c->unsaved != NULL)
		unsaved_retry(&c->unsaved, &c->order, c->store);
	if (import_save(&c->order, c->store,
		secret_reveal(&c->trial->refresh_token), err) == -1)
		return -1;
	unsaved_forget(&c->unsaved);
	/* What it would bring belongs to the refresh token before. */
	grant_cancel(c->running);
	c->running = NULL;
	c->has_refresh = 1;
	watch_sign_in(&c->order);
	credential_set_keep_alive(c, clock_wall_s());
	failure_take(&c->failure, &c->order, failure, 0, credential_chance());
	credential_tell(c);
	credential_set_timer(c);
	handout_end_all(&c->waits, NULL, 0, &failure->err);
	return 0;
}

static void
take_failure(struct credential *c, const struct grant_failure *failure)
{
	const struct err *why = &failure->err;
	struct err err = *why, trouble;
	int kept = 0;

	if (why->kind == ERR_LOGIN)
		err_set(&err, why->kind, why->code,
		    "the refresh token brought in is refused and not kept%s: "
		    "%s",
		    has_better(c) ? ", the one before is" : "", why->text);
	else if (has_better(c))
		err_set(&err, why->kind, why->code,
		    "the refresh token brought in could not be tried and is "
		    "not kept, the one before is; bring it in again: %s",
		    why->text);
	else if (keep(c, failure, &trouble) == 0)
		kept = 1; /* failure_take has said it */
	else
		err = trouble;
	if (!kept)
		log_warn(grant_order_name(&c->order), "nothing changed: %s",
		    err.text);
	err.retry_ms = why->retry_ms;
	end(c, NULL, &err);
}

static void
on_verdict(
    void *arg, struct grant_token *token, const struct grant_failure *failure)
{
	struct credential *c = arg;
	struct credential_status status;
	struct handout handout;
	struct err err;

	c->trial->grant = NULL;
	if (token == NULL) {
		take_failure(c, failure);
		return;
	}
	credential_take(c, token);
	credential_status(c, &status);
	handout.secret = status.token;
	handout.id = status.token_id;
	handout.expires_in_s = status.expires_in_s;
	err_set(&err, ERR_TEMPORARY, "wait",
	    "account %s: the token is at its end already; is the clock of this "
	    "host right?",
	    grant_order_name(&c->order));
	end(c, status.token != NULL ? &handout : NULL, &err);
}

static void
wait_is_over(void *owner, struct handout_wait *wait)
{
	const struct credential *c = owner;
	struct err err;

	err_set(&err, ERR_TEMPORARY, "wait",
	    "account %s: still waiting for the token endpoint %s after %lld ms",
	    grant_order_name(&c->order), c->order.application->token_endpoint,
	    (long long)handout_waited_ms(wait));
	handout_end(wait, NULL, 0, &err);
}

/* The exchange, beside one of the present refresh token. */
static int
try_it(struct credential *c, struct err *err)
{
	struct trial *trial = c->trial;
	struct grant_failure failure;

	trial->sign_in.kind = FLOW_REFRESH;
	trial->sign_in.refresh_token = &trial->refresh_token;
	trial->grant =
	    credential_sign_in(c, &trial->sign_in, on_verdict, c, &failure);
	if (trial->grant == NULL)
		*err = failure.err;
	return trial->grant != NULL ? 0 : -1;
}

int
credential_import(struct credential *c, const char *refresh_token,
    int64_t wait_ms, handout_done *done, void *arg, struct handout_wait **wait,
    struct err *err)
{
	struct trial *trial = mem_zalloc(1, sizeof(*trial));
	struct err reason;

	err_set(&reason, ERR_TEMPORARY, "import",
	    "account %s: another refresh token was brought in meanwhile",
	    grant_order_name(&c->order));
	credential_end_trial(c, &reason);
	c->trial = trial;
	LIST_INIT(&trial->waits);
	if (secret_set(&trial->refresh_token, refresh_token,
		strlen(refresh_token)) == -1)
		err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	else if (try_it(c, err) == 0) {
		*wait = handout_add(
		    &trial->waits, wait_ms, 0, done, arg, wait_is_over, c);
		return 1;
	}
	end(c, NULL, err);
	return -1;
}
