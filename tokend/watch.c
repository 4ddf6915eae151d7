/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - warnings and changes of state. See watch.h.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "claims.h"
#include "clientauth.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "notes.h"
#include "notify.h"
#include "proof.h"
#include "timer.h"
#include "warning.h"
#include "watch_say.h"

#define CHECK_MS (6 * 3600 * 1000LL)
#define EGRESS_SHOWN_S (7 * WARNING_DAY_S)

static struct config *config;
static struct timer timer;

static struct watch_subject
subject_of(const struct conf_application *application,
    const struct conf_account *account)
{
	struct watch_subject s = {
	    .application = application, .account = account};

	if (account != NULL)
		s.notes = notes_of("account", account->name);
	else if (application != NULL)
		s.notes = notes_of("application", application->name);
	else
		s.notes = notes_of("host", "-");
	return s;
}

static int
level_of(const struct watch_subject *s, enum warning warning, int64_t now_s)
{
	const struct notes *notes = s->notes;

	switch (warning) {
	case WARNING_SECRET:
		if (s->account != NULL || s->application == NULL)
			return 0;
		return warning_expiry(
		    warning_date_s(s->application->client_secret_expires),
		    now_s);
	case WARNING_CERTIFICATE:
		return warning_expiry(notes->certificate_ends_s, now_s);
	case WARNING_IDLE:
		return warning_idle(notes->refresh_at_s, now_s);
	case WARNING_SIGN_IN:
		return warning_sign_in(
		    notes->signed_in_at_s, notes->sign_in_life_s, now_s);
	case WARNING_EGRESS:
		return notes->address_at_s > 0 &&
		       now_s - notes->address_at_s < EGRESS_SHOWN_S;
	case WARNING_CLOCK:
		return warning_clock(notes->clock_off_s);
	default:
		return 0;
	}
}

/* --- telling ---------------------------------------------------------------
 */

static void
run_command(const struct watch_subject *s, const char *state, const char *code,
    const char *text)
{
	const struct notify notify = {
	    .account = s->account != NULL ? s->account->name : NULL,
	    .application = s->application != NULL ? s->application->name : NULL,
	    .state = state,
	    .code = code,
	    .text = text,
	};

	notify_add(&notify);
}

static void
check_warning(
    const struct watch_subject *s, enum warning warning, int64_t now_s)
{
	struct notes *notes = s->notes;
	int level = level_of(s, warning, now_s);
	char text[WATCH_TEXT_MAX];

	if (warning_due(level, notes->told[warning], notes->told_at_s[warning],
		now_s)) {
		watch_say(s, warning, now_s, text);
		log_warn(watch_name(s), "warning: code=%s: %s",
		    warning_name(warning), text);
		run_command(s, "warning", warning_name(warning), text);
		notes->told[warning] = (uint8_t)level;
		notes->told_at_s[warning] = now_s;
		notes_changed();
	} else if (level < notes->told[warning]) {
		/* Mended: the next time counts anew. */
		notes->told[warning] = (uint8_t)level;
		notes_changed();
	}
}

static void
check(const struct watch_subject *s)
{
	int64_t now_s = clock_wall_s();
	int i;

	for (i = 0; i < WARNING_COUNT; i++)
		check_warning(s, (enum warning)i, now_s);
}

static void
tell_state(const struct watch_subject *s, const char *state, const char *code,
    const char *text)
{
	struct notes *notes = s->notes;
	int64_t now_s = clock_wall_s();

	if (!warning_state_due(state, notes->state, notes->state_at_s, now_s))
		return;
	run_command(s, state, code, text);
	/* A reminder is about the state that is noted already. */
	if (state != notes->state)
		snprintf(notes->state, sizeof(notes->state), "%s", state);
	notes->state_at_s = now_s;
	notes_changed();
}

/* What waits for a person is told again by itself, day after day. */
static void
remind(const struct watch_subject *s)
{
	char text[WATCH_TEXT_MAX];

	/* Nothing is missing any more to who was logged out. */
	if (s->notes->failure == NULL ||
	    (strcmp(s->notes->state, "needs_login") != 0 &&
		strcmp(s->notes->state, "needs_admin") != 0))
		return;
	snprintf(text, sizeof(text),
	    "%s %.200s still gets no token; postoak status says why",
	    s->account != NULL ? "account" : "application", watch_name(s));
	tell_state(s, s->notes->state, "", text);
}

