/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics - figures for Prometheus. See metrics.h.
 */
#define _GNU_SOURCE
#include "metrics.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "log.h"
#include "mem.h"

#define HEADERS_MAX 8192
#define BODY_MAX 1024 /* GET has none */
#define IDLE_S 10     /* of a connection without a byte */
#define HOST_MAX 255

static struct event_base *loop;
static struct evhttp *http; /* NULL: nothing is served */
static char *served;	    /* its address */

/* --- text ------------------------------------------------------------------
 */

/* A label's value: OpenMetrics escapes these three and nothing else. */
static void
put_label(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++)
		if (*value == '\n')
			buf_add(out, "\\n", 2);
		else if (*value == '"' || *value == '\\')
			buf_addf(out, "\\%c", *value);
		else
			buf_add(out, value, 1);
}

static void
put_sample(struct buf *out, const char *name, const struct json *account,
    const char *label, const char *value, int64_t figure)
{
	buf_addf(out, "%s{account=\"", name);
	put_label(out, json_get_string(account, "account"));
	if (label != NULL) {
		buf_addf(out, "\",%s=\"", label);
		put_label(out, value);
	}
	buf_addf(out, "\"} %lld\n", (long long)figure);
}

static void
put_states(struct buf *out, const struct json *accounts)
{
	static const char *const states[] = {
	    "ok", "stale", "retrying", "needs_login", "needs_admin"};
	const char *name = "postoak_account_state";
	const struct json *account;
	const char *state;
	size_t i, k;

	buf_addf(out,
	    "# TYPE %s stateset\n# HELP %s What can be expected of the "
	    "account; see postoak-tokend(8).\n",
	    name, name);
	for (i = 0; i < json_length(accounts); i++) {
		account = json_at(accounts, i);
		state = json_get_string(account, "state");
		for (k = 0; k < sizeof(states) / sizeof(states[0]); k++)
			put_sample(out, name, account, name, states[k],
			    strcmp(state, states[k]) == 0);
	}
}

static void
put_numbers(struct buf *out, const struct json *accounts, const char *name,
    const char *help, const char *key)
{
	int64_t figure;
	size_t i;

	buf_addf(out, "# TYPE %s gauge\n# HELP %s %s\n", name, name, help);
	for (i = 0; i < json_length(accounts); i++)
		if (json_get_int(json_at(accounts, i), key, &figure))
			put_sample(out, name, json_at(accounts, i), NULL, NULL,
			    figure);
}

static void
put_warnings(struct buf *out, const struct json *accounts)
{
	const char *name = "postoak_account_warning";
	const struct json *warnings;
	size_t i, k;

	buf_addf(out,
	    "# TYPE %s gauge\n# HELP %s 1 for each warning that status shows "
	    "of the account.\n",
	    name, name);
	for (i = 0; i < json_length(accounts); i++) {
		warnings = json_get_array(json_at(accounts, i), "warnings");
		for (k = 0; k < json_length(warnings); k++)
			put_sample(out, name, json_at(accounts, i), "code",
			    json_get_string(json_at(warnings, k), "code"), 1);
	}
}

void
metrics_write(const struct json *accounts, struct buf *out)
{
	put_states(out, accounts);
	put_numbers(out, accounts, "postoak_token_expiry_timestamp_seconds",
	    "When the access token ends; absent without one.", "expires_at");
	put_numbers(out, accounts, "postoak_token_waiters",
	    "Mail programs that wait for a token.", "waiters");
	put_warnings(out, accounts);
	buf_add(out, "# EOF\n", 6);
}

/* --- server ----------------------------------------------------------------
 */

/*
 * A name that somebody else lets point here would show a web page the accounts
 * (DNS rebinding): addresses, localhost and the configured name only.
 */
static int
is_our_host(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	char name[HOST_MAX + 1];
	const char *colon;
	size_t len;

	if (host == NULL)
		return 0;
	if (host[0] == '[' || strcasecmp(host, served) == 0)
		return 1;
	colon = strchr(host, ':');
	len = colon != NULL ? (size_t)(colon - host) : strlen(host);
	if (len > HOST_MAX)
		return 0;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	       inet_pton(AF_INET, name, address) == 1;
}

static void
send_figures(struct evhttp_request *request)
{
	const struct conf *conf = account_config()->conf;
	struct json *accounts = json_array();
	struct evbuffer *body = evbuffer_new();
	struct buf out;
	size_t i;

	for (i = 0; i < conf->account_count; i++)
		json_append(accounts, account_status(&conf->accounts[i]));
	buf_init(&out, METRICS_MAX);
	metrics_write(accounts, &out);
	json_free(accounts);
	if (body == NULL || out.truncated) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
	} else {
		evbuffer_add(body, out.data, out.len);
		evhttp_add_header(evhttp_request_get_output_headers(request),
		    "Content-Type",
		    "application/openmetrics-text; version=1.0.0; "
		    "charset=utf-8");
		evhttp_send_reply(request, HTTP_OK, NULL, body);
	}
	if (body != NULL)
		evbuffer_free(body);
	buf_clear(&out);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;

	(void)arg;
	if (!is_our_host(evhttp_find_header(
		evhttp_request_get_input_headers(request), "Host")))
		evhttp_send_error(request, HTTP_BADREQUEST, NULL);
	else if (path == NULL || strcmp(path, "/metrics") != 0)
		evhttp_send_error(request, HTTP_NOTFOUND, NULL);
	else
		send_figures(request);
}

static int
listen_on(struct evhttp *server, const char *address)
{
	const char *colon = strrchr(address, ':');
	char host[HOST_MAX + 1];
	size_t len = (size_t)(colon - address);

	if (address[0] == '[') {
		address++;
		len -= 2;
	}
	if (len > HOST_MAX)
		return -1;
	memcpy(host, address, len);
	host[len] = '\0';
	return evhttp_bind_socket(
	    server, host, (uint16_t)strtoul(colon + 1, NULL, 10));
}

void
metrics_start(struct event_base *base)
{
	loop = base;
}

void
metrics_apply(const char *address)
{
	if (address != NULL && served != NULL && strcmp(address, served) == 0)
		return;
	metrics_stop();
	if (address == NULL)
		return;
	http = evhttp_new(loop);
	if (http == NULL || listen_on(http, address) == -1) {
		log_warn(NULL,
		    "no figures are served, mail goes on; the address of "
		    "metrics is taken or not this host's: metrics=%s",
		    address);
		metrics_stop();
		return;
	}
	served = mem_strdup(address);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_timeout(http, IDLE_S);
	evhttp_set_gencb(http, on_request, NULL);
}

void
metrics_stop(void)
{
	if (http != NULL)
		evhttp_free(http);
	http = NULL;
	free(served);
	served = NULL;
}
