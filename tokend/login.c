/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login - a person signs in. See login.h.
 */
#define _GNU_SOURCE
#include "login.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "account.h"
#include "claims.h"
#include "clock.h"
#include "discovery.h"
#include "endpoints.h"
#include "log.h"
#include "login_browser.h"
#include "login_device.h"
#include "login_method.h"
#include "mem.h"
#include "timer.h"

struct login {
	LIST_ENTRY(login) entry;
	char *account;
	char *method;
	char *purpose;		     /* a reload may change the account's */
	struct discovery *discovery; /* one of the three */
	struct login_browser *browser;
	struct login_device *device;
	struct timer limit;
	login_progress *progress;
	login_end *end;
	void *arg;
};

static LIST_HEAD(, login) logins = LIST_HEAD_INITIALIZER(logins);

/* --- what the methods are given --------------------------------------------
 */

/* What a sign-in is good for; to be freed. */
static char *
purpose_of(const struct conf_account *account)
{
	const struct conf_application *application = account->application;

	return mem_printf("%s\n%s\n%s\n%s\n%s", account->user,
	    conf_grant_name(account->grant), application->client_id,
	    application->token_endpoint,
	    application->scope != NULL ? application->scope : "");
}

static const struct conf_account *
find_account(void *arg, struct err *err)
{
	const struct login *login = arg;
	const struct conf_account *account;
	char *purpose = NULL;
	const char *user;
	int is_same = 0;

	account = account_find(login->account, &user);
	if (account != NULL) {
		purpose = purpose_of(account);
		is_same = strcmp(purpose, login->purpose) == 0;
	}
	free(purpose);
	if (is_same)
		return account;
	err_set(err, ERR_TEMPORARY, "reload",
	    "the configuration of account %.200s has changed meanwhile; begin "
	    "the login again",
	    login->account);
	return NULL;
}

static void
show_progress(void *arg, struct json *line)
{
	struct login *login = arg;

	json_set_int(line, "version", 1);
	json_set_string(line, "status", "progress");
	login->progress(login->arg, line);
	json_free(line);
}

static struct json *
take(void *arg, struct grant_token *token, struct err *err)
{
	const struct conf_account *account = find_account(arg, err);
	struct json *answer, *claims;

	if (account == NULL)
		return NULL;
	answer = json_object();
	json_set_int(answer, "version", 1);
	json_set_string(answer, "status", "ok");
	json_set_string(answer, "account", account->name);
	json_set_string(answer, "user", account->user);
	json_set_string(answer, "token_id", token->id);
	json_set_int(answer, "expires_in", token->expires_in_s);
	json_set_string(answer, "scope", token->scope);
	json_set_bool(answer, "refresh_token", token->has_refresh);
	json_set_string(answer, "unsaved",
	    token->unsaved != NULL ? token->save_error.text : NULL);
	claims = claims_read(&token->access);
	claims_show(claims, answer);
	json_free(claims);
	account_take(account, token);
	json_set(answer, "findings", account_findings(account));
	return answer;
}

static void
end(void *arg, struct json *answer, const struct err *err)
{
	struct login *login = arg;
	login_end *its_end = login->end;
	void *its_arg = login->arg;
	struct err reason;

	if (answer == NULL) {
		reason = *err;
		log_info(login->account, "login failed: %s", reason.text);
	} else {
		log_info(login->account, "login done: findings=%zu",
		    json_length(json_get_array(answer, "findings")));
	}
	login_cancel(login);
	its_end(its_arg, answer, answer == NULL ? &reason : NULL);
}

/* --- begin and end ---------------------------------------------------------
 */

static void
time_is_over(void *arg)
{
	struct login *login = arg;
	struct err err;

	err_set(&err, ERR_LOGIN, "expired",
	    "nobody has signed in within %d minutes; begin again",
	    LOGIN_S / 60);
	end(login, NULL, &err);
}

static enum endpoints_what
needed(const char *method)
{
	return strcmp(method, "device") == 0 ? ENDPOINTS_DEVICE
					     : ENDPOINTS_AUTHORIZATION;
}

/* When they are known, from wherever. */
static int
check_endpoint(const struct conf_application *application, const char *method,
    struct err *err)
{
	enum endpoints_what what = needed(method);

	if (endpoints_get(application, what) != NULL)
		return 0;
	return err_set(err, ERR_CONFIG, "endpoint",
	    what == ENDPOINTS_DEVICE
		? "application %.200s has no device_authorization_endpoint, "
		  "and provider %s offers none for mail"
		: "application %.200s has no authorization_endpoint, and "
		  "provider %s has none of its own",
	    application->name, application->provider);
}

