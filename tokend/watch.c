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
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "notes.h"
#include "notify.h"
#include "timer.h"
#include "warning.h"

#define CHECK_MS (6 * 3600 * 1000LL)
#define EGRESS_SHOWN_S (7 * WARNING_DAY_S)
#define TEXT_MAX 768

/*
 * What a warning or a state is about: an account, else an application, else
 * the host.
 */
struct subject {
	const struct conf_application *application;
	const struct conf_account *account;
	struct notes *notes;
};

static struct config *config;
static struct timer timer;

static struct subject
subject_of(const struct conf_application *application,
    const struct conf_account *account)
{
	struct subject s = {.application = application, .account = account};

	if (account != NULL)
		s.notes = notes_of("account", account->name);
	else if (application != NULL)
		s.notes = notes_of("application", application->name);
	else
		s.notes = notes_of("host", "-");
	return s;
}

static const char *
name_of(const struct subject *s)
{
	if (s->account != NULL)
		return s->account->name;
	return s->application != NULL ? s->application->name : NULL;
}

/* --- sentences -------------------------------------------------------------
 */

/* "2026-10-31, in 30 days" */
static void
say_day(char *out, size_t size, int64_t at_s, int64_t now_s)
{
	int64_t days = (at_s - now_s + WARNING_DAY_S - 1) / WARNING_DAY_S;
	time_t at = (time_t)at_s;
	char date[16] = "?";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	if (at_s <= now_s)
		snprintf(out, size, "ended on %s", date);
	else
		snprintf(out, size, "ends on %s, in %lld day%s", date,
		    (long long)days, days == 1 ? "" : "s");
}

static void
say_secret(const struct subject *s, int64_t now_s, char *out)
{
	const struct conf_application *application = s->application;
	char day[64];

	say_day(day, sizeof(day),
	    warning_date_s(application->client_secret_expires), now_s);
	snprintf(out, TEXT_MAX,
	    "the client secret of application %.100s %s; make a new one, put "
	    "its Value into a file that client_secret_file lists beside %.300s,"
	    " and correct client_secret_expires",
	    application->name, day,
	    application->client_secret_files.count > 0
		? application->client_secret_files.items[0]
		: "it");
}

static void
say_certificate(const struct subject *s, int64_t now_s, char *out)
{
	char day[64];

	say_day(day, sizeof(day), s->notes->certificate_ends_s, now_s);
	snprintf(out, TEXT_MAX,
	    "the certificate of application %.100s %s; make a new one, upload "
	    "it to the app registration, and configure it",
	    s->application->name, day);
}

static void
say_idle(const struct subject *s, int64_t now_s, char *out)
{
	snprintf(out, TEXT_MAX,
	    "account %.200s: its refresh token was last used %lld days ago, "
	    "after 90 it is dead; run: postoak refresh %.200s",
	    name_of(s),
	    (long long)((now_s - s->notes->refresh_at_s) / WARNING_DAY_S),
	    name_of(s));
}

static void
say_sign_in(const struct subject *s, int64_t now_s, char *out)
{
	const struct notes *notes = s->notes;
	char day[64];

	say_day(day, sizeof(day), notes->signed_in_at_s + notes->sign_in_life_s,
	    now_s);
	snprintf(out, TEXT_MAX,
	    "account %.200s: a policy of the tenant ended the last sign-in "
	    "after %lld hours; the present one %s; sign in again before: "
	    "postoak login %.200s; or exclude the account from the policy",
	    name_of(s), (long long)notes->sign_in_life_s / 3600, day,
	    name_of(s));
}

static void
say_egress(const struct subject *s, int64_t now_s, char *out)
{
	const struct notes *notes = s->notes;
	const char *seen = notes->addresses != NULL ? notes->addresses : "?";

	(void)now_s;
	snprintf(out, TEXT_MAX,
	    "application %.100s: the provider sees this host at %.*s now, "
	    "before at %.64s; where addresses are listed (named locations, "
	    "connectors, firewalls), list the new one",
	    name_of(s), (int)strcspn(seen, " "), seen,
	    notes->address_before != NULL ? notes->address_before : "?");
}

static void
say_clock(const struct subject *s, int64_t now_s, char *out)
{
	int64_t off_s = s->notes->clock_off_s;

	(void)now_s;
	snprintf(out, TEXT_MAX,
	    "the clock of this host is %lld minutes %s the provider's; have "
	    "it set and kept right (NTP)",
	    (long long)(off_s < 0 ? -off_s : off_s) / 60,
	    off_s < 0 ? "behind" : "ahead of");
}

