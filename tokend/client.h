/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CLIENT_H
#define POSTOAK_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

struct event_base;

/*
 * client - the connections of both sockets: accept, bounds, time limits,
 * requests one after the other, answers in their order. What a request means
 * is its protocol's business (server, control). No client can hold up another:
 * nothing here waits, each has bounded buffers, and no user gets all places.
 */

#define CLIENT_REQUEST_S 30 /* from a request's first byte to its last */
#define CLIENT_ANSWER_S 30  /* without progress in reading an answer */

struct client;

struct client_protocol {
	const char *name;
	size_t request_max;
	size_t answer_max;
	/* Length of the first whole request in data, 0: not whole yet. */
	size_t (*complete)(const char *data, size_t len);
	/* Must lead to one client_answer, now or later. data may be changed. */
	void (*request)(struct client *client, char *data, size_t len);
	/* Append the answer for an error of the connection itself. */
	void (*refuse)(struct buf *out, const struct err *err);
	/* 1 if this user may have many connections. */
	int (*trusted)(uid_t uid);
};

/* Once. The limit on connections follows from RLIMIT_NOFILE. */
void client_start(struct event_base *base);

/* A connection that was accepted; the descriptor is taken. */
void client_take(const struct client_protocol *protocol, int fd);

uid_t client_uid(const struct client *client);

/* The descriptor, for questions to the kernel. */
int client_fd(const struct client *client);

/*
 * Something to be freed when the client goes away before it is answered; NULL
 * takes it back.
 */
void client_set_pending(
    struct client *client, void *pending, void (*gone)(void *pending));

/* Send; the buffer is taken. last: close when it is sent. */
void client_answer(struct client *client, struct buf *answer, int last);

/*
 * The end is near: from now on each connection is closed after one answer. What
 * was sent ahead on it would else begin anew what is being taken down.
 */
void client_drain(void);

/*
 * Send a part of what answers the request under way; more will follow, at last
 * client_answer. Nothing is called back from inside.
 */
void client_progress(struct client *client, struct buf *part);

/* 1 while an answer waits to be sent to somebody. */
int client_unsent(void);

/* Close all. */
void client_stop(void);

#endif
