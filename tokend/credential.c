/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential - the state machine of one access token. See credential.h.
 *
 * Everything that happens to it is one of: somebody asks (ask), an exchange
 * ends (on_done), its timer fires (on_time). Each looks at schedule for what to
 * do and sets the timer anew.
 */
#define _GNU_SOURCE
#include "credential.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "credential_inside.h"
#include "crypto.h"
#include "failure.h"
#include "grant.h"
#include "log.h"
#include "mem.h"
#include "schedule.h"
#include "timer.h"
#include "unsaved.h"
#include "watch.h"

#define SOON_MS 1000 /* retry_ms of who waited in vain */

uint32_t
credential_chance(void)
{
	uint32_t random = 0;

	(void)crypto_random(&random, sizeof(random), NULL);
	return random;
}

static const char *
log_id(const struct credential *c)
{
	return grant_order_name(&c->order);
}

static void
describe(const struct credential *c, struct schedule *s)
{
	memset(s, 0, sizeof(*s));
	s->obtained_ms = c->obtained_ms;
	s->expires_ms = c->expires_ms;
	s->min_validity_ms = c->order.application->min_validity_s * 1000;
	s->rejected = c->rejected;
	s->running = c->running != NULL;
	s->asked_ms = c->asked_ms;
	s->renew_ms = c->renew_ms;
	s->keep_alive_ms = c->has_refresh ? c->keep_alive_ms : 0;
	if (c->failure != NULL) {
		s->failure = c->failure->err.kind;
		s->latched = c->failure->refused != RECORD_REFUSED_NOTHING;
		s->retry_ms = c->failure->retry_ms;
	}
}

/* --- the timer -------------------------------------------------------------
 */

static int64_t
exchange_due(const struct credential *c)
{
	struct schedule s;

	describe(c, &s);
	return schedule_due(&s);
}

void
credential_set_timer(struct credential *c)
{
	int64_t at_ms = exchange_due(c);

	if (c->unsaved != NULL)
		at_ms = schedule_earlier(at_ms, c->unsaved->retry_ms);
	if (at_ms != 0)
		timer_set(&c->timer, at_ms);
	else
		timer_cancel(&c->timer);
}

/* The wall clock says when, the other clock measures until then. */
void
credential_set_keep_alive(struct credential *c, int64_t refresh_at_s)
{
	int64_t left_s = schedule_keep_alive_in_s(
	    refresh_at_s, clock_wall_s(), credential_chance());

	c->keep_alive_ms = clock_boot_ms() + left_s * 1000;
}

/* --- who waits -------------------------------------------------------------
 */

static int
is_alive(const struct credential *c)
{
	struct schedule s;

	describe(c, &s);
	return schedule_alive(&s, clock_boot_ms());
}

/* The token as it is handed out; NULL if it is at its end. */
static const struct handout *
give(const struct credential *c, struct handout *token)
{
	if (!is_alive(c))
		return NULL;
	token->secret = &c->token;
	token->id = c->token_id;
	token->expires_in_s = (c->expires_ms - clock_boot_ms()) / 1000;
	return token;
}

static void
wait_is_over(void *owner, struct handout_wait *wait)
{
	const struct credential *c = owner;
	struct handout token;
	struct err err;

	if (c->failure != NULL) {
		failure_explain(c->failure, &err);
	} else {
		err_set(&err, ERR_TEMPORARY, "wait",
		    "%s %s: still waiting for an answer of the token endpoint "
		    "%s after %lld ms",
		    grant_order_kind(&c->order), log_id(c),
		    c->order.application->token_endpoint,
		    (long long)handout_waited_ms(wait));
		err.retry_ms = SOON_MS;
	}
	handout_end(wait, give(c, &token), 0, &err);
}

/* --- exchanges -------------------------------------------------------------
 */

static void
take_token(struct credential *c, struct grant_token *token)
{
	int64_t now_ms = clock_boot_ms();

	watch_token(&c->order, token);
	secret_take(&c->token, &token->access);
	memcpy(c->token_id, token->id, sizeof(c->token_id));
	c->rejected = 0;
	c->obtained_ms = now_ms;
	c->obtained_at_s = clock_wall_s();
	c->expires_ms = now_ms + token->expires_in_s * 1000;
	c->renew_ms =
	    schedule_renew_at(now_ms, c->expires_ms, credential_chance());
	free(c->scope);
	c->scope = token->scope;
	token->scope = NULL;
	free(c->failure);
	c->failure = NULL;
	c->has_refresh = token->has_refresh;
	if (c->has_refresh)
		credential_set_keep_alive(c, token->refresh_at_s);
	log_info(log_id(c),
	    "token obtained: grant=%s life_s=%lld token_id=%s renew_in_s=%lld "
	    "scope=%s",
	    token->how, (long long)token->expires_in_s, c->token_id,
	    (long long)(c->renew_ms - now_ms) / 1000,
	    c->scope != NULL ? c->scope : "-");
	unsaved_take(&c->unsaved, &c->order, token);
}

