/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener - sockets that take connections. See listener.h.
 */
#define _GNU_SOURCE
#include "listener.h"

#include <event2/event.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "sock.h"
#include "timer.h"

#define ACCEPT_PAUSE_MS 1000
#define ACCEPT_AT_ONCE 64

struct listener {
	TAILQ_ENTRY(listener) entry;
	const struct client_protocol *protocol;
	char *path;
	int fd;
	int inherited;
	struct event *acceptable;
	struct timer pause; /* when there are no descriptors left */
};

static TAILQ_HEAD(, listener) listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct event_base *loop;

void
listener_start(struct event_base *base)
{
	loop = base;
}

static void
pause_is_over(void *arg)
{
	struct listener *listener = arg;

	event_add(listener->acceptable, NULL);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;
	int i, client;

	(void)what;
	for (i = 0; i < ACCEPT_AT_ONCE; i++) {
		client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client != -1) {
			client_take(listener->protocol, client);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN)
			return;
		log_warn(listener->protocol->name,
		    "no connection can be taken for a second: error=%s",
		    strerror(errno));
		event_del(listener->acceptable);
		timer_set(&listener->pause, clock_boot_ms() + ACCEPT_PAUSE_MS);
		return;
	}
}

struct listener *
listener_open(const struct client_protocol *protocol, const char *path,
    mode_t mode, struct err *err)
{
	struct listener *listener;
	int fd = sock_inherited(path);
	int inherited = fd != -1;

	if (fd == -1)
		fd = sock_listen(path, mode, err);
	if (fd == -1)
		return NULL;
	listener = mem_zalloc(1, sizeof(*listener));
	listener->protocol = protocol;
	listener->path = mem_strdup(path);
	listener->fd = fd;
	listener->inherited = inherited;
	timer_init(&listener->pause, pause_is_over, listener);
	listener->acceptable =
	    event_new(loop, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
	TAILQ_INSERT_TAIL(&listeners, listener, entry);
	if (listener->acceptable == NULL ||
	    event_add(listener->acceptable, NULL) == -1) {
		err_set(err, ERR_TEMPORARY, "memory", "out of memory");
		listener_close(listener);
		return NULL;
	}
	return listener;
}

void
listener_close(struct listener *listener)
{
	if (listener == NULL)
		return;
	/* The service manager's socket stays: it starts the next one. */
	if (!listener->inherited)
		sock_unlink(listener->path, listener->fd);
	if (listener->acceptable != NULL)
		event_free(listener->acceptable);
	timer_cancel(&listener->pause);
	close(listener->fd);
	TAILQ_REMOVE(&listeners, listener, entry);
	free(listener->path);
	free(listener);
}

const char *
listener_path(const struct listener *listener)
{
	return listener->path;
}

void
listener_close_all(void)
{
	while (!TAILQ_EMPTY(&listeners))
		listener_close(TAILQ_FIRST(&listeners));
}
