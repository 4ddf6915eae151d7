/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account - the accounts and the credentials behind them. See account.h.
 */
#define _GNU_SOURCE
#include "account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "clock.h"
#include "credential.h"
#include "import.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "parcel.h"
#include "verdict.h"
#include "watch.h"

/* A credential under its identity; the table is sorted by that. */
struct entry {
	char *identity;
	struct credential *credential;
	int seen; /* in the configuration being applied */
};

static struct store *store;
static struct config *config;
static struct entry *entries;
static size_t entry_count;
/* Parallel to config->conf->accounts. */
static struct credential **of_account;

static int
by_identity(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->identity,
	    ((const struct entry *)b)->identity);
}

static struct entry *
find_entry(struct entry *table, size_t count, char *identity)
{
	struct entry key = {.identity = identity};

	if (count == 0)
		return NULL;
	return bsearch(&key, table, count, sizeof(key), by_identity);
}

/* client_credentials is one sign-in of the application for all accounts. */
static const struct conf_account *
owner(const struct conf_account *account)
{
	return account->grant == CONF_GRANT_CLIENT_CREDENTIALS ? NULL : account;
}

/*
 * What makes an account need another credential when it changes.
 */
static char *
identity_of(const struct conf_application *application,
    const struct conf_account *account)
{
	int own = account != NULL;

	return mem_printf("%s\n%s\n%s\n%s\n%s\n%s", application->token_endpoint,
	    application->client_id, own ? account->name : application->name,
	    conf_grant_name(
		own ? account->grant : CONF_GRANT_CLIENT_CREDENTIALS),
	    own && account->user != NULL ? account->user : "",
	    own ? application->scope : application->app_scope);
}

/* The identities of the new configuration, sorted, each once. */
static struct entry *
list_entries(const struct conf *conf, size_t *count)
{
	struct entry *table = mem_zalloc(conf->account_count, sizeof(*table));
	const struct conf_account *account;
	size_t i, used = 0;

	for (i = 0; i < conf->account_count; i++) {
		account = &conf->accounts[i];
		table[i].identity =
		    identity_of(account->application, owner(account));
	}
	if (conf->account_count > 0)
		qsort(table, conf->account_count, sizeof(*table), by_identity);
	for (i = 0; i < conf->account_count; i++) {
		if (used > 0 &&
		    strcmp(table[used - 1].identity, table[i].identity) == 0)
			free(table[i].identity);
		else
			table[used++] = table[i];
	}
	*count = used;
	return table;
}

/* The credential of one account: kept from before, or new. */
static struct credential *
settle(struct config *next, const struct conf_account *account,
    struct entry *table, size_t count)
{
	char *identity = identity_of(account->application, owner(account));
	struct entry *entry = find_entry(table, count, identity);
	struct entry *old = find_entry(entries, entry_count, identity);

	free(identity);
	if (entry->credential != NULL)
		return entry->credential;
	if (old != NULL) {
		old->seen = 1;
		entry->credential = old->credential;
		credential_reconfigure(entry->credential, next,
		    account->application, owner(account));
	} else {
		entry->credential = credential_new(
		    next, account->application, owner(account), store);
	}
	return entry->credential;
}

static void
free_entries(struct entry *table, size_t count, const struct err *reason)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!table[i].seen)
			credential_free(table[i].credential, reason);
		free(table[i].identity);
	}
	free(table);
}

void
account_start(struct store *the_store)
{
	store = the_store;
}

void
account_apply(struct config *next)
{
	const struct conf *conf = next->conf;
	struct credential **by_account;
	struct config *old = config;
	struct entry *table;
	struct err reason;
	size_t i, count;

	table = list_entries(conf, &count);
	by_account = mem_zalloc(conf->account_count, sizeof(*by_account));
	for (i = 0; i < conf->account_count; i++)
		by_account[i] = settle(next, &conf->accounts[i], table, count);
	err_set(&reason, ERR_TEMPORARY, "reload",
	    "the configuration of this account has just changed; ask again");
	reason.retry_ms = 1000;
	free(of_account);
	of_account = by_account;
	config = config_ref(next);
	free_entries(entries, entry_count, &reason);
	entries = table;
	entry_count = count;
	config_unref(old);
}

const struct config *
account_config(void)
{
	return config;
}