void
credential_tell(const struct credential *c)
{
	struct schedule s;

	describe(c, &s);
	watch_state(&c->order, schedule_state(&s, clock_boot_ms()),
	    c->failure != NULL ? &c->failure->err : NULL);
}

static void
on_done(
    void *arg, struct grant_token *token, const struct grant_failure *failure)
{
	struct credential *c = arg;
	struct handout handout;
	struct err err;

	c->running = NULL;
	err_clear(&err);
	watch_clock(token, failure);
	if (token != NULL) {
		take_token(c, token);
	} else {
		failure_take(
		    &c->failure, &c->order, failure, 0, credential_chance());
		unsaved_refused(&c->unsaved, &c->order, failure);
		failure_explain(c->failure, &err);
	}
	credential_tell(c);
	credential_set_timer(c);
	handout_end_all(&c->waits, give(c, &handout), token != NULL, &err);
}

/* 0 if an exchange runs now, -1 if it failed at once: see c->failure. */
static int
begin(struct credential *c)
{
	struct grant_failure failure;

	if (c->running != NULL)
		return 0;
	c->order.unsaved = c->unsaved != NULL ? &c->unsaved->record : NULL;
	c->running = grant_start(&c->order, c->store, on_done, c, &failure);
	c->order.insist = 0;
	if (c->running == NULL) {
		failure_take(
		    &c->failure, &c->order, &failure, 1, credential_chance());
		credential_tell(c);
	}
	credential_set_timer(c);
	return c->running != NULL ? 0 : -1;
}

static void
on_time(void *arg)
{
	struct credential *c = arg;
	int64_t now_ms = clock_boot_ms();
	int64_t due = exchange_due(c), late_ms;

	if (c->unsaved != NULL && now_ms >= c->unsaved->retry_ms)
		unsaved_retry(&c->unsaved, &c->order, c->store);
	if (due == 0 || now_ms < due) {
		credential_set_timer(c);
		return;
	}
	late_ms =
	    c->put_off ? 0 : schedule_late_ms(due, now_ms, credential_chance());
	c->put_off = late_ms > 0;
	if (late_ms > 0)
		timer_set(&c->timer, now_ms + late_ms);
	else
		(void)begin(c);
}

/* --- the outside -----------------------------------------------------------
 */

/* Begin an exchange if none runs, and wait for it. token NULL: strictly. */
static int
queue(struct credential *c, int64_t wait_ms, handout_done *done, void *arg,
    struct handout *token, struct handout_wait **wait, struct err *err)
{
	int began = begin(c);

	if (began == 0 && wait_ms > 0) {
		*wait = handout_add(&c->waits, wait_ms, token == NULL, done,
		    arg, wait_is_over, c);
		return 1;
	}
	if (token != NULL && give(c, token) != NULL)
		return 0;
	if (began == -1) {
		failure_explain(c->failure, err);
		return -1;
	}
	err_set(err, ERR_TEMPORARY, "wait",
	    "%s %s: a token is being fetched from %s",
	    grant_order_kind(&c->order), log_id(c),
	    c->order.application->token_endpoint);
	err->retry_ms = SOON_MS;
	return -1;
}

int
credential_ask(struct credential *c, int64_t wait_ms, handout_done *done,
    void *arg, struct handout *token, struct handout_wait **wait,
    struct err *err)
{
	int64_t now_ms = clock_boot_ms();
	struct schedule s;

	c->asked_ms = now_ms;
	failure_look(c->failure, &c->order);
	describe(c, &s);
	switch (schedule_judge(&s, now_ms)) {
	case SCHEDULE_SERVE:
		/* Renewal may be overdue, for want of use until now. */
		if (c->failure == NULL && now_ms >= c->renew_ms)
			(void)begin(c);
		break;
	case SCHEDULE_RENEW:
		(void)begin(c);
		break;
	case SCHEDULE_WAIT:
		return queue(c, wait_ms, done, arg, token, wait, err);
	case SCHEDULE_REFUSE:
		credential_set_timer(c);
		failure_explain(c->failure, err);
		return -1;
	}
	if (!timer_is_set(&c->timer))
		credential_set_timer(c);
	(void)give(c, token);
	return 0;
}

int
credential_refresh(struct credential *c, int64_t wait_ms, handout_done *done,
    void *arg, struct handout_wait **wait, struct err *err)
{
	if (c->failure != NULL)
		failure_forgive(c->failure);
	c->order.insist = c->running == NULL;
	return queue(c, wait_ms, done, arg, NULL, wait, err);
}

