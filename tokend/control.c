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
#include "parcel.h"
#include "pending.h"
#include "sock.h"

#define SOCKET_MODE 0660
#define REQUEST_MAX 65536
#define WAIT_MS 60000

static control_reload *reload;
static struct listener *listener;
static struct listener *coming; /* prepared, not settled */
static int64_t started_ms;

/* --- answers ---------------------------------------------------------------
 */

static void
answer_life(
    struct client *client, struct json *answer, const struct handout *token)
{
	json_set_string(answer, "token_id", token->id);
	json_set_int(answer, "expires_in", token->expires_in_s);
	control_answer_json(client, answer);
}

static void
answer_token(
    struct client *client, const char *user, const struct handout *token)
{
	struct json *answer = control_answer_new("ok");

	json_set_string(answer, "user", user);
	json_set_string(answer, "token", secret_reveal(token->secret));
	answer_life(client, answer, token);
}

/* The administrator does not want the token itself. */
static void
answer_refreshed(
    struct client *client, const char *user, const struct handout *token)
{
	(void)user;
	answer_life(client, control_answer_new("ok"), token);
}

/* What a person brings is looked at like what one signs in for. */
static void
answer_brought(
    struct client *client, const char *name, const struct handout *token)
{
	struct json *answer = control_answer_new("ok");
	const struct conf_account *account;
	const char *user;

	account = account_find(name, &user);
	if (account != NULL)
		json_set(answer, "findings", account_findings(account));
	answer_life(client, answer, token);
}

static const struct pending_words words_token = {
    answer_token, control_answer_failure};
static const struct pending_words words_refreshed = {
    answer_refreshed, control_answer_failure};
static const struct pending_words words_brought = {
    answer_brought, control_answer_failure};

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

/* How a token is come by. */
enum how { ASK, REFRESH, IMPORT, RESTORE };

static const struct pending_words *const words_of[] = {
    [ASK] = &words_token,
    [REFRESH] = &words_refreshed,
    [IMPORT] = &words_brought,
    [RESTORE] = &words_brought,
};

/* A string of the request, "" if it is not there. */
static const char *
text_of(const struct json *request, const char *key)
{
	const char *text = json_get_string(request, key);

	return text != NULL ? text : "";
}

/* As account_ask. */
static int
fetch_by(enum how how, const struct conf_account *account,
    const struct json *request, struct pending *pending, struct handout *token,
    struct err *err)
{
	struct handout_wait **wait = pending_wait(pending);

	switch (how) {
	case ASK:
		return account_ask(
		    account, WAIT_MS, pending_done, pending, token, wait, err);
	case REFRESH:
		return account_refresh(
		    account, WAIT_MS, pending_done, pending, wait, err);
	case IMPORT:
		return account_import(account,
		    text_of(request, "refresh_token"), WAIT_MS, pending_done,
		    pending, wait, err);
	case RESTORE:
		break;
	}
	return account_restore(account, text_of(request, "file"),
	    text_of(request, "passphrase"), WAIT_MS, pending_done, pending,
	    wait, err);
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
	if (account == NULL ||
	    (how == ASK && account_check_mailbox(
			       control_answer_account(request), err) == -1))
		return -1;
	pending = pending_new(client, words_of[how]);
	rc = fetch_by(how, account, request, pending, &token, err);
	/* The one word it keeps: who logs in, or what answer_brought finds the
	 * account by. */
	return pending_settle(
	    pending, rc, how == ASK ? user : account->name, &token);
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

static int
verb_export(struct client *client, const struct json *request, struct err *err)
{
	const struct conf_account *account;
	struct json *answer;
	const char *user;
	struct buf file;

	account =
	    control_answer_find(control_answer_account(request), &user, err);
	buf_init(&file, PARCEL_MAX);
	if (account == NULL ||
	    account_export(
		account, text_of(request, "passphrase"), &file, err) == -1) {
		buf_clear(&file);
		return -1;
	}
	log_info(account->name, "refresh token exported: uid=%u",
	    client_uid(client));
	answer = control_answer_new("ok");
	json_set_string(answer, "file", file.data);
	buf_clear(&file);
	control_answer_json(client, answer);
	return 0;
}

static int
verb_restore(struct client *client, const struct json *request, struct err *err)
{
	log_info(control_answer_account(request),
	    "exported refresh token brought in: uid=%u", client_uid(client));
	return fetch(client, request, RESTORE, err);
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
    {"export", verb_export},
    {"restore", verb_restore},
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