const struct conf_account *
account_find(const char *name, const char **user)
{
	const struct conf_account *account =
	    conf_account_for(config->conf, name);

	if (account != NULL)
		*user = account->name[0] == '@' ? name : account->user;
	return account;
}

int
account_check_mailbox(const char *name, struct err *err)
{
	if (*name != '@')
		return 0;
	/* No server knows such a user. */
	return err_set(err, ERR_CONFIG, "mailbox",
	    "account %.250s stands for the mailboxes of its domain; name one "
	    "of them, such as relay%.250s, as the user in the password table",
	    name, name);
}

static struct credential *
credential_of(const struct conf_account *account)
{
	return of_account[account - config->conf->accounts];
}

int
account_ask(const struct conf_account *account, int64_t wait_ms,
    handout_done *done, void *arg, struct handout *token,
    struct handout_wait **wait, struct err *err)
{
	return credential_ask(
	    credential_of(account), wait_ms, done, arg, token, wait, err);
}

int
account_refresh(const struct conf_account *account, int64_t wait_ms,
    handout_done *done, void *arg, struct handout_wait **wait, struct err *err)
{
	return credential_refresh(
	    credential_of(account), wait_ms, done, arg, wait, err);
}

int
account_import(const struct conf_account *account, const char *refresh_token,
    int64_t wait_ms, handout_done *done, void *arg, struct handout_wait **wait,
    struct err *err)
{
	if (import_check(account, refresh_token, err) == -1)
		return -1;
	return credential_import(credential_of(account), refresh_token, wait_ms,
	    done, arg, wait, err);
}

static struct parcel_owner
owner_of(const struct conf_account *account)
{
	const struct conf_application *application = account->application;
	const struct parcel_owner whose = {
	    .account = account->name,
	    .user = account->user,
	    .client_id =
		application->client_id != NULL ? application->client_id : "",
	    .endpoint = application->token_endpoint,
	};

	return whose;
}

int
account_export(const struct conf_account *account, const char *passphrase,
    struct buf *out, struct err *err)
{
	const struct parcel_owner whose = owner_of(account);
	struct record record;
	int rc;

	if (owner(account) == NULL)
		return err_set(err, ERR_CONFIG, "grant",
		    "account %s: with grant %s there is no refresh token to be "
		    "exported; the other host fetches its tokens by itself",
		    account->name, conf_grant_name(account->grant));
	if (parcel_check(passphrase, err) == -1 ||
	    credential_export(credential_of(account), &record, err) == -1)
		return -1;
	rc = parcel_seal(&whose, &record, passphrase, clock_wall_s(), out, err);
	record_clear(&record);
	return rc;
}

int
account_restore(const struct conf_account *account, const char *text,
    const char *passphrase, int64_t wait_ms, handout_done *done, void *arg,
    struct handout_wait **wait, struct err *err)
{
	const struct parcel_owner whose = owner_of(account);
	struct record record;
	int rc;

	if (parcel_open(&whose, text, passphrase, &record, err) == -1)
		return -1;
	rc = account_import(account, secret_reveal(&record.refresh_token),
	    wait_ms, done, arg, wait, err);
	record_clear(&record);
	return rc;
}

struct grant *
account_sign_in(const struct conf_account *account,
    const struct grant_sign_in *sign_in, grant_done *done, void *arg,
    struct grant_failure *failure)
{
	return credential_sign_in(
	    credential_of(account), sign_in, done, arg, failure);
}

void
account_take(const struct conf_account *account, struct grant_token *token)
{
	credential_take(credential_of(account), token);
}

int
account_logout(const struct conf_account *account, struct err *err)
{
	return credential_logout(credential_of(account), err);
}

/* What is needed to have a token without the fault. */
static void
say_again(const struct conf_account *account, char *out, size_t size)
{
	switch (account->grant) {
	case CONF_GRANT_PASSWORD:
	case CONF_GRANT_CLIENT_CREDENTIALS:
	case CONF_GRANT_JWT_BEARER:
		snprintf(
		    out, size, "run \"postoak refresh %s\"", account->name);
		break;
	default:
		snprintf(out, size, "log in again");
	}
}

