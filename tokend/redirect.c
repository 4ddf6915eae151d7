/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect - the HTTP server a browser is sent back to. See redirect.h.
 */
#define _GNU_SOURCE
#include "redirect.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "crypto.h"
#include "landing.h"
#include "log.h"
#include "mem.h"
#include "timer.h"

#define HEADERS_MAX 24576 /* a code may have some thousand bytes */
#define BODY_MAX 1024	  /* GET has none */
#define IDLE_S 10	  /* of a connection without a byte */
#define ATTEMPTS 32	  /* at a port that is free in both families */
#define BACKLOG 16
#define REFRESH_S 1
#define LINGER_MS 10000 /* for a browser that waits for the outcome */
#define FLUSH_MS 2000	/* for a page to be on its way */

struct redirect {
	LIST_ENTRY(redirect) entry;
	struct evhttp *http;
	struct evhttp_bound_socket *sockets[2]; /* NULL: no IPv6 here */
	struct timer end;
	unsigned int port;
	unsigned int connections;
	char path[CRYPTO_HEX_LEN + 1]; /* of the outcome */
	redirect_arrived *arrived;     /* NULL: closed */
	void *arg;
	struct buf outcome; /* empty: not known yet */
	int waited_for;	    /* a browser was sent to path */
};

static struct event_base *loop;
static LIST_HEAD(, redirect) all = LIST_HEAD_INITIALIZER(all);

/* --- answers ---------------------------------------------------------------
 */

static const char *const safety[][2] = {
    {"Content-Type", "text/html; charset=utf-8"},
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy",
	"default-src 'none'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Connection", "close"},
};

/* location: where to go, or NULL. The page is borrowed. */
static void
answer(struct evhttp_request *request, int status, const char *location,
    const struct buf *page)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	size_t i;

	for (i = 0; i < sizeof(safety) / sizeof(safety[0]); i++)
		evhttp_add_header(headers, safety[i][0], safety[i][1]);
	if (location != NULL)
		evhttp_add_header(headers, "Location", location);
	if (body != NULL && page != NULL && page->len > 0)
		evbuffer_add(body, page->data, page->len);
	evhttp_send_reply(request, status, NULL, body);
	if (body != NULL)
		evbuffer_free(body);
}

static void
answer_words(struct evhttp_request *request, int status, const char *title,
    const char *text, int refresh_s)
{
	struct buf page;

	buf_init(&page, LANDING_MAX);
	landing_page(&page, title, text, refresh_s);
	answer(request, status, NULL, &page);
	buf_clear(&page);
}

static void
answer_outcome(struct redirect *redirect, struct evhttp_request *request)
{
	if (redirect->outcome.len > 0) {
		answer(request, HTTP_OK, NULL, &redirect->outcome);
		/* That was all it is there for. */
		if (redirect->arrived == NULL)
			timer_set(&redirect->end, clock_boot_ms() + FLUSH_MS);
	} else if (redirect->arrived == NULL) {
		answer_words(request, HTTP_OK, "The login was ended",
		    "It was ended on the host where it began, before the "
		    "sign-in was through. Nothing has changed.",
		    0);
	} else {
		answer_words(request, HTTP_OK, "One moment",
		    "The sign-in is being completed.", REFRESH_S);
	}
}

static void
answer_arrival(struct redirect *redirect, struct evhttp_request *request)
{
	const char *query =
	    evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
	struct buf page;
	int is_taken;

	if (redirect->arrived == NULL) {
		answer_words(request, 410, "This login is over",
		    "Begin again with postoak login.", 0);
		return;
	}
	buf_init(&page, LANDING_MAX);
	is_taken =
	    redirect->arrived(redirect->arg, query != NULL ? query : "", &page);
	if (is_taken) {
		/* The code leaves the address bar, too. */
		redirect->waited_for = 1;
		if (redirect->arrived == NULL)
			timer_set(&redirect->end, clock_boot_ms() + LINGER_MS);
		answer(request, 303, redirect->path, NULL);
	} else {
		answer(request, HTTP_BADREQUEST, NULL, &page);
	}
	buf_clear(&page);
}

/* --- requests --------------------------------------------------------------
 */

/* Any other name is one that somebody else lets point here. */
static int
is_this_host(const struct redirect *redirect, const char *host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	char wanted[32];
	size_t i;

	for (i = 0; host != NULL && i < 3; i++) {
		snprintf(
		    wanted, sizeof(wanted), "%s:%u", names[i], redirect->port);
		if (strcasecmp(wanted, host) == 0)
			return 1;
	}
	return 0;
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct redirect *redirect = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	const char *host = evhttp_find_header(
	    evhttp_request_get_input_headers(request), "Host");

	if (!is_this_host(redirect, host) || path == NULL)
		answer_words(request, HTTP_BADREQUEST, "Not here",
		    "This address is only for a browser that comes from a "
		    "sign-in.",
		    0);
	else if (strcmp(path, redirect->path) == 0)
		answer_outcome(redirect, request);
	else if (*path == '\0' || strcmp(path, "/") == 0)
		answer_arrival(redirect, request);
	else
		answer_words(request, HTTP_NOTFOUND, "Not here",
		    "There is no such page.", 0);
}

