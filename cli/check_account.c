/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_account - what tokend knows of an account, as findings. See
 * check_account.h.
 *
 * What is said of failures and of tokens is tokend's own sentence, which stands
 * in its log and in "postoak status" as well.
 */
#include "check_account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "check_token.h"
#include "clock.h"
#include "show.h"
#include "time_text.h"

#define TABLE_MAX 2000
#define SOON_DAYS 30

static void add(const struct checkup *checkup, enum findings_verdict verdict,
    const char *id, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
add(const struct checkup *checkup, enum findings_verdict verdict,
    const char *id, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	findings_add(
	    checkup->findings, verdict, id, checkup->target->name, "%s", text);
}

/* --- the token ------------------------------------------------------------ */

/* What ends by itself is no fault of the account; a person has to do the rest.
 */
static void
tell_failure(const struct checkup *checkup, int is_temporary, const char *id,
    const char *text)
{
	findings_add_text(checkup->findings,
	    is_temporary ? FINDINGS_WARN : FINDINGS_FAIL, id,
	    checkup->target->name, text,
	    is_temporary ? "nothing, if it is soon over: tokend tries again by "
			   "itself, and mail waits"
			 : "look into the log of tokend, which has more of it");
}

/* A token may be good for a while yet, and the next one refused. */
static void
look_at_renewal(const struct checkup *checkup, const struct json *account)
{
	const struct json *error = json_get_object(account, "last_error");
	const char *state = show_string(account, "state");

	if (error == NULL || strcmp(state, "ok") == 0)
		return;
	tell_failure(checkup,
	    strcmp(state, "needs_login") != 0 &&
		strcmp(state, "needs_admin") != 0,
	    "account_renewal", show_string(error, "text"));
}

static void
look_at_token(const struct checkup *checkup, const struct check_token *token)
{
	char span[TIME_TEXT_MAX];

	if (token->token != NULL) {
		add(checkup, FINDINGS_OK, "account_token",
		    "there is a token, good for %s",
		    time_text_span(span, sizeof(span),
			show_int(token->token_answer, "expires_in")));
		if (token->account != NULL)
			look_at_renewal(checkup, token->account);
		return;
	}
	tell_failure(checkup, token->err.kind == ERR_TEMPORARY, "account_token",
	    token->err.text);
}

/* What tokend says against the token; what it does not, is well. */
static void
look_at_fault(const struct checkup *checkup, const struct check_token *token,
    const char *code, const char *member)
{
	const char *fail = check_token_fault(token, "fail", code);
	const char *warn = check_token_fault(token, "warn", code);
	char id[64];

	snprintf(id, sizeof(id), "account_%s", code);
	if (fail != NULL)
		findings_add_text(checkup->findings, FINDINGS_FAIL, id,
		    checkup->target->name, fail, NULL);
	else if (warn != NULL)
		findings_add_text(checkup->findings, FINDINGS_WARN, id,
		    checkup->target->name, warn, NULL);
	else if (member != NULL && *show_string(token->account, member) != '\0')
		add(checkup, FINDINGS_OK, id, "its %s is %s", code,
		    show_string(token->account, member));
}

/* The names are those of the grant: permissions of a person, or roles. */
static void
put_row(struct buf *out, const struct check_token *token,
    enum mailserver_protocol protocol, int is_app)
{
	static const char *const words[] = {
	    "no, not needed for sending", "yes", "not said by the token"};
	const struct mailserver_permission *permission =
	    mailserver_permission(protocol);
	int allows = check_token_allows(token, protocol);
	const char *word = words[allows == -1 ? 2 : allows];

	if (protocol == MAILSERVER_SMTP && allows == 0)
		word = "no, needed";
	buf_addf(out, "\n%-4s  %-20s  %s", permission->protocol,
	    is_app ? permission->app : permission->delegated, word);
}

static void
show_permissions(const struct checkup *checkup, const struct check_token *token)
{
	int is_app =
	    checkup->target->account->grant == CONF_GRANT_CLIENT_CREDENTIALS;
	int i, allows = check_token_allows(token, MAILSERVER_SMTP);
	struct buf table;

	buf_init(&table, TABLE_MAX);
	buf_adds(&table, "what the token allows:");
	for (i = 0; i < MAILSERVER_PROTOCOLS; i++)
		put_row(&table, token, (enum mailserver_protocol)i, is_app);
	/* That one is missing is account_permission's to judge. */
	add(checkup, allows == 1 ? FINDINGS_OK : FINDINGS_NOTE,
	    "account_permissions", "%s", table.data);
	buf_clear(&table);
}

/* --- what ends ------------------------------------------------------------ */

/* tokend warns in its own words, and knows more than the date. */
static int
has_warning(const struct json *account, const char *code)
{
	const struct json *warnings = json_get_array(account, "warnings");
	size_t i;

	for (i = 0; warnings != NULL && i < json_length(warnings); i++)
		if (strcmp(show_string(json_at(warnings, i), "code"), code) ==
		    0)
			return 1;
	return 0;
}

static void
look_at_date(const struct checkup *checkup, const struct json *account,
    const char *code, const char *member, const char *what)
{
	const char *date = show_string(account, member);
	char id[64], text[TIME_TEXT_MAX];
	int64_t now_s = clock_wall_s(), days;
	int is_date;

	if (*date == '\0' || has_warning(account, code))
		return;
	snprintf(id, sizeof(id), "account_%s", code);
	days = time_text_days(date, now_s, &is_date);
	add(checkup, is_date && days <= SOON_DAYS ? FINDINGS_WARN : FINDINGS_OK,
	    id, "the %s %s %s", what,
	    is_date && days < 0 ? "expired" : "expires",
	    time_text_date(text, sizeof(text), date, now_s));
	if (is_date && days <= SOON_DAYS)
		findings_remedy(checkup->findings,
		    "make a new %s in the Entra admin center (the application, "
		    "Certificates & secrets) before that day, and give it to "
		    "postoak beside the old one",
		    what);
}

static void
look_at_secret(const struct checkup *checkup, const struct json *account)
{
	const struct conf_application *application =
	    checkup->target->account->application;

	look_at_date(checkup, account, "client_secret", "client_secret_expires",
	    "client secret");
	look_at_date(checkup, account, "certificate", "certificate_expires",
	    "certificate");
	if (application->client_secret_files.count > 0 &&
	    application->client_secret_expires == NULL)
		add(checkup, FINDINGS_NOTE, "account_client_secret",
		    "when the client secret expires is not known; write "
		    "client_secret_expires into application %s to be warned",
		    application->name);
}

static void
show_warnings(const struct checkup *checkup, const struct json *account)
{
	const struct json *warnings = json_get_array(account, "warnings");
	const struct json *warning;
	char id[64];
	size_t i;

	for (i = 0; warnings != NULL && i < json_length(warnings); i++) {
		warning = json_at(warnings, i);
		snprintf(
		    id, sizeof(id), "account_%s", show_string(warning, "code"));
		findings_add_text(checkup->findings, FINDINGS_WARN, id,
		    checkup->target->name, show_string(warning, "text"),
		    "postoak-tokend(8) says more of it");
	}
}

static void
look_at_refresh_token(
    const struct checkup *checkup, const struct check_token *token)
{
	const char *unsaved = show_string(token->account, "unsaved");

	look_at_fault(checkup, token, "refresh_token", NULL);
	if (json_get_bool(token->account, "refresh_token", 0) &&
	    *unsaved == '\0')
		add(checkup, FINDINGS_OK, "account_refresh_token",
		    "a refresh token is kept; it lives as long as it is used");
	if (*unsaved != '\0') {
		add(checkup, FINDINGS_FAIL, "account_unsaved",
		    "the newest refresh token is in memory only, and a restart "
		    "would lose it: %s",
		    unsaved);
		findings_remedy(checkup->findings,
		    "make room and set the rights of tokend's store; it is "
		    "saved by itself then");
	}
}

void
check_account(const struct checkup *checkup)
{
	struct check_token token;
	const char *address;

	if (check_token_get(&token, checkup, "account_token") != 0) {
		check_token_clear(&token);
		return;
	}
	look_at_token(checkup, &token);
	if (token.token != NULL && token.account != NULL) {
		look_at_fault(checkup, &token, "audience", "audience");
		look_at_fault(checkup, &token, "permission", NULL);
		show_permissions(checkup, &token);
		look_at_fault(checkup, &token, "tenant", "tenant");
		look_at_fault(checkup, &token, "user", "token_user");
		look_at_refresh_token(checkup, &token);
		address = show_string(token.account, "token_address");
		if (*address != '\0')
			add(checkup, FINDINGS_OK, "account_address",
			    "the provider sees this host as %s", address);
	}
	if (token.account != NULL) {
		look_at_secret(checkup, token.account);
		show_warnings(checkup, token.account);
	}
	check_token_clear(&token);
}