static struct json *
find_faults(const struct conf_account *account,
    const struct credential_status *status, const struct json *claims)
{
	int is_app = account->grant == CONF_GRANT_CLIENT_CREDENTIALS;
	char again[256 + 32];
	struct verdict_subject subject = {
	    .user = account->user,
	    .tenant_id = account->application->tenant_id,
	    .scope = is_app ? account->application->app_scope
			    : account->application->scope,
	    .granted = status->scope,
	    .claims = claims,
	    .again = again,
	    .is_app = is_app,
	    .keeps_refresh = account->grant != CONF_GRANT_PASSWORD &&
			     account->grant != CONF_GRANT_JWT_BEARER && !is_app,
	    .has_refresh = status->has_refresh,
	};

	say_again(account, again, sizeof(again));
	return verdict_make(&subject);
}

struct json *
account_findings(const struct conf_account *account)
{
	struct credential_status status;
	struct json *claims = NULL, *findings;

	credential_status(credential_of(account), &status);
	if (status.token != NULL)
		claims = claims_read(status.token);
	findings = find_faults(account, &status, claims);
	json_free(claims);
	return findings;
}

void
account_rejected(const struct conf_account *account, const char *token_id)
{
	credential_rejected(credential_of(account), token_id);
}

static void
show_failure(const struct credential_status *status, struct json *answer)
{
	struct json *failure;

	if (status->failure == NULL) {
		json_set_null(answer, "last_error");
		return;
	}
	failure = json_object();
	json_set_int(failure, "at", status->failed_at_s);
	json_set_int(failure, "since", status->failing_since_s);
	json_set_string(failure, "kind", err_kind_name(status->failure->kind));
	json_set_string(failure, "code", status->failure->code);
	json_set_string(failure, "text", status->failure->text);
	if (status->retry_in_s >= 0)
		json_set_int(
		    failure, "retry_at", clock_wall_s() + status->retry_in_s);
	else
		json_set_null(failure, "retry_at");
	json_set(answer, "last_error", failure);
}

static void
show_token(const struct conf_account *account,
    const struct credential_status *status, struct json *answer)
{
	struct json *claims = NULL;

	if (status->token != NULL) {
		json_set_int(answer, "expires_at",
		    clock_wall_s() + status->expires_in_s);
		json_set_int(answer, "expires_in", status->expires_in_s);
	} else {
		json_set_null(answer, "expires_at");
		json_set_null(answer, "expires_in");
	}
	if (status->obtained_at_s != 0)
		json_set_int(answer, "obtained_at", status->obtained_at_s);
	else
		json_set_null(answer, "obtained_at");
	json_set_string(answer, "token_id",
	    status->token != NULL ? status->token_id : NULL);
	json_set_string(answer, "scope", status->scope);
	if (status->token != NULL)
		claims = claims_read(status->token);
	claims_show(claims, answer);
	if (status->token != NULL)
		json_set(
		    answer, "findings", find_faults(account, status, claims));
	else
		json_set_null(answer, "findings");
	json_free(claims);
}

struct json *
account_status(const struct conf_account *account)
{
	const struct conf_application *application = account->application;
	struct credential_status status;
	struct json *answer = json_object();

	credential_status(credential_of(account), &status);
	json_set_string(answer, "account", account->name);
	json_set_string(answer, "application", application->name);
	json_set_string(answer, "grant", conf_grant_name(account->grant));
	json_set_string(answer, "user", account->user);
	json_set_string(answer, "state", status.state);
	show_token(account, &status, answer);
	json_set_string(answer, "client_secret_expires",
	    application->client_secret_expires);
	json_set_string(answer, "certificate_expires",
	    config_certificate_end(config, application));
	json_set_bool(answer, "refresh_token", status.has_refresh);
	json_set_string(answer, "unsaved", status.unsaved);
	json_set_int(answer, "waiters", (int64_t)status.waiters);
	show_failure(&status, answer);
	watch_show(account, answer);
	return answer;
}

size_t
account_busy(void)
{
	return lane_running();
}

void
account_dismiss(const struct err *reason)
{
	size_t i;

	lane_close();
	for (i = 0; i < entry_count; i++)
		credential_dismiss(entries[i].credential, reason);
}

void
account_stop(const struct err *reason)
{
	free_entries(entries, entry_count, reason);
	entries = NULL;
	entry_count = 0;
	free(of_account);
	of_account = NULL;
	config_unref(config);
	config = NULL;
}
