/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - the token sockets. See server.h.
 */
#define _GNU_SOURCE
#include "server.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "clock.h"
#include "config.h"
#include "listener.h"
#include "log.h"
#include "mem.h"
#include "pending.h"
#include "wire.h"

#define SOCKET_MODE 0666
#define WAIT_DEFAULT_MS 5000
#define WAIT_MAX_MS 60000
#define DENIED_REMEMBERED 64
#define DENIED_AGAIN_MS (3600 * 1000LL)
#define USER_MAX 1024

static struct listener **listeners;
static size_t listener_count;

/* --- answers ---------------------------------------------------------------
 */

static void
put_failure(struct buf *out, const struct err *err)
{
	(void)wire_put_err(out, err);
}

static void
answer_failure(struct client *client, const struct err *err)
{
	struct buf out;

	buf_init(&out, WIRE_ANSWER_MAX);
	put_failure(&out, err);
	client_answer(client, &out, err->kind == ERR_PROTOCOL);
}

static void
answer_token(
    struct client *client, const char *user, const struct handout *token)
{
	struct buf out;
	struct err err;

	buf_init(&out, WIRE_ANSWER_MAX);
	if (wire_put(&out, "status", "ok", &err) == -1 ||
	    wire_put(&out, "user", user, &err) == -1 ||
	    wire_put_bytes(&out, "token", secret_reveal(token->secret),
		secret_len(token->secret), &err) == -1 ||
	    wire_put(&out, "token_id", token->id, &err) == -1 ||
	    wire_put_int(&out, "expires_in", token->expires_in_s, &err) == -1 ||
	    wire_end(&out, &err) == -1) {
		buf_clear(&out);
		answer_failure(client, &err);
		return;
	}
	client_answer(client, &out, 0);
}

static void
answer_ok(struct client *client)
{
	struct buf out;

	buf_init(&out, WIRE_ANSWER_MAX);
	(void)wire_put(&out, "status", "ok", NULL);
	(void)wire_end(&out, NULL);
	client_answer(client, &out, 0);
}

/* --- who may ask -----------------------------------------------------------
 */

/* A user who is refused may ask on and on: one line an hour says it all. */
static int
is_news(uid_t uid)
{
	static struct {
		uid_t uid;
		int64_t at_ms;
	} denied[DENIED_REMEMBERED];
	static size_t next;
	int64_t now_ms = clock_boot_ms();
	size_t i;

	for (i = 0; i < DENIED_REMEMBERED; i++) {
		if (denied[i].at_ms == 0 || denied[i].uid != uid)
			continue;
		if (now_ms - denied[i].at_ms < DENIED_AGAIN_MS)
			return 0;
		denied[i].at_ms = now_ms;
		return 1;
	}
	denied[next].uid = uid;
	denied[next].at_ms = now_ms;
	next = (next + 1) % DENIED_REMEMBERED;
	return 1;
}

static int
check_user(struct client *client, const struct conf_account *account,
    const char *name, struct err *err)
{
	uid_t uid = client_uid(client);

	if (config_user_allowed(account_config(), account, uid))
		return 0;
	if (is_news(uid))
		log_warn(NULL,
		    "token denied, user is not listed: uid=%u account=%s", uid,
		    name);
	return err_set(err, ERR_DENIED, "user",
	    "the user with uid %u may not have the token of %s: add the user "
	    "to allow_users of tokend or of the account",
	    uid, name);
}

static int
check_host(
    const struct conf_account *account, const char *host, struct err *err)
{
	const struct conf_application *application = account->application;
	const struct conf_list *hosts = &application->hosts;

	if (config_host_allowed(application, host))
		return 0;
	err_set(err, ERR_DENIED, "host",
	    "%.250s is no host of application %s, so the token of %s does not "
	    "go there; its hosts: %s%s",
	    host, application->name, account->name,
	    hosts->count > 0 ? hosts->items[0] : "none",
	    hosts->count > 1 ? ", ..." : "");
	log_warn(account->name, "token denied, not a host of its own: host=%s",
	    host);
	return -1;
}

/* The account, for a user who may have its token. */
static const struct conf_account *
find_account(struct client *client, const struct wire *wire, const char **user,
    struct err *err)
{
	const char *name = wire_get(wire, "account");
	const struct conf_account *account;

	if (name == NULL || *name == '\0' || strlen(name) > USER_MAX) {
		err_set(err, ERR_PROTOCOL, "account",
		    "the request names no account");
		return NULL;
	}
	account = account_find(name, user);
	if (check_user(client, account, name, err) == -1)
		return NULL;
	if (account == NULL)
		err_set(err, ERR_CONFIG, "account",
		    "there is no account %.250s in %s; add it, or correct the "
		    "user name in the password table",
		    name, account_config()->conf->path);
	if (account == NULL || account_check_mailbox(name, err) == -1)
		return NULL;
	return account;
}

/* --- requests --------------------------------------------------------------
 */

