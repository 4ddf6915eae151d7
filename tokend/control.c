/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - the control socket. See control.h.
 */
#define _GNU_SOURCE
#include "control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "control_answer.h"
#include "control_login.h"
#include "json.h"
#include "listener.h"
#include "log.h"
#include "mem.h"
#include "sock.h"

#define SOCKET_MODE 0660
#define REQUEST_MAX 65536
#define WAIT_MS 60000

/* token, refresh or import, waiting for an exchange. */
struct pending {
	struct client *client;
	struct handout_wait *wait;
	char *user;
	int with_token;
};

static control_reload *reload;
static struct listener *listener;
static struct listener *coming; /* prepared, not settled */
static int64_t started_ms;

/* --- answers ---------------------------------------------------------------
 */

static void
answer_token(struct client *client, const char *user, int with_token,
    const struct handout *token)
{
	struct json *answer = control_answer_new("ok");

	if (with_token) {
		json_set_string(answer, "user", user);
		json_set_string(answer, "token", secret_reveal(token->secret));
	}
	json_set_string(answer, "token_id", token->id);
	json_set_int(answer, "expires_in", token->expires_in_s);
	control_answer_json(client, answer);
}

/* --- verbs -----------------------------------------------------------------
 */

static struct json *
describe_program(void)
{
	struct json *program = json_object();

	json_set_int(program, "pid", getpid());
	json_set_int(
	    program, "uptime_s", (clock_boot_ms() - started_ms) / 1000);
	json_set_string(program, "version", POSTOAK_VERSION);
	json_set_string(program, "configuration", account_config()->conf->path);
	return program;
}

static int
verb_status(struct client *client, const struct json *request, struct err *err)
{
	const char *name = control_answer_account(request);
	const struct conf *conf = account_config()->conf;
	const struct conf_account *account = NULL;
	struct json *answer, *accounts;
	const char *user;
	size_t i;

	if (name != NULL) {
		account = control_answer_find(name, &user, err);
		if (account == NULL)
			return -1;
	}
	accounts = json_array();
	for (i = 0; i < conf->account_count; i++)
		if (account == NULL || account == &conf->accounts[i])
			json_append(
			    accounts, account_status(&conf->accounts[i]));
	answer = control_answer_new("ok");
	json_set(answer, "accounts", accounts);
	json_set(answer, "program", describe_program());
	control_answer_json(client, answer);
	return 0;
}

static void
forget(void *arg)
{
	struct pending *pending = arg;

	handout_cancel(pending->wait);
	free(pending->user);
	free(pending);
}

static void
on_token(void *arg, const struct handout *token, const struct err *err)
{
	struct pending *pending = arg;
	struct client *client = pending->client;

	pending->wait = NULL;
	client_set_pending(client, NULL, NULL);
	if (token != NULL)
		answer_token(client, pending->user, pending->with_token, token);
	else
		control_answer_failure(client, err);
	forget(pending);
}

/* How a token is come by. */
enum how { ASK, REFRESH, IMPORT };

static const char *
refresh_token_of(const struct json *request)
{
	const char *refresh_token = json_get_string(request, "refresh_token");

	return refresh_token != NULL ? refresh_token : "";
}

static int
fetch(struct client *client, const struct json *request, enum how how,
    struct err *err)
{
	const struct conf_account *account;
	struct pending *pending;
	struct handout token;
	const char *user;
	int rc;

	account =
	    control_answer_find(control_answer_account(request), &user, err);
	if (account == NULL)
		return -1;
	pending = mem_zalloc(1, sizeof(*pending));
	pending->client = client;
	pending->with_token = how == ASK;
	if (how == ASK)
		rc = account_ask(account, WAIT_MS, on_token, pending, &token,
		    &pending->wait, err);
	else if (how == REFRESH)
		rc = account_refresh(
		    account, WAIT_MS, on_token, pending, &pending->wait, err);
	else
		rc = account_import(account, refresh_token_of(request), WAIT_MS,
		    on_token, pending, &pending->wait, err);
	if (rc == 1) {
		pending->user = mem_strdup(user);
		client_set_pending(client, pending, forget);
		return 0;
	}
	free(pending);
	if (rc == 0)
		answer_token(client, user, how == ASK, &token);
	return rc;
}