static void (*const say[WARNING_COUNT])(
    const struct subject *s, int64_t now_s, char *out) = {
    [WARNING_SECRET] = say_secret,
    [WARNING_CERTIFICATE] = say_certificate,
    [WARNING_IDLE] = say_idle,
    [WARNING_SIGN_IN] = say_sign_in,
    [WARNING_EGRESS] = say_egress,
    [WARNING_CLOCK] = say_clock,
};

static int
level_of(const struct subject *s, enum warning warning, int64_t now_s)
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
run_command(const struct subject *s, const char *state, const char *code,
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
check_warning(const struct subject *s, enum warning warning, int64_t now_s)
{
	struct notes *notes = s->notes;
	int level = level_of(s, warning, now_s);
	char text[TEXT_MAX];

	if (warning_due(level, notes->told[warning], notes->told_at_s[warning],
		now_s)) {
		say[warning](s, now_s, text);
		log_warn(name_of(s), "warning: code=%s: %s",
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
check(const struct subject *s)
{
	int64_t now_s = clock_wall_s();
	int i;

	for (i = 0; i < WARNING_COUNT; i++)
		check_warning(s, (enum warning)i, now_s);
}

static void
tell_state(const struct subject *s, const char *state, const char *code,
    const char *text)
{
	struct notes *notes = s->notes;
	int64_t now_s = clock_wall_s();

	if (!warning_state_due(state, notes->state, notes->state_at_s, now_s))
		return;
	run_command(s, state, code, text);
	snprintf(notes->state, sizeof(notes->state), "%s", state);
	notes->state_at_s = now_s;
	notes_changed();
}

/* What waits for a person is told again by itself, day after day. */
static void
remind(const struct subject *s)
{
	char text[TEXT_MAX];

	if (strcmp(s->notes->state, "needs_login") != 0 &&
	    strcmp(s->notes->state, "needs_admin") != 0)
		return;
	snprintf(text, sizeof(text),
	    "%s %.200s still gets no token; postoak status says why",
	    s->account != NULL ? "account" : "application", name_of(s));
	tell_state(s, s->notes->state, "", text);
}

static void
check_all(void *arg)
{
	const struct conf *conf = config->conf;
	struct subject s;
	size_t i;

	(void)arg;
	for (i = 0; i < conf->application_count; i++) {
		s = subject_of(&conf->applications[i], NULL);
		check(&s);
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
	struct subject s = subject_of(order->application, order->account);

	s.notes->refresh_at_s = used_at_s;
}

void
watch_sign_in(const struct grant_order *order)
{
	struct subject s = subject_of(order->application, order->account);

	s.notes->refresh_at_s = s.notes->signed_in_at_s = clock_wall_s();
	notes_changed();
}

static void
look_at_address(const struct grant_order *order, const struct secret *token)
{
	struct subject s = subject_of(order->application, NULL);
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
	check(&s);
}

void
watch_token(const struct grant_order *order, const struct grant_token *token)
{
	struct subject s = subject_of(order->application, order->account);

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

void
watch_state(const struct grant_order *order, const char *state,
    const struct err *failure)
{
	struct subject s = subject_of(order->application, order->account);
	char text[TEXT_MAX];

	if (failure != NULL) {
		learn_sign_in(s.notes, failure);
		tell_state(&s, state, failure->code, failure->text);
		return;
	}
	snprintf(text, sizeof(text), "%s %.200s has a token again",
	    s.account != NULL ? "account" : "application", name_of(&s));
	tell_state(&s, state, "", text);
}

void
watch_clock(
    const struct grant_token *token, const struct grant_failure *failure)
{
	struct subject s = subject_of(NULL, NULL);

	if (token != NULL ? !token->has_clock : !failure->has_clock)
		return;
	s.notes->clock_off_s =
	    token != NULL ? token->clock_off_s : failure->clock_off_s;
	check(&s);
}

void
watch_certificate(const struct conf_application *application, int64_t ends_at_s)
{
	struct subject s = subject_of(application, NULL);

	if (s.notes->certificate_ends_s == ends_at_s)
		return;
	s.notes->certificate_ends_s = ends_at_s;
	check(&s);
}

/* --- status ----------------------------------------------------------------
 */

static void
show(const struct subject *s, int64_t now_s, struct json *warnings)
{
	char text[TEXT_MAX];
	struct json *one;
	int i;

	for (i = 0; i < WARNING_COUNT; i++) {
		if (level_of(s, (enum warning)i, now_s) == 0)
			continue;
		say[i](s, now_s, text);
		one = json_object();
		json_set_string(one, "code", warning_name((enum warning)i));
		json_set_string(one, "text", text);
		json_append(warnings, one);
	}
}

void
watch_show(const struct conf_account *account, struct json *answer)
{
	struct subject application = subject_of(account->application, NULL);
	struct subject own = subject_of(account->application, account);
	struct subject host = subject_of(NULL, NULL);
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