static const struct pending_words words = {answer_token, answer_failure};

static int
check_service(const struct wire *wire, struct err *err)
{
	static const char *const services[] = {"smtp", "imap", "pop"};
	const char *service = wire_get(wire, "service");
	size_t i;

	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (service != NULL && strcmp(service, services[i]) == 0)
			return 0;
	return err_set(
	    err, ERR_PROTOCOL, "service", "service is one of smtp, imap, pop");
}

static int
ask(struct client *client, const struct conf_account *account, const char *user,
    int64_t wait_ms, struct err *err)
{
	struct pending *pending = pending_new(client, &words);
	struct handout token;
	int rc;

	rc = account_ask(account, wait_ms, pending_done, pending, &token,
	    pending_wait(pending), err);
	return pending_settle(pending, rc, user, &token);
}

static int
request_token(struct client *client, const struct wire *wire, struct err *err)
{
	const struct conf_account *account;
	const char *host = wire_get(wire, "host");
	const char *user = NULL;
	long long wait_ms = WAIT_DEFAULT_MS;

	if (wire_get_int(wire, "wait_ms", 0, WAIT_MAX_MS, &wait_ms, err) == -1)
		return -1;
	if (check_service(wire, err) == -1)
		return -1;
	if (host == NULL || *host == '\0')
		return err_set(
		    err, ERR_PROTOCOL, "host", "the request names no host");
	account = find_account(client, wire, &user, err);
	if (account == NULL || check_host(account, host, err) == -1)
		return -1;
	return ask(client, account, user, wait_ms, err);
}

static int
request_rejected(
    struct client *client, const struct wire *wire, struct err *err)
{
	const char *token_id = wire_get(wire, "token_id");
	const struct conf_account *account;
	const char *user;

	if (token_id == NULL)
		return err_set(err, ERR_PROTOCOL, "token_id",
		    "the request names no token_id");
	account = find_account(client, wire, &user, err);
	if (account == NULL)
		return -1;
	account_rejected(account, token_id);
	answer_ok(client);
	return 0;
}

static int
dispatch(struct client *client, const struct wire *wire, struct err *err)
{
	const char *what = wire_get(wire, "request");
	long long version = WIRE_VERSION;

	if (wire_get_int(wire, "protocol", 0, INT_MAX, &version, err) == -1)
		return -1;
	if (version != WIRE_VERSION)
		return err_set(err, ERR_PROTOCOL, "version",
		    "protocol %lld is not spoken here, %d is", version,
		    WIRE_VERSION);
	if (what != NULL && strcmp(what, "token") == 0)
		return request_token(client, wire, err);
	if (what != NULL && strcmp(what, "rejected") == 0)
		return request_rejected(client, wire, err);
	return err_set(err, ERR_PROTOCOL, "request",
	    "the request is neither token nor rejected");
}

static void
on_request(struct client *client, char *data, size_t len)
{
	struct wire wire;
	struct err err;

	if (wire_parse(&wire, data, len, &err) == -1 ||
	    dispatch(client, &wire, &err) == -1)
		answer_failure(client, &err);
}

static int
is_trusted(uid_t uid)
{
	return config_user_allowed(account_config(), NULL, uid);
}

const struct client_protocol server_protocol = {
    .name = "token socket",
    .request_max = WIRE_REQUEST_MAX,
    .answer_max = WIRE_ANSWER_MAX,
    .complete = wire_complete,
    .request = on_request,
    .refuse = put_failure,
    .trusted = is_trusted,
};

/* --- sockets ---------------------------------------------------------------
 */

static struct listener *
listener_on(const char *path)
{
	size_t i;

	for (i = 0; i < listener_count; i++)
		if (listeners[i] != NULL &&
		    strcmp(listener_path(listeners[i]), path) == 0)
			return listeners[i];
	return NULL;
}

static int
is_listed(const struct conf_list *paths, const char *path)
{
	size_t i;

	for (i = 0; i < paths->count; i++)
		if (strcmp(paths->items[i], path) == 0)
			return 1;
	return 0;
}

/* Close what of table is not in the running set. */
static void
take_back(struct listener **table, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (listener_on(listener_path(table[i])) != table[i])
			listener_close(table[i]);
	free(table);
}

int
server_listen(const struct conf_list *paths, struct err *err)
{
	struct listener **next, *one;
	size_t i, count = 0;

	next = mem_zalloc(paths->count, sizeof(struct listener *));
	for (i = 0; i < paths->count; i++) {
		one = listener_on(paths->items[i]);
		if (one == NULL)
			one = listener_open(&server_protocol, paths->items[i],
			    SOCKET_MODE, err);
		if (one == NULL) {
			take_back(next, count);
			return -1;
		}
		next[count++] = one;
	}
	for (i = 0; i < listener_count; i++)
		if (!is_listed(paths, listener_path(listeners[i])))
			listener_close(listeners[i]);
	free(listeners);
	listeners = next;
	listener_count = count;
	return 0;
}