static int
verb_token(struct client *client, const struct json *request, struct err *err)
{
	return fetch(client, request, ASK, err);
}

static int
verb_refresh(struct client *client, const struct json *request, struct err *err)
{
	log_info(control_answer_account(request), "refresh asked for: uid=%u",
	    client_uid(client));
	return fetch(client, request, REFRESH, err);
}

static int
verb_import(struct client *client, const struct json *request, struct err *err)
{
	log_info(control_answer_account(request),
	    "refresh token brought in: uid=%u", client_uid(client));
	return fetch(client, request, IMPORT, err);
}

/* --- reload ----------------------------------------------------------------
 */

static int
verb_reload(struct client *client, const struct json *request, struct err *err)
{
	struct json *answer;

	(void)request;
	if (reload(err) == -1)
		return -1;
	answer = control_answer_new("ok");
	json_set_int(
	    answer, "accounts", (int64_t)account_config()->conf->account_count);
	control_answer_json(client, answer);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(
	    struct client *client, const struct json *request, struct err *err);
} verbs[] = {
    {"status", verb_status},
    {"token", verb_token},
    {"refresh", verb_refresh},
    {"import", verb_import},
    {"login", control_login_in},
    {"redirect", control_login_redirect},
    {"logout", control_login_out},
    {"reload", verb_reload},
};

/* --- requests --------------------------------------------------------------
 */

static int
is_admin(struct client *client)
{
	const struct config *config = account_config();
	uid_t uid = client_uid(client);

	return uid == 0 || uid == geteuid() ||
	       (config->has_admin_gid &&
		   sock_peer_in_group(client_fd(client), config->admin_gid));
}

static int
dispatch(struct client *client, const struct json *request, struct err *err)
{
	const char *verb = json_get_string(request, "verb");
	int64_t version = 0;
	size_t i;

	if (!is_admin(client))
		return err_set(err, ERR_DENIED, "user",
		    "uid %u is neither root nor a member of admin_group",
		    client_uid(client));
	if (!json_get_int(request, "version", &version) ||
	    version != CONTROL_ANSWER_VERSION)
		return err_set(err, ERR_PROTOCOL, "version",
		    "only version %d is spoken here", CONTROL_ANSWER_VERSION);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verb != NULL && strcmp(verbs[i].name, verb) == 0)
			return verbs[i].run(client, request, err);
	return err_set(err, ERR_PROTOCOL, "verb", "there is no verb %.40s",
	    verb != NULL ? verb : "in the request");
}

static void
on_request(struct client *client, char *data, size_t len)
{
	struct json *request;
	struct err err;

	request = json_parse(data, len, &err);
	if (request == NULL || dispatch(client, request, &err) == -1)
		control_answer_failure(client, &err);
	json_free(request);
}

static size_t
line_complete(const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);

	return end != NULL ? (size_t)(end - data) + 1 : 0;
}

static int
is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static const struct client_protocol control_protocol = {
    .name = "control socket",
    .request_max = REQUEST_MAX,
    .answer_max = CONTROL_ANSWER_MAX,
    .complete = line_complete,
    .request = on_request,
    .refuse = control_answer_put,
    .trusted = is_trusted,
};

/* The group that may use it must be able to open it. */
static void
give_to_group(const char *path)
{
	const struct config *config = account_config();
	struct stat st;

	if (!config->has_admin_gid ||
	    (lstat(path, &st) == 0 && st.st_gid == config->admin_gid))
		return;
	if (lchown(path, (uid_t)-1, config->admin_gid) == -1)
		log_warn(NULL,
		    "control socket cannot be given to admin_group: path=%s",
		    path);
}

int
control_prepare(const char *path, control_reload *the_reload, struct err *err)
{
	if (started_ms == 0)
		started_ms = clock_boot_ms();
	reload = the_reload;
	if (listener != NULL && strcmp(listener_path(listener), path) == 0)
		return 0;
	coming = listener_open(&control_protocol, path, SOCKET_MODE, err);
	return coming != NULL ? 0 : -1;
}

void
control_settle(int take)
{
	if (coming != NULL)
		listener_close(take ? listener : coming);
	if (coming != NULL && take)
		listener = coming;
	coming = NULL;
	/* The group may be another one on the same path. */
	if (take)
		give_to_group(listener_path(listener));
}
