/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - the accounts' state and budgets for people. See table.h.
 */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bars.h"
#include "mem.h"
#include "show.h"
#include "time_text.h"

#define ACCOUNT_WIDTH 26
#define STATE_WIDTH 12
#define TOKEN_WIDTH 16
#define SECRET_SOON_DAYS 60 /* from here on the tool speaks of it unasked */

/* The states in order of trouble. What tokend may add later counts as ok. */
static const struct state {
	const char *word;
	const char *label;
	enum show_tone tone;
	int exit_code;
} states[] = {
    {"needs_admin", "NEEDS ADMIN", SHOW_BAD, EX_CONFIG},
    {"needs_login", "NEEDS LOGIN", SHOW_BAD, EX_NOPERM},
    {"retrying", "retrying", SHOW_WARN, EX_TEMPFAIL},
    {"stale", "stale", SHOW_WARN, EX_OK},
    {"ok", "ok", SHOW_GOOD, EX_OK},
    {"idle", "idle", SHOW_PLAIN, EX_OK},
};

#define N_STATES (sizeof(states) / sizeof(states[0]))
#define N_REFUSED 3 /* its place: behind those that have no token */

static size_t
trouble_of(const struct json *account)
{
	const char *word = json_get_string(account, "state");
	size_t i;

	for (i = 0; i < N_STATES; i++)
		if (word != NULL && strcmp(word, states[i].word) == 0)
			return i;
	return N_STATES - 1;
}

/* Mail that a provider refuses waits as well, though there is a token. */
static size_t
rank_of(const struct json *account)
{
	size_t trouble = trouble_of(account);

	if (states[trouble].exit_code != EX_OK)
		return trouble;
	return json_get_object(account, "refused") != NULL ? N_REFUSED
							   : trouble + 1;
}

static int
by_trouble(const void *a, const void *b)
{
	const struct json *left = *(struct json *const *)a;
	const struct json *right = *(struct json *const *)b;
	size_t x = rank_of(left), y = rank_of(right);

	if (x != y)
		return x < y ? -1 : 1;
	return strcmp(
	    show_string(left, "account"), show_string(right, "account"));
}

/* --- both answers as one -------------------------------------------------- */

/* A copy with the fields that are ours to promise. */
static struct json *
copy_limit(const struct json *limit)
{
	static const char *const numbers[] = {
	    "max", "used", "window_s", "frees_at"};
	struct json *copy = json_object();
	int64_t value;
	size_t i;

	json_set_string(copy, "limit", json_get_string(limit, "limit"));
	json_set_string(copy, "scope", json_get_string(limit, "scope"));
	json_set_string(copy, "unit", json_get_string(limit, "unit"));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (json_get_int(limit, numbers[i], &value))
			json_set_int(copy, numbers[i], value);
		else
			json_set_null(copy, numbers[i]);
	}
	return copy;
}

/* What the milter says of the account; NULL if it says nothing. */
static const struct json *
find_entry(const struct json *milter, const char *name)
{
	struct json *accounts, *entry;
	size_t i;

	accounts = milter != NULL ? json_get_array(milter, "accounts") : NULL;
	for (i = 0; accounts != NULL && i < json_length(accounts); i++) {
		entry = json_at(accounts, i);
		if (strcmp(show_string(entry, "account"), name) == 0)
			return entry;
	}
	return NULL;
}

static struct json *
copy_limits(const struct json *entry)
{
	const struct json *limits = json_get_array(entry, "limits");
	struct json *copy = json_array();
	size_t i;

	for (i = 0; limits != NULL && i < json_length(limits); i++)
		json_append(copy, copy_limit(json_at(limits, i)));
	return copy;
}

static void
add_refused(struct json *account, const struct json *entry)
{
	static const char *const times[] = {"since", "until", "next_try"};
	const struct json *refused =
	    entry != NULL ? json_get_object(entry, "refused") : NULL;
	struct json *copy;
	size_t i;

	if (refused == NULL) {
		json_set_null(account, "refused");
		return;
	}
	copy = json_object();
	json_set_string(copy, "kind", show_string(refused, "kind"));
	json_set_string(copy, "text", show_string(refused, "text"));
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		json_set_int(copy, times[i], show_int(refused, times[i]));
	json_set(account, "refused", copy);
}

struct json **
table_merge(struct json *tokend, const struct json *milter, size_t *count)
{
	struct json *all = json_get_array(tokend, "accounts");
	const struct json *entry;
	struct json **accounts;
	size_t i;

	*count = all != NULL ? json_length(all) : 0;
	accounts = mem_zalloc(*count + 1, sizeof(*accounts));
	for (i = 0; i < *count; i++) {
		accounts[i] = json_at(all, i);
		entry = find_entry(milter, show_string(accounts[i], "account"));
		if (entry != NULL)
			json_set(accounts[i], "limits", copy_limits(entry));
		else
			json_set_null(accounts[i], "limits");
		add_refused(accounts[i], entry);
	}
	qsort(accounts, *count, sizeof(accounts[0]), by_trouble);
	return accounts;
}