void
credential_take(struct credential *c, struct grant_token *token)
{
	struct handout handout;
	struct err err;

	/* What it would bring belongs to the sign-in before. */
	grant_cancel(c->running);
	c->running = NULL;
	err_clear(&err);
	take_token(c, token);
	watch_sign_in(&c->order);
	credential_tell(c);
	credential_set_timer(c);
	handout_end_all(&c->waits, give(c, &handout), 1, &err);
}

void
credential_rejected(struct credential *c, const char *token_id)
{
	int64_t now_ms = clock_boot_ms();
	struct schedule s;

	if (c->obtained_ms == 0 || strcmp(token_id, c->token_id) != 0)
		return;
	if (!c->rejected)
		log_warn(log_id(c), "token rejected by a server: token_id=%s",
		    token_id);
	c->rejected = 1;
	describe(c, &s);
	if (!schedule_may_force(&s, c->forced_ms, now_ms))
		return;
	c->forced_ms = now_ms;
	(void)begin(c);
}

void
credential_status(struct credential *c, struct credential_status *status)
{
	int64_t now_ms = clock_boot_ms();
	struct schedule s;

	memset(status, 0, sizeof(*status));
	describe(c, &s);
	status->state = schedule_state(&s, now_ms);
	status->obtained_at_s = c->obtained_at_s;
	status->scope = c->scope;
	status->has_refresh = c->has_refresh;
	status->waiters = handout_count(&c->waits);
	if (schedule_alive(&s, now_ms)) {
		status->token = &c->token;
		status->token_id = c->token_id;
		status->expires_in_s = (c->expires_ms - now_ms) / 1000;
	}
	if (c->unsaved != NULL)
		status->unsaved = c->unsaved->why.text;
	if (c->failure == NULL)
		return;
	status->failure = &c->failure->err;
	status->failed_at_s = c->failure->at_s;
	status->failing_since_s = c->failure->since_s;
	status->retry_in_s = -1;
	if (c->failure->refused == RECORD_REFUSED_NOTHING)
		status->retry_in_s =
		    c->failure->retry_ms > now_ms
			? (c->failure->retry_ms - now_ms) / 1000
			: 0;
}

void
credential_dismiss(struct credential *c, const struct err *reason)
{
	handout_end_all(&c->waits, NULL, 0, reason);
	credential_end_trial(c, reason);
}

/* --- life ------------------------------------------------------------------
 */

/* What was refused before the restart stays refused. */
static void
restore(struct credential *c)
{
	struct record record;
	struct err err;
	int64_t at_s;

	if (store_load(c->store, grant_order_kind(&c->order), log_id(c),
		&record, &err) == -1) {
		log_warn(log_id(c), "%s", err.text);
		return;
	}
	c->has_refresh = !secret_empty(&record.refresh_token);
	watch_refresh_token(&c->order, record.obtained_at_s);
	if (c->has_refresh)
		credential_set_keep_alive(c, record.obtained_at_s);
	c->failure = failure_restore(&record);
	/* One that signed in since was not refused yet. */
	if (c->failure == NULL && watch_recall(&c->order, &err, &at_s) &&
	    at_s >= record.obtained_at_s)
		c->failure = failure_recall(&err, at_s);
	record_clear(&record);
}

struct credential *
credential_new(struct config *config,
    const struct conf_application *application,
    const struct conf_account *account, struct store *store)
{
	struct credential *c = mem_zalloc(1, sizeof(*c));

	c->order.config = config_ref(config);
	c->order.application = application;
	c->order.account = account;
	c->store = store;
	LIST_INIT(&c->waits);
	timer_init(&c->timer, on_time, c);
	restore(c);
	credential_set_timer(c);
	return c;
}

void
credential_reconfigure(struct credential *c, struct config *config,
    const struct conf_application *application,
    const struct conf_account *account)
{
	struct config *old = c->order.config;

	c->order.config = config_ref(config);
	c->order.application = application;
	c->order.account = account;
	config_unref(old);
	if (c->failure != NULL) {
		c->failure->stamp = 0;
		if (c->failure->err.kind != ERR_TEMPORARY)
			c->failure->retry_ms = clock_boot_ms();
		failure_look(c->failure, &c->order);
	}
	credential_set_timer(c);
}

void
credential_free(struct credential *c, const struct err *reason)
{
	grant_cancel(c->running);
	c->running = NULL;
	handout_end_all(&c->waits, NULL, 0, reason);
	credential_end_trial(c, reason);
	timer_cancel(&c->timer);
	/* The last chance for what the disk would not take. */
	if (c->unsaved != NULL)
		unsaved_retry(&c->unsaved, &c->order, c->store);
	unsaved_forget(&c->unsaved);
	secret_clear(&c->token);
	free(c->scope);
	free(c->failure);
	config_unref(c->order.config);
	free(c);
}
