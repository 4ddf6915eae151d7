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
#include "json.h"
#include "listener.h"
#include "log.h"
#include "login.h"
#include "mem.h"
#include "sock.h"

#define SOCKET_MODE 0660
#define REQUEST_MAX 65536
#define ANSWER_MAX (16 * 1024 * 1024)
#define VERSION 1
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

static struct json *
new_answer(const char *status)
{
	struct json *answer = json_object();

	json_set_int(answer, "version", VERSION);
	json_set_string(answer, "status", status);
	return answer;
}

static void
put_failure(struct buf *out, const struct err *err)
{
	struct json *answer = new_answer("error");

	json_set_string(answer, "kind", err_kind_name(err->kind));
	json_set_string(answer, "code", err->code);
	if (err->retry_ms > 0)
		json_set_int(answer, "retry_ms", err->retry_ms);
	json_set_string(answer, "text", err->text);
	(void)json_write(answer, out, 0);
	(void)buf_adds(out, "\n");
	json_free(answer);
}

static void
answer_failure(struct client *client, const struct err *err)
{
	struct buf out;

	buf_init(&out, ANSWER_MAX);
	put_failure(&out, err);
	client_answer(client, &out, err->kind == ERR_PROTOCOL);
}

/* The answer is taken. */
static void
answer_json(struct client *client, struct json *answer)
{
	struct buf out;
	struct err err;

	buf_init(&out, ANSWER_MAX);
	if (json_write(answer, &out, 0) == -1 || buf_adds(&out, "\n") == -1) {
		buf_clear(&out);
		err_set(&err, ERR_BUG, "size",
		    "the answer has more than %d bytes; ask for one account",
		    ANSWER_MAX);
		answer_failure(client, &err);
	} else {
		client_answer(client, &out, 0);
	}
	json_free(answer);
}

static void
answer_token(struct client *client, const char *user, int with_token,
    const struct handout *token)
{
	struct json *answer = new_answer("ok");

	if (with_token) {
		json_set_string(answer, "user", user);
		json_set_string(answer, "token", secret_reveal(token->secret));
	}
	json_set_string(answer, "token_id", token->id);
	json_set_int(answer, "expires_in", token->expires_in_s);
	answer_json(client, answer);
}

/* --- verbs -----------------------------------------------------------------
 */

static const char *
account_of(const struct json *request)
{
	return json_get_string(request, "account");
}

static const struct conf_account *
find_account(const char *name, const char **user, struct err *err)
{
	const struct conf_account *account =
	    name != NULL ? account_find(name, user) : NULL;

	if (name == NULL)
		err_set(err, ERR_PROTOCOL, "account",
		    "the request names no account");
	else if (account == NULL)
		err_set(err, ERR_CONFIG, "account",
		    "there is no account %.250s in %s", name,
		    account_config()->conf->path);
	return account;
}

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
	const char *name = account_of(request);
	const struct conf *conf = account_config()->conf;
	const struct conf_account *account = NULL;
	struct json *answer, *accounts;
	const char *user;
	size_t i;

	if (name != NULL) {
		account = find_account(name, &user, err);
		if (account == NULL)
			return -1;
	}
	accounts = json_array();
	for (i = 0; i < conf->account_count; i++)
		if (account == NULL || account == &conf->accounts[i])
			json_append(
			    accounts, account_status(&conf->accounts[i]));
	answer = new_answer("ok");
	json_set(answer, "accounts", accounts);
	json_set(answer, "program", describe_program());
	answer_json(client, answer);
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
		answer_failure(client, err);
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

	account = find_account(account_of(request), &user, err);
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
	log_info(account_of(request), "refresh asked for: uid=%u",
	    client_uid(client));
	return fetch(client, request, REFRESH, err);
}

static int
verb_import(struct client *client, const struct json *request, struct err *err)
{
	log_info(account_of(request), "refresh token brought in: uid=%u",
	    client_uid(client));
	return fetch(client, request, IMPORT, err);
}

/* --- login -----------------------------------------------------------------
 */

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

	buf_init(&part, REQUEST_MAX);
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
		answer_json(client, answer);
	else
		answer_failure(client, err);
}

static int
verb_login(struct client *client, const struct json *request, struct err *err)
{
	const char *method = json_get_string(request, "method");
	const char *name = account_of(request), *user;
	struct visit *visit;

	if (find_account(name, &user, err) == NULL)
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

static int
verb_logout(struct client *client, const struct json *request, struct err *err)
{
	const struct conf_account *account;
	const char *user;

	account = find_account(account_of(request), &user, err);
	if (account == NULL || account_logout(account, err) == -1)
		return -1;
	answer_json(client, new_answer("ok"));
	return 0;
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
	answer = new_answer("ok");
	json_set_int(
	    answer, "accounts", (int64_t)account_config()->conf->account_count);
	answer_json(client, answer);
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
    {"login", verb_login},
    {"logout", verb_logout},
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
	if (!json_get_int(request, "version", &version) || version != VERSION)
		return err_set(err, ERR_PROTOCOL, "version",
		    "only version %d is spoken here", VERSION);
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
		answer_failure(client, &err);
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
    .answer_max = ANSWER_MAX,
    .complete = line_complete,
    .request = on_request,
    .refuse = put_failure,
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
