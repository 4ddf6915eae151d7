/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - connections of the token and control sockets. See client.h.
 */
#define _GNU_SOURCE
#include "client.h"

#include <event2/event.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "sock.h"
#include "timer.h"

#define READ_SIZE 4096
#define RESERVED_FDS 128 /* for exchanges, files, libraries */
#define CLIENTS_MAX 60000
#define UNTRUSTED_SHARE 16 /* of the places for one user who is not listed */

struct client {
	TAILQ_ENTRY(client) entry;
	const struct client_protocol *protocol;
	int fd;
	uid_t uid;
	struct event *readable;
	struct event *writable; /* made when it is needed first */
	struct buf in;
	struct buf out;
	struct timer limit;
	void *pending;
	void (*gone)(void *pending);
	int busy;    /* a request is with the protocol */
	int working; /* inside work(): answers are only put into out */
	int ended;   /* sends no more requests */
	int last;    /* close when out is sent */
	int dead;    /* free it when work() is through */
	int held;    /* its next request begins from the loop */
};

/* Oldest activity first. */
static TAILQ_HEAD(, client) clients = TAILQ_HEAD_INITIALIZER(clients);
static TAILQ_HEAD(, client_listener) listeners = TAILQ_HEAD_INITIALIZER(
    listeners);
static struct event_base *loop;
static size_t client_count;
static size_t client_max;
static int draining;

static void work(struct client *client);

/* --- one connection --------------------------------------------------------
 */

static void
destroy(struct client *client)
{
	if (client->working) {
		client->dead = 1;
		return;
	}
	if (client->pending != NULL)
		client->gone(client->pending);
	timer_cancel(&client->limit);
	event_free(client->readable);
	if (client->writable != NULL)
		event_free(client->writable);
	close(client->fd);
	buf_clear(&client->in);
	buf_clear(&client->out);
	TAILQ_REMOVE(&clients, client, entry);
	client_count--;
	free(client);
}

static void
time_is_over(void *arg)
{
	struct client *client = arg;

	log_debug(client->protocol->name,
	    "a client was too slow: uid=%u unread=%zu", client->uid,
	    client->out.len);
	destroy(client);
}

/* Half a request, or an answer nobody reads, may not stay for ever. */
static void
set_limit(struct client *client)
{
	int64_t now_ms = clock_boot_ms();

	if (client->out.len > 0)
		timer_set(&client->limit, now_ms + CLIENT_ANSWER_S * 1000);
	else if (client->busy || client->in.len == 0)
		timer_cancel(&client->limit);
	else if (!timer_is_set(&client->limit))
		timer_set(&client->limit, now_ms + CLIENT_REQUEST_S * 1000);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	client->held = 0;
	work(client);
}

static int
make_writable(struct client *client)
{
	if (client->writable == NULL)
		client->writable =
		    event_new(loop, client->fd, EV_WRITE, on_writable, client);
	return client->writable != NULL ? 0 : -1;
}

/* 1: all is sent, 0: later, -1: the client is gone. */
static int
send_out(struct client *client)
{
	ssize_t sent;

	while (client->out.len > 0) {
		sent = send(client->fd, client->out.data, client->out.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent == -1 && errno != EAGAIN)
			return -1;
		if (sent == -1)
			break;
		buf_drop(&client->out, (size_t)sent);
	}
	if (client->out.len == 0) {
		/* An idle connection keeps no buffer. */
		buf_clear(&client->out);
		return 1;
	}
	if (make_writable(client) == -1 ||
	    event_add(client->writable, NULL) == -1)
		return -1;
	return 0;
}

static void
refuse(struct client *client, const struct err *err)
{
	struct buf answer;

	buf_init(&answer, client->protocol->answer_max);
	client->protocol->refuse(&answer, err);
	client_answer(client, &answer, 1);
}

/* Hand the next whole request on. 0 if there is none. */
static int
next_request(struct client *client)
{
	struct buf *in = &client->in;
	struct err err;
	size_t len;

	if (client->busy || client->last || client->held || in->len == 0)
		return 0;
	len = client->protocol->complete(in->data, in->len);
	if (len == 0 && in->len < in->max)
		return 0;
	timer_cancel(&client->limit);
	client->busy = 1;
	if (len == 0) {
		err_set(&err, ERR_PROTOCOL, "size",
		    "a request has more than %zu bytes", in->max);
		refuse(client, &err);
		return 1;
	}
	/* Nothing is read while it works: the bytes stay where they are. */
	client->protocol->request(client, in->data, len);
	buf_drop(in, len);
	return 1;
}

/* Is there nothing more to do for it? sent as send_out says. */
static int
is_over(const struct client *client, int sent)
{
	if (sent == -1 || client->dead)
		return 1;
	return sent == 1 && !client->busy &&
	       (client->last || (client->ended && !client->held));
}

/* Everything that can be done for a client now. */
static void
work(struct client *client)
{
	int sent = 1;

	if (client->working)
		return;
	client->working = 1;
	do
		sent = send_out(client);
	while (sent == 1 && !client->dead && next_request(client));
	client->working = 0;
	if (client->in.len == 0) {
		buf_clear(&client->in);
		client->held = 0;
	}
	if (is_over(client, sent) ||
	    (client->held && make_writable(client) == -1)) {
		destroy(client);
		return;
	}
	if (client->held)
		event_active(client->writable, EV_WRITE, 0);
	/* Full of requests that cannot be handled yet: read on later. */
	if (client->in.len < client->protocol->request_max && !client->ended)
		event_add(client->readable, NULL);
	else
		event_del(client->readable);
	set_limit(client);
}

