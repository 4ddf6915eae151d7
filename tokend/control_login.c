/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_login - the control socket's verbs for people who sign in. See
 * control_login.h.
 */
#include "control_login.h"

#include <stdlib.h>

#include "account.h"
#include "control_answer.h"
#include "log.h"
#include "login.h"
#include "mem.h"

#define PROGRESS_MAX 65536 /* of one line */

/* A login under way, for as long as its client is there. */
struct visit {
	struct client *client;
	struct login *login;
};

static void
leave(void *arg)
{
	struct visit *visit = arg;

	login_cancel(visit->login);
	free(visit);
}

static void
on_progress(void *arg, const struct json *line)
{
	struct visit *visit = arg;
	struct buf part;

	buf_init(&part, PROGRESS_MAX);
	if (json_write(line, &part, 0) == 0 && buf_adds(&part, "\n") == 0)
		client_progress(visit->client, &part);
	buf_clear(&part);
}

static void
on_end(void *arg, struct json *answer, const struct err *err)
{
	struct visit *visit = arg;
	struct client *client = visit->client;

	client_set_pending(client, NULL, NULL);
	free(visit);
	if (answer != NULL)
		control_answer_json(client, answer);
	else
		control_answer_failure(client, err);
}

int
control_login_in(
    struct client *client, const struct json *request, struct err *err)
{
	const char *method = json_get_string(request, "method");
	const char *name = control_answer_account(request), *user;
	struct visit *visit;

	if (control_answer_find(name, &user, err) == NULL)
		return -1;
	visit = mem_zalloc(1, sizeof(*visit));
	visit->client = client;
	visit->login = login_start(name, method != NULL ? method : "",
	    on_progress, on_end, visit, err);
	if (visit->login == NULL) {
		free(visit);
		return -1;
	}
	client_set_pending(client, visit, leave);
	return 0;
}

int
control_login_out(
    struct client *client, const struct json *request, struct err *err)
{
	const struct conf_account *account;
	const char *user;

	account =
	    control_answer_find(control_answer_account(request), &user, err);
	if (account == NULL || account_logout(account, err) == -1)
		return -1;
	control_answer_json(client, control_answer_new("ok"));
	return 0;
}

int
control_login_redirect(
    struct client *client, const struct json *request, struct err *err)
{
	const char *address = json_get_string(request, "address");
	const char *name = control_answer_account(request), *user;

	if (control_answer_find(name, &user, err) == NULL)
		return -1;
	log_info(name, "final address of a sign-in brought in: uid=%u",
	    client_uid(client));
	if (login_bring(name, address != NULL ? address : "", err) == -1)
		return -1;
	control_answer_json(client, control_answer_new("ok"));
	return 0;
}
