/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_browser - sign in with a browser. See login_browser.h.
 */
#define _GNU_SOURCE
#include "login_browser.h"

#include <stdlib.h>

#include "account.h"
#include "authorize.h"
#include "clock.h"
#include "endpoints.h"
#include "landing.h"
#include "mem.h"
#include "redirect.h"

struct login_browser {
	struct login_method method;
	struct authorize authorize;
	struct authorize_answer answer;
	struct grant_sign_in sign_in;
	struct redirect *redirect;
	struct grant *grant;
	int is_over; /* the final address is here */
};

/* --- the outcome -----------------------------------------------------------
 */

static void
fail(struct login_browser *login, const struct err *err)
{
	struct buf page;

	buf_init(&page, LANDING_MAX);
	landing_page(&page, "The login has failed", err->text, 0);
	redirect_outcome(login->redirect, &page);
	login->method.end(login->method.arg, NULL, err);
}

static void
on_token(
    void *arg, struct grant_token *token, const struct grant_failure *failure)
{
	struct login_browser *login = arg;
	struct json *answer;
	struct buf page;
	struct err err;

	login->grant = NULL;
	if (token == NULL) {
		fail(login, &failure->err);
		return;
	}
	answer = login->method.take(login->method.arg, token, &err);
	if (answer == NULL) {
		fail(login, &err);
		return;
	}
	buf_init(&page, LANDING_MAX);
	landing_done(&page, answer);
	redirect_outcome(login->redirect, &page);
	login->method.end(login->method.arg, answer, NULL);
}

static void
exchange(struct login_browser *login)
{
	const struct conf_account *account;
	struct grant_failure failure;
	struct err err;

	account = login->method.account(login->method.arg, &err);
	if (account == NULL) {
		fail(login, &err);
		return;
	}
	login->sign_in.kind = FLOW_AUTHORIZATION_CODE;
	login->sign_in.code = &login->answer.code;
	login->sign_in.verifier = &login->authorize.verifier;
	login->sign_in.redirect_uri = login->authorize.redirect_uri;
	login->grant = account_sign_in(
	    account, &login->sign_in, on_token, login, &failure);
	if (login->grant == NULL)
		fail(login, &failure.err);
}

/* The provider sent the browser back without a code. */
static void
refuse(struct login_browser *login)
{
	const struct conf_account *account;
	struct err err;

	account = login->method.account(login->method.arg, &err);
	if (account != NULL)
		authorize_refused(
		    &login->answer, account, clock_wall_s(), &err);
	fail(login, &err);
}

/* --- the way back ----------------------------------------------------------
 */

/* 1: taken; the attempt may be gone. 0 with *err. */
static int
arrive(struct login_browser *login, const char *address, struct err *err)
{
	if (login->is_over) {
		err_set(err, ERR_PROTOCOL, "used",
		    "this sign-in is being completed already");
		return 0;
	}
	if (authorize_read(&login->authorize, address, &login->answer, err) ==
	    -1)
		return 0;
	login->is_over = 1;
	if (login->answer.error != NULL)
		refuse(login);
	else
		exchange(login);
	return 1;
}

static int
on_arrival(void *arg, const char *query, struct buf *page)
{
	struct login_browser *login = arg;
	struct err err;

	if (arrive(login, query, &err))
		return 1;
	landing_page(page, "This did not work", err.text, 0);
	return 0;
}

int
login_browser_bring(
    struct login_browser *login, const char *address, struct err *err)
{
	return arrive(login, address, err) ? 0 : -1;
}

/* --- begin and end ---------------------------------------------------------
 */

static void
show_address(struct login_browser *login)
{
	struct json *line = json_object();

	json_set_string(line, "step", "browser");
	json_set_string(line, "address", login->authorize.address);
	json_set_string(line, "redirect_uri", login->authorize.redirect_uri);
	json_set_int(line, "port", redirect_port(login->redirect));
	json_set_int(line, "expires_in", LOGIN_S);
	login->method.progress(login->method.arg, line);
}

static int
begin(struct login_browser *login, struct err *err)
{
	const struct conf_account *account =
	    login->method.account(login->method.arg, err);

	if (account == NULL)
		return -1;
	login->redirect = redirect_open(on_arrival, login, err);
	if (login->redirect == NULL)
		return -1;
	return authorize_begin(&login->authorize, account->application,
	    endpoints_get(account->application, ENDPOINTS_AUTHORIZATION),
	    account->user, redirect_port(login->redirect), err);
}

struct login_browser *
login_browser_start(const struct login_method *method, struct err *err)
{
	struct login_browser *login = mem_zalloc(1, sizeof(*login));

	login->method = *method;
	if (begin(login, err) == -1) {
		login_browser_free(login);
		return NULL;
	}
	show_address(login);
	return login;
}

void
login_browser_free(struct login_browser *login)
{
	if (login == NULL)
		return;
	grant_cancel(login->grant);
	redirect_close(login->redirect);
	authorize_answer_clear(&login->answer);
	authorize_clear(&login->authorize);
	free(login);
}