/* Closed for good, not only for sending? */
static int
has_hung_up(int fd)
{
	struct pollfd p = {.fd = fd, .events = 0};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	size_t room = client->protocol->request_max - client->in.len;
	char data[READ_SIZE];
	ssize_t got;

	(void)what;
	TAILQ_REMOVE(&clients, client, entry);
	TAILQ_INSERT_TAIL(&clients, client, entry);
	got = recv(
	    fd, data, room < sizeof(data) ? room : sizeof(data), MSG_DONTWAIT);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got == -1 || (got == 0 && has_hung_up(fd))) {
		destroy(client);
		return;
	}
	if (got == 0)
		client->ended = 1;
	else
		buf_add(&client->in, data, (size_t)got);
	explicit_bzero(data, sizeof(data));
	work(client);
}

void
client_answer(struct client *client, struct buf *answer, int last)
{
	client->pending = NULL;
	client->busy = 0;
	client->last |= last || draining;
	/* Behind parts that are still on their way, if there are any. */
	if (client->out.len > 0) {
		buf_add(&client->out, answer->data, answer->len);
		buf_clear(answer);
	} else {
		buf_clear(&client->out);
		client->out = *answer;
		buf_init(answer, answer->max);
	}
	/* What was sent ahead must not begin inside what ended just now: its
	 * accounts may be about to go. */
	client->held = !client->working;
	work(client);
}

/* Sent by the loop: a client that turns out gone may not vanish in here. */
void
client_progress(struct client *client, struct buf *part)
{
	buf_add(&client->out, part->data, part->len);
	buf_clear(part);
	if (client->writable == NULL)
		client->writable =
		    event_new(loop, client->fd, EV_WRITE, on_writable, client);
	if (client->writable != NULL)
		event_add(client->writable, NULL);
	set_limit(client);
}

void
client_set_pending(
    struct client *client, void *pending, void (*gone)(void *pending))
{
	client->pending = pending;
	client->gone = gone;
}

uid_t
client_uid(const struct client *client)
{
	return client->uid;
}

int
client_fd(const struct client *client)
{
	return client->fd;
}

/* --- places ----------------------------------------------------------------
 */

static int
is_idle(const struct client *client)
{
	return !client->busy && client->in.len == 0 && client->out.len == 0;
}

/*
 * 1 if there is a place for one more of this user; the connection that was
 * idle for longest makes it: a client whose kept connection is closed makes a
 * new one.
 */
static int
make_place(const struct client_protocol *protocol, uid_t uid)
{
	struct client *client, *idle_own = NULL, *idle = NULL;
	size_t own = 0, own_max = client_max / UNTRUSTED_SHARE;

	if (protocol->trusted(uid))
		own_max = client_max - client_max / 4;
	/* Far from full there is nothing to count. */
	if (client_count < own_max && client_count < client_max)
		return 1;
	TAILQ_FOREACH(client, &clients, entry)
	{
		own += client->uid == uid ? 1 : 0;
		if (!is_idle(client))
			continue;
		if (idle_own == NULL && client->uid == uid)
			idle_own = client;
		if (idle == NULL)
			idle = client;
	}
	if (own < own_max && client_count < client_max)
		return 1;
	if (own >= own_max || idle == NULL)
		idle = idle_own;
	if (idle == NULL)
		return 0;
	destroy(idle);
	return 1;
}

void
client_take(const struct client_protocol *protocol, int fd)
{
	struct sock_peer peer = {0, (uid_t)-1, (gid_t)-1};
	struct client *client;
	struct err err;

	if (sock_peer(fd, &peer, &err) == -1) {
		close(fd);
		return;
	}
	client = mem_zalloc(1, sizeof(*client));
	client->protocol = protocol;
	client->fd = fd;
	client->uid = peer.uid;
	buf_init(&client->in, protocol->request_max);
	buf_init(&client->out, protocol->answer_max);
	timer_init(&client->limit, time_is_over, client);
	client->readable =
	    event_new(loop, fd, EV_READ | EV_PERSIST, on_readable, client);
	if (client->readable == NULL || !make_place(protocol, peer.uid)) {
		err_set(&err, ERR_TEMPORARY, "busy",
		    "this user has too many connections to postoak-tokend");
		buf_init(&client->out, protocol->answer_max);
		protocol->refuse(&client->out, &err);
		(void)send(fd, client->out.data, client->out.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		buf_clear(&client->out);
		if (client->readable != NULL)
			event_free(client->readable);
		free(client);
		close(fd);
		return;
	}
	TAILQ_INSERT_TAIL(&clients, client, entry);
	client_count++;
	event_add(client->readable, NULL);
}

/* --- start and end ---------------------------------------------------------
 */

void
client_start(struct event_base *base)
{
	struct rlimit limit = {1024, 1024};

	loop = base;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		if (limit.rlim_max > CLIENTS_MAX + RESERVED_FDS)
			limit.rlim_cur = CLIENTS_MAX + RESERVED_FDS;
		else
			limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	client_max = limit.rlim_cur > 2 * RESERVED_FDS
			 ? limit.rlim_cur - RESERVED_FDS
			 : limit.rlim_cur / 2;
}

void
client_drain(void)
{
	draining = 1;
}

int
client_unsent(void)
{
	const struct client *client;

	TAILQ_FOREACH(client, &clients, entry)
	if (client->out.len > 0)
		return 1;
	return 0;
}

void
client_stop(void)
{
	while (!TAILQ_EMPTY(&clients))
		destroy(TAILQ_FIRST(&clients));
}