int
table_exit_code(struct json **accounts, size_t count)
{
	/* They are sorted: the first one is the worst. */
	return count > 0 ? states[trouble_of(accounts[0])].exit_code : EX_OK;
}

/* --- the list ------------------------------------------------------------- */

/* "52 minutes left" in the list, "ends in 52 minutes" where there is room. */
static void
put_token_life(struct buf *out, const struct json *account,
    const struct show_style *style, int brief)
{
	char span[TIME_TEXT_MAX];
	int64_t expires_at;

	if (!json_get_int(account, "expires_at", &expires_at)) {
		buf_adds(out, "none");
		return;
	}
	time_text_span(span, sizeof(span), expires_at - style->now_s);
	if (expires_at <= style->now_s)
		buf_adds(out, "expired");
	else
		buf_addf(out, brief ? "%s left" : "ends in %s", span);
}

/* "2 minutes ago, failing for 3 hours, aadsts.50126: ... (tried again in 5
 * minutes)" */
static void
make_error_text(
    struct buf *out, const struct json *error, const struct show_style *style)
{
	char when[TIME_TEXT_MAX];
	int64_t at = show_int(error, "at"), since = show_int(error, "since");
	int64_t retry_at;

	if (at > 0)
		buf_addf(out, "%s, ",
		    time_text_when(when, sizeof(when), at, style->now_s));
	if (since > 0 && at - since >= 60)
		buf_addf(out, "failing for %s, ",
		    time_text_span(when, sizeof(when), style->now_s - since));
	buf_adds(out, show_string(error, "code"));
	buf_adds(out, ": ");
	buf_adds(out, show_string(error, "text"));
	if (json_get_int(error, "retry_at", &retry_at) &&
	    retry_at > style->now_s)
		buf_addf(out, " (tried again %s)",
		    time_text_when(when, sizeof(when), retry_at, style->now_s));
}

static void
put_error(
    struct buf *out, const struct json *account, const struct show_style *style)
{
	const struct json *error = json_get_object(account, "last_error");
	struct buf text;

	if (error == NULL)
		return;
	buf_init(&text, SHOW_MAX);
	make_error_text(&text, error, style);
	buf_adds(out, "    ");
	show_wrapped(out, text.data, 4);
	buf_clear(&text);
}

/* A refresh token that is in memory only: a restart would lose it. */
static void
put_unsaved(struct buf *out, const struct json *account)
{
	const char *unsaved = json_get_string(account, "unsaved");
	struct buf line;

	if (unsaved == NULL)
		return;
	buf_init(&line, SHOW_MAX);
	buf_adds(&line, "refresh token not saved: ");
	buf_adds(&line, unsaved);
	buf_adds(out, "    ");
	show_wrapped(out, line.data, 4);
	buf_clear(&line);
}

/* A client secret or certificate is spoken of unasked when its end is near. */
static void
put_end(struct buf *out, const struct json *account, const char *option,
    const char *what, const struct show_style *style)
{
	const char *date = json_get_string(account, option);
	char text[TIME_TEXT_MAX], line[256];
	int64_t days;
	int ok;

	if (date == NULL)
		return;
	days = time_text_days(date, style->now_s, &ok);
	if (!ok || (days > SECRET_SOON_DAYS && !style->whole))
		return;
	snprintf(line, sizeof(line), "%s %s %s", what,
	    days < 0 ? "expired" : "expires",
	    time_text_date(text, sizeof(text), date, style->now_s));
	buf_adds(out, "    ");
	show_wrapped(out, line, 4);
}

static void
put_account(
    struct buf *out, const struct json *account, const struct show_style *style)
{
	const struct state *state = &states[trouble_of(account)];
	struct buf cell;

	buf_init(&cell, SHOW_MAX);
	show_cell(out, show_string(account, "account"), ACCOUNT_WIDTH);
	buf_adds(out, " ");
	show_toned(out, state->label, STATE_WIDTH, state->tone, style->colours);
	put_token_life(&cell, account, style, 1);
	show_cell(out, cell.data, TOKEN_WIDTH);
	buf_adds(out, " ");
	buf_clear(&cell);
	bars_budget(out, account);
	buf_adds(out, "\n");
	/* What is over and mended is history: only details show it then. */
	if (state->exit_code != EX_OK || strcmp(state->word, "stale") == 0)
		put_error(out, account, style);
	bars_refused(out, account, style);
	put_unsaved(out, account);
	put_end(out, account, "client_secret_expires", "client secret", style);
	put_end(out, account, "certificate_expires", "certificate", style);
	if (style->whole && json_get_array(account, "limits") != NULL)
		bars_show(out, json_get_array(account, "limits"), style);
}