/* Read anew each time: files are written over while the daemon runs. */
static void
check_application(const struct watch_subject *s)
{
	const struct conf_application *application = s->application;

	s->notes->certificate_ends_s =
	    application->proof == CONF_PROOF_CERTIFICATE
		? clientauth_not_after_s(application)
		: 0;
	check(s);
}

static void
check_all(void *arg)
{
	const struct conf *conf = config->conf;
	struct watch_subject s;
	size_t i;

	(void)arg;
	for (i = 0; i < conf->application_count; i++) {
		s = subject_of(&conf->applications[i], NULL);
		check_application(&s);
		remind(&s);
	}
	for (i = 0; i < conf->account_count; i++) {
		s = subject_of(
		    conf->accounts[i].application, &conf->accounts[i]);
		check(&s);
		remind(&s);
	}
	timer_set(&timer, clock_boot_ms() + CHECK_MS);
}

/* --- what happens ----------------------------------------------------------
 */

void
watch_refresh_token(const struct grant_order *order, int64_t used_at_s)
{
	struct watch_subject s = subject_of(order->application, order->account);

	s.notes->refresh_at_s = used_at_s;
	if (used_at_s != 0 || s.notes->signed_in_at_s == 0)
		return;
	/* With it went the sign-in: nobody has to repeat it in time. */
	s.notes->signed_in_at_s = 0;
	notes_changed();
}

void
watch_sign_in(const struct grant_order *order)
{
	struct watch_subject s = subject_of(order->application, order->account);

	s.notes->refresh_at_s = s.notes->signed_in_at_s = clock_wall_s();
	notes_changed();
}

static void
look_at_address(const struct grant_order *order, const struct secret *token)
{
	struct watch_subject s = subject_of(order->application, NULL);
	char seen[WARNING_ADDRESSES_MAX] = "", before[WARNING_ADDRESS_MAX];
	struct json *claims = claims_read(token);
	const char *address =
	    claims != NULL ? json_get_string(claims, "ipaddr") : NULL;
	struct notes *notes = s.notes;

	if (address != NULL) {
		if (notes->addresses != NULL)
			snprintf(seen, sizeof(seen), "%s", notes->addresses);
		if (warning_address(seen, address, before)) {
			free(notes->address_before);
			notes->address_before = mem_strdup(before);
			notes->address_at_s = clock_wall_s();
			notes->told[WARNING_EGRESS] = 0;
		}
		if (notes->addresses == NULL ||
		    strcmp(notes->addresses, seen) != 0) {
			free(notes->addresses);
			notes->addresses = mem_strdup(seen);
			notes_changed();
		}
	}
	json_free(claims);
	check_application(&s);
}

void
watch_token(const struct grant_order *order, const struct grant_token *token)
{
	struct watch_subject s = subject_of(order->application, order->account);

	if (token->has_refresh) {
		s.notes->refresh_at_s = token->refresh_at_s;
		/* Of one that came from elsewhere nothing better is known. */
		if (s.notes->signed_in_at_s == 0 ||
		    strcmp(token->how, "refresh_token") != 0) {
			s.notes->signed_in_at_s = token->refresh_at_s;
			notes_changed();
		}
	}
	look_at_address(order, &token->access);
	check(&s);
}

/* How long the provider let the sign-in live, if that is what ended it. */
static void
learn_sign_in(struct notes *notes, const struct err *failure)
{
	int64_t now_s = clock_wall_s();

	if (strcmp(failure->code, "aadsts.70043") != 0 ||
	    notes->signed_in_at_s == 0)
		return;
	if (now_s > notes->signed_in_at_s)
		notes->sign_in_life_s = now_s - notes->signed_in_at_s;
	notes->signed_in_at_s = 0;
	notes_changed();
}

/* What a failure belongs to: other settings, and files that have been written
 * since, are another matter. */
