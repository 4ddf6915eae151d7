/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_device - sign in with a code on another device. See login_device.h.
 */
#define _GNU_SOURCE
#include "login_device.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "clock.h"
#include "device.h"
#include "endpoints.h"
#include "grant_order.h"
#include "http.h"
#include "mem.h"
#include "timer.h"

struct login_device {
	struct login_method method;
	struct device device;
	struct grant_sign_in sign_in;
	struct http *http;
	struct grant *grant;
	struct timer timer;
	int64_t end_ms; /* when the code expires */
};

static void
fail(struct login_device *login, const struct err *err)
{
	login->method.end(login->method.arg, NULL, err);
}

static void
fail_expired(struct login_device *login)
{
	struct err err;

	err_set(&err, ERR_LOGIN, "expired",
	    "the code has expired before anybody signed in with it; begin "
	    "again for a new one");
	fail(login, &err);
}

/* --- the token -------------------------------------------------------------
 */

/* least_ms: what the answer's Retry-After asks for. */
static void
wait_on(struct login_device *login, int64_t least_ms)
{
	int64_t now_ms = clock_boot_ms();
	int64_t wait_ms = login->device.interval_s * 1000;
	struct json *line = json_object();

	if (wait_ms < least_ms)
		wait_ms = least_ms;
	json_set_string(line, "step", "waiting");
	json_set_int(line, "expires_in",
	    login->end_ms > now_ms ? (login->end_ms - now_ms) / 1000 : 0);
	login->method.progress(login->method.arg, line);
	timer_set(&login->timer, now_ms + wait_ms);
}

static void
on_failure(struct login_device *login, const struct grant_failure *failure)
{
	int lost =
	    failure->err.kind == ERR_TEMPORARY && failure->error[0] == '\0';
	struct err err;

	if (failure->error[0] == '\0' && !lost) {
		fail(login, &failure->err);
		return;
	}
	switch (device_judge(failure->error, &login->device.interval_s)) {
	case DEVICE_WAIT:
		wait_on(login, failure->least_ms);
		return;
	case DEVICE_DECLINED:
		err_set(&err, ERR_LOGIN, "declined",
		    "the sign-in was declined in the browser; nothing has "
		    "changed");
		break;
	case DEVICE_EXPIRED:
		fail_expired(login);
		return;
	case DEVICE_FAILED:
		err = failure->err;
		break;
	}
	fail(login, &err);
}

static void
on_token(
    void *arg, struct grant_token *token, const struct grant_failure *failure)
{
	struct login_device *login = arg;
	struct json *answer;
	struct err err;

	login->grant = NULL;
	if (token == NULL) {
		on_failure(login, failure);
		return;
	}
	answer = login->method.take(login->method.arg, token, &err);
	login->method.end(login->method.arg, answer, &err);
}

static void
poll_token(void *arg)
{
	struct login_device *login = arg;
	const struct conf_account *account;
	struct grant_failure failure;
	struct err err;

	account = login->method.account(login->method.arg, &err);
	if (account == NULL) {
		fail(login, &err);
		return;
	}
	if (clock_boot_ms() >= login->end_ms) {
		fail_expired(login);
		return;
	}
	login->grant = account_sign_in(
	    account, &login->sign_in, on_token, login, &failure);
	if (login->grant == NULL)
		fail(login, &failure.err);
}

/* --- the code --------------------------------------------------------------
 */

static void
show_code(struct login_device *login)
{
	const struct device *device = &login->device;
	struct json *line = json_object();

	json_set_string(line, "step", "device");
	json_set_string(line, "user_code", device->user_code);
	json_set_string(line, "verification_uri", device->address);
	json_set_string(line, "verification_uri_complete", device->complete);
	json_set_string(line, "message", device->message);
	json_set_int(line, "expires_in", device->expires_in_s);
	json_set_int(line, "interval", device->interval_s);
	login->method.progress(login->method.arg, line);
}

static void
refuse_code(struct login_device *login, const struct http_answer *answer,
    const struct err *reason)
{
	const struct conf_account *account;
	struct grant_order order = {.config = NULL};
	struct refusal_subject subject;
	struct refusal_answer given;
	struct refusal refusal;
	struct err err;

	account = login->method.account(login->method.arg, &err);
	if (account == NULL) {
		fail(login, &err);
		return;
	}
	order.application = account->application;
	order.account = account;
	grant_order_subject(&order, FLOW_DEVICE_CODE, 0, 0, &subject);
	subject.endpoint =
	    endpoints_get(account->application, ENDPOINTS_DEVICE);
	if (answer == NULL || reason != NULL) {
		refusal_no_answer(&refusal, &subject, reason);
	} else {
		given.status = answer->status;
		given.body = answer->body;
		given.body_len = answer->body_len;
		given.content_type = answer->content_type;
		given.retry_after_s = answer->retry_after_s;
		refusal_judge(&refusal, &subject, &given);
	}
	fail(login, &refusal.err);
}

static void
on_code(void *arg, const struct http_answer *answer, const struct err *reason)
{
	struct login_device *login = arg;
	struct err err;
	int rc;

	login->http = NULL;
	if (answer == NULL) {
		refuse_code(login, NULL, reason);
		return;
	}
	rc = device_answer(answer->status, answer->body, answer->body_len,
	    &login->device, &err);
	if (rc != 1) {
		refuse_code(login, answer, rc == -1 ? &err : NULL);
		return;
	}
	login->end_ms = clock_boot_ms() + login->device.expires_in_s * 1000;
	login->sign_in.kind = FLOW_DEVICE_CODE;
	login->sign_in.code = &login->device.code;
	show_code(login);
	wait_on(login, 0);
}

static int
ask_for_code(struct login_device *login, struct err *err)
{
	const struct conf_account *account =
	    login->method.account(login->method.arg, err);
	const struct conf_application *application;
	struct http_post post;
	struct buf form;

	if (account == NULL)
		return -1;
	application = account->application;
	post.url = endpoints_get(application, ENDPOINTS_DEVICE);
	post.proxy = application->proxy;
	post.ca_file = application->ca_file;
	buf_init(&form, FLOW_FORM_MAX);
	flow_param(&form, "client_id", application->client_id);
	flow_param(&form, "scope", application->scope);
	login->http = http_post(&post, &form, on_code, login, err);
	buf_clear(&form);
	return login->http != NULL ? 0 : -1;
}

struct login_device *
login_device_start(const struct login_method *method, struct err *err)
{
	struct login_device *login = mem_zalloc(1, sizeof(*login));

	login->method = *method;
	timer_init(&login->timer, poll_token, login);
	if (ask_for_code(login, err) == -1) {
		login_device_free(login);
		return NULL;
	}
	return login;
}

void
login_device_free(struct login_device *login)
{
	if (login == NULL)
		return;
	http_cancel(login->http);
	grant_cancel(login->grant);
	timer_cancel(&login->timer);
	device_clear(&login->device);
	free(login);
}