void
table_accounts(struct buf *out, struct json **accounts, size_t count,
    const struct show_style *style)
{
	size_t i;

	if (count == 0) {
		buf_adds(out, "There is no account in the configuration.\n");
		return;
	}
	show_toned(
	    out, "ACCOUNT", ACCOUNT_WIDTH + 1, SHOW_STRONG, style->colours);
	show_toned(out, "STATE", STATE_WIDTH, SHOW_STRONG, style->colours);
	show_toned(out, "TOKEN", TOKEN_WIDTH + 1, SHOW_STRONG, style->colours);
	show_toned(out, "BUDGET", 6, SHOW_STRONG, style->colours);
	buf_adds(out, "\n");
	for (i = 0; i < count; i++)
		put_account(out, accounts[i], style);
}

/* --- one account ---------------------------------------------------------- */

static void
field_if(struct buf *out, const char *label, const char *text)
{
	if (text != NULL && *text != '\0')
		show_field(out, label, text);
}

static void
put_roles(struct buf *out, const struct json *account)
{
	const struct json *roles = json_get_array(account, "roles");
	const char *role;
	struct buf text;
	size_t i;

	if (roles == NULL || json_length(roles) == 0)
		return;
	buf_init(&text, SHOW_MAX);
	for (i = 0; i < json_length(roles); i++) {
		role = json_string_at(roles, i);
		buf_addf(
		    &text, "%s%s", i > 0 ? " " : "", role != NULL ? role : "?");
	}
	show_field(out, "roles", text.data);
	buf_clear(&text);
}

static void
put_token(
    struct buf *out, const struct json *account, const struct show_style *style)
{
	char when[TIME_TEXT_MAX];
	int64_t obtained_at;
	struct buf text;

	buf_init(&text, SHOW_MAX);
	put_token_life(&text, account, style, 0);
	if (json_get_int(account, "obtained_at", &obtained_at))
		buf_addf(&text, ", obtained %s",
		    time_text_when(
			when, sizeof(when), obtained_at, style->now_s));
	if (show_int(account, "waiters") > 0)
		buf_addf(&text, ", %lld waiting for a new one",
		    (long long)show_int(account, "waiters"));
	show_field(out, "token", text.data);
	buf_clear(&text);
}

static void
show_end(struct buf *out, const struct json *account, const char *option,
    const char *name, const struct show_style *style)
{
	const char *expires = json_get_string(account, option);
	char date[TIME_TEXT_MAX], line[256];

	if (expires == NULL)
		return;
	snprintf(line, sizeof(line), "expires %s",
	    time_text_date(date, sizeof(date), expires, style->now_s));
	show_field(out, name, line);
}

static void
put_credentials(
    struct buf *out, const struct json *account, const struct show_style *style)
{
	char line[256];

	snprintf(line, sizeof(line), "%s, application %s",
	    show_string(account, "grant"), show_string(account, "application"));
	show_field(out, "grant", line);
	field_if(out, "user", json_get_string(account, "user"));
	show_end(out, account, "client_secret_expires", "client secret", style);
	show_end(out, account, "certificate_expires", "certificate", style);
	if (json_get_bool(account, "refresh_token", 0))
		show_field(out, "refresh token", "kept");
	field_if(out, "not saved", json_get_string(account, "unsaved"));
}

void
table_details(
    struct buf *out, const struct json *account, const struct show_style *style)
{
	const struct state *state = &states[trouble_of(account)];
	const struct json *error = json_get_object(account, "last_error");
	const struct json *limits = json_get_array(account, "limits");
	struct buf text;

	show_text(out, show_string(account, "account"));
	buf_adds(out, ": ");
	show_toned(out, state->label, strlen(state->label), state->tone,
	    style->colours);
	buf_adds(out, "\n");
	put_credentials(out, account, style);
	put_token(out, account, style);
	field_if(out, "audience", json_get_string(account, "audience"));
	field_if(out, "scope", json_get_string(account, "scope"));
	put_roles(out, account);
	if (error != NULL) {
		buf_init(&text, SHOW_MAX);
		make_error_text(&text, error, style);
		show_field(out, "last error", text.data);
		buf_clear(&text);
	}
	if (limits == NULL)
		show_field(out, "budget", "not known");
	else
		bars_show(out, limits, style);
	bars_refused(out, account, style);
}