/* evhttp asks for each connection's buffers; here they are counted. */
static struct bufferevent *
on_connection(struct event_base *base, void *arg)
{
	struct redirect *redirect = arg;
	size_t i;

	if (++redirect->connections == REDIRECT_CONNECTIONS) {
		log_warn(NULL,
		    "too many connections for one login, no more are taken; "
		    "the address can still be pasted: port=%u",
		    redirect->port);
		for (i = 0; i < 2; i++)
			if (redirect->sockets[i] != NULL)
				evconnlistener_disable(
				    evhttp_bound_socket_get_listener(
					redirect->sockets[i]));
	}
	return bufferevent_socket_new(base, -1, 0);
}

/* --- ports -----------------------------------------------------------------
 */

/* A descriptor that listens there, or -1 with errno. */
static int
listen_on(const struct sockaddr *address, socklen_t len)
{
	int on = 1, fd;

	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if ((address->sa_family != AF_INET6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    0) &&
	    bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

/*
 * localhost is either address, as the browser likes. A port that somebody has
 * in the other family will not do: the browser might be sent there.
 */
static int
listen_both(unsigned int port, int fds[2])
{
	struct sockaddr_in v4 = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
	    .sin6_family = AF_INET6,
	    .sin6_port = htons((uint16_t)port),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	fds[0] = listen_on((const struct sockaddr *)&v4, sizeof(v4));
	if (fds[0] == -1)
		return -1;
	fds[1] = listen_on((const struct sockaddr *)&v6, sizeof(v6));
	if (fds[1] != -1 || errno != EADDRINUSE)
		return 0;
	close(fds[0]);
	errno = EADDRINUSE;
	return -1;
}

static int
find_port(struct redirect *redirect, int fds[2], struct err *err)
{
	uint16_t random;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		if (crypto_random(&random, sizeof(random), err) == -1)
			return -1;
		/* The range's length divides that of the numbers. */
		redirect->port =
		    REDIRECT_PORT_MIN +
		    random % (REDIRECT_PORT_MAX - REDIRECT_PORT_MIN + 1);
		if (listen_both(redirect->port, fds) == 0)
			return 0;
		if (errno != EADDRINUSE)
			break;
	}
	return err_errno(err, ERR_TEMPORARY, errno,
	    "no port of this host can be listened on for the browser "
	    "(127.0.0.1, %d to %d)",
	    REDIRECT_PORT_MIN, REDIRECT_PORT_MAX);
}

/* --- life ------------------------------------------------------------------
 */

static void
destroy(void *arg)
{
	struct redirect *redirect = arg;

	timer_cancel(&redirect->end);
	LIST_REMOVE(redirect, entry);
	evhttp_free(redirect->http); /* connections and ports with it */
	buf_clear(&redirect->outcome);
	free(redirect);
}

static void
configure(struct redirect *redirect)
{
	struct evhttp *http = redirect->http;

	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_timeout(http, IDLE_S);
	evhttp_set_bevcb(http, on_connection, redirect);
	evhttp_set_gencb(http, on_request, redirect);
}

static int
open_http(struct redirect *redirect, int fds[2])
{
	int i;

	redirect->http = evhttp_new(loop);
	if (redirect->http == NULL)
		return -1;
	configure(redirect);
	for (i = 0; i < 2; i++) {
		if (fds[i] == -1)
			continue;
		redirect->sockets[i] =
		    evhttp_accept_socket_with_handle(redirect->http, fds[i]);
		if (redirect->sockets[i] == NULL)
			return -1;
		fds[i] = -1;
	}
	return 0;
}

static int
make_path(struct redirect *redirect, struct err *err)
{
	unsigned char bytes[CRYPTO_HASH_LEN];

	redirect->path[0] = '/';
	if (crypto_random(bytes, sizeof(bytes), err) == -1)
		return -1;
	return crypto_hash(bytes, sizeof(bytes), redirect->path + 1, err);
}

struct redirect *
redirect_open(redirect_arrived *arrived, void *arg, struct err *err)
{
	struct redirect *redirect = mem_zalloc(1, sizeof(*redirect));
	int fds[2] = {-1, -1};

	redirect->arrived = arrived;
	redirect->arg = arg;
	buf_init(&redirect->outcome, LANDING_MAX);
	timer_init(&redirect->end, destroy, redirect);
	if (make_path(redirect, err) == -1 ||
	    find_port(redirect, fds, err) == -1)
		goto fail;
	if (open_http(redirect, fds) == -1) {
		err_set(err, ERR_TEMPORARY, "memory",
		    "the server for the browser does not start: no memory");
		goto fail;
	}
	LIST_INSERT_HEAD(&all, redirect, entry);
	return redirect;
fail:
	if (fds[0] != -1)
		close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
	if (redirect->http != NULL)
		evhttp_free(redirect->http);
	free(redirect);
	return NULL;
}

unsigned int
redirect_port(const struct redirect *redirect)
{
	return redirect->port;
}

void
redirect_outcome(struct redirect *redirect, struct buf *page)
{
	buf_clear(&redirect->outcome);
	redirect->outcome = *page;
	buf_init(page, LANDING_MAX);
}

/* Not at once even without a browser: this may be inside its request. */
void
redirect_close(struct redirect *redirect)
{
	if (redirect == NULL)
		return;
	redirect->arrived = NULL;
	redirect->arg = NULL;
	timer_set(&redirect->end,
	    clock_boot_ms() + (redirect->waited_for ? LINGER_MS : 0));
}

void
redirect_start(struct event_base *base)
{
	loop = base;
}

void
redirect_stop(void)
{
	while (!LIST_EMPTY(&all))
		destroy(LIST_FIRST(&all));
}