static int64_t
settings_of(const struct grant_order *order)
{
	const struct conf_application *application = order->application;
	const struct conf_account *account = order->account;
	const char *parts[] = {application->token_endpoint,
	    application->client_id, application->scope, application->app_scope,
	    account != NULL ? conf_grant_name(account->grant) : NULL,
	    account != NULL ? account->user : NULL};
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (p = parts[i]; p != NULL && *p != '\0'; p++)
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
		hash = (hash ^ '\n') * 0x100000001b3u;
	}
	hash ^= proof_stamp(application, account);
	return (int64_t)(hash >> 8);
}

/* What waits for a person is still known after a restart. */
static void
remember(const struct watch_subject *s, const struct grant_order *order,
    const struct err *failure)
{
	struct notes *notes = s->notes;

	if (failure == NULL || failure->kind == ERR_TEMPORARY) {
		if (notes->failure == NULL)
			return;
		free(notes->failure);
		notes->failure = NULL;
	} else {
		if (notes->failure == NULL)
			notes->failure = mem_zalloc(1, sizeof(*notes->failure));
		notes->failure->err = *failure;
		notes->failure->at_s = clock_wall_s();
		notes->failure->settings = settings_of(order);
	}
	notes_changed();
}

int
watch_recall(
    const struct grant_order *order, struct err *failure, int64_t *at_s)
{
	struct watch_subject s = subject_of(order->application, order->account);
	const struct notes_failure *known = s.notes->failure;

	if (known == NULL || known->settings != settings_of(order))
		return 0;
	*failure = known->err;
	*at_s = known->at_s;
	return 1;
}

void
watch_forget(const struct grant_order *order)
{
	struct watch_subject s = subject_of(order->application, order->account);

	remember(&s, order, NULL);
}

void
watch_state(const struct grant_order *order, const char *state,
    const struct err *failure)
{
	struct watch_subject s = subject_of(order->application, order->account);
	char text[WATCH_TEXT_MAX];

	remember(&s, order, failure);
	if (failure != NULL) {
		learn_sign_in(s.notes, failure);
		tell_state(&s, state, failure->code, failure->text);
		return;
	}
	snprintf(text, sizeof(text), "%s %.200s has a token again",
	    s.account != NULL ? "account" : "application", watch_name(&s));
	tell_state(&s, state, "", text);
}

void
watch_clock(
    const struct grant_token *token, const struct grant_failure *failure)
{
	struct watch_subject s = subject_of(NULL, NULL);

	if (token != NULL ? !token->has_clock : !failure->has_clock)
		return;
	s.notes->clock_off_s =
	    token != NULL ? token->clock_off_s : failure->clock_off_s;
	check(&s);
}

/* --- status ----------------------------------------------------------------
 */

static void
show(const struct watch_subject *s, int64_t now_s, struct json *warnings)
{
	char text[WATCH_TEXT_MAX];
	struct json *one;
	int i;

	for (i = 0; i < WARNING_COUNT; i++) {
		if (level_of(s, (enum warning)i, now_s) == 0)
			continue;
		watch_say(s, (enum warning)i, now_s, text);
		one = json_object();
		json_set_string(one, "code", warning_name((enum warning)i));
		json_set_string(one, "text", text);
		json_append(warnings, one);
	}
}

void
watch_show(const struct conf_account *account, struct json *answer)
{
	struct watch_subject application =
	    subject_of(account->application, NULL);
	struct watch_subject own = subject_of(account->application, account);
	struct watch_subject host = subject_of(NULL, NULL);
	struct json *warnings = json_array();
	int64_t now_s = clock_wall_s();

	show(&application, now_s, warnings);
	show(&own, now_s, warnings);
	show(&host, now_s, warnings);
	json_set(answer, "warnings", warnings);
}

/* --- life ------------------------------------------------------------------
 */

void
watch_start(struct event_base *base, const char *store)
{
	timer_init(&timer, check_all, NULL);
	notes_open(store);
	notify_start(base);
}

void
watch_apply(struct config *next)
{
	struct config *old = config;

	config = config_ref(next);
	notify_command(&config->conf->tokend.notify_command);
	config_unref(old);
	check_all(NULL);
}

void
watch_stop(void)
{
	timer_cancel(&timer);
	notify_stop();
	notes_close();
	config_unref(config);
	config = NULL;
}