static int
check(const struct conf_account *account, const char *method, struct err *err)
{
	const struct conf_application *application = account->application;
	const struct login *login;

	if (account->grant != CONF_GRANT_AUTHORIZATION_CODE &&
	    account->grant != CONF_GRANT_DEVICE_CODE &&
	    account->grant != CONF_GRANT_REFRESH_TOKEN)
		return err_set(err, ERR_CONFIG, "grant",
		    "account %.200s: grant %s needs nobody to sign in; it "
		    "fetches its tokens by itself: postoak refresh %.200s",
		    account->name, conf_grant_name(account->grant),
		    account->name);
	if (strcmp(method, "browser") != 0 && strcmp(method, "device") != 0)
		return err_set(err, ERR_PROTOCOL, "method",
		    "there is no way to log in called %.40s", method);
	if (endpoints_known(application, needed(method)) &&
	    check_endpoint(application, method, err) == -1)
		return -1;
	LIST_FOREACH(login, &logins, entry)
	if (strcasecmp(login->account, account->name) == 0)
		return err_set(err, ERR_TEMPORARY, "busy",
		    "account %.200s: another login is under way; finish or "
		    "end that one first",
		    account->name);
	return 0;
}

/* Now that the endpoints are known. */
static int
begin_method(struct login *login, struct err *err)
{
	const struct login_method methods = {
	    .account = find_account,
	    .progress = show_progress,
	    .take = take,
	    .end = end,
	    .arg = login,
	};

	if (strcmp(login->method, "browser") == 0)
		login->browser = login_browser_start(&methods, err);
	else
		login->device = login_device_start(&methods, err);
	return login->browser != NULL || login->device != NULL ? 0 : -1;
}

static void
on_endpoints(void *arg, const struct err *reason)
{
	struct login *login = arg;
	const struct conf_account *account = NULL;
	struct err err;

	login->discovery = NULL;
	if (reason != NULL)
		err_set(&err, reason->kind, reason->code, "account %.200s: %s",
		    login->account, reason->text);
	else
		account = find_account(login, &err);
	if (account == NULL ||
	    check_endpoint(account->application, login->method, &err) == -1 ||
	    begin_method(login, &err) == -1)
		end(login, NULL, &err);
}

static int
begin(struct login *login, const struct conf_account *account, struct err *err)
{
	if (endpoints_known(account->application, needed(login->method)))
		return begin_method(login, err);
	login->discovery =
	    discovery_start(account->application, on_endpoints, login, err);
	return login->discovery != NULL ? 0 : -1;
}

struct login *
login_start(const char *name, const char *method, login_progress *progress,
    login_end *its_end, void *arg, struct err *err)
{
	const struct conf_account *account;
	struct login *login;
	const char *user;

	account = account_find(name, &user);
	if (account == NULL) {
		err_set(err, ERR_CONFIG, "account",
		    "there is no account %.250s in %s", name,
		    account_config()->conf->path);
		return NULL;
	}
	if (check(account, method, err) == -1)
		return NULL;
	login = mem_zalloc(1, sizeof(*login));
	login->account = mem_strdup(account->name);
	login->method = mem_strdup(method);
	login->purpose = purpose_of(account);
	login->progress = progress;
	login->end = its_end;
	login->arg = arg;
	timer_init(&login->limit, time_is_over, login);
	LIST_INSERT_HEAD(&logins, login, entry);
	if (begin(login, account, err) == -1) {
		login_cancel(login);
		return NULL;
	}
	timer_set(&login->limit, clock_boot_ms() + LOGIN_S * 1000);
	log_info(login->account, "login begun: method=%s", method);
	return login;
}

int
login_bring(const char *name, const char *address, struct err *err)
{
	struct login *login;

	LIST_FOREACH(login, &logins, entry)
	if (strcasecmp(login->account, name) == 0 && login->browser != NULL)
		return login_browser_bring(login->browser, address, err);
	return err_set(err, ERR_CONFIG, "login",
	    "account %.200s: no login by browser is under way; begin one: "
	    "postoak login %.200s --browser",
	    name, name);
}

void
login_cancel(struct login *login)
{
	if (login == NULL)
		return;
	timer_cancel(&login->limit);
	discovery_cancel(login->discovery);
	login_browser_free(login->browser);
	login_device_free(login->device);
	free(login->purpose);
	free(login->method);
	LIST_REMOVE(login, entry);
	free(login->account);
	free(login);
}

void
login_dismiss(const struct err *reason)
{
	while (!LIST_EMPTY(&logins))
		end(LIST_FIRST(&logins), NULL, reason);
}
