/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - see control.h.
 */
#define _GNU_SOURCE /* accept4 */
#include "control.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "sock.h"

#define CLIENTS_MAX 16
#define REQUEST_MAX (64 * 1024)
#define ANSWER_MAX (128 * 1024 * 1024)
#define IDLE_MS 60000

struct client {
	int fd; /* -1: free */
	struct buf in;
	struct buf out;
	int64_t used_ms; /* when it last did something */
	int closing;	 /* after what is in out */
};

struct control {
	char *path;
	int fd;
	int has_group;
	gid_t group;
	control_verb verb;
	struct client clients[CLIENTS_MAX];
};

static void
drop(struct client *client)
{
	(void)close(client->fd);
	client->fd = -1;
	buf_clear(&client->in);
	buf_clear(&client->out);
}

/* --- one request --------------------------------------------------------- */

static struct json *
error_answer(const struct err *err)
{
	struct json *answer = json_object();

	json_set_string(answer, "status", "error");
	json_set_string(answer, "kind", err_kind_name(err->kind));
	json_set_string(answer, "code", err->code);
	json_set_string(answer, "text", err->text);
	return answer;
}

static struct json *
answer_request(
    struct control *control, const struct json *request, struct err *err)
{
	int64_t version = 0;
	const char *verb = json_get_string(request, "verb");
	struct json *answer;

	if (!json_get_int(request, "version", &version) || version != 1 ||
	    verb == NULL) {
		(void)err_set(err, ERR_PROTOCOL, "request",
		    "a request is {\"version\":1,\"verb\":...}");
		return NULL;
	}
	answer = control->verb(verb, request, err);
	if (answer != NULL)
		json_set_string(answer, "status", "ok");
	return answer;
}

/* One line in, one line out. */
static void
serve_line(struct control *control, struct client *client, const char *line,
    size_t len)
{
	struct err err;
	struct json *request, *answer = NULL;

	err_clear(&err);
	request = json_parse(line, len, &err);
	if (request != NULL)
		answer = answer_request(control, request, &err);
	json_free(request);
	if (answer == NULL)
		answer = error_answer(&err);
	json_set_int(answer, "version", 1);
	if (json_write(answer, &client->out, 0) < 0 ||
	    buf_adds(&client->out, "\n") < 0)
		client->closing = 1;
	json_free(answer);
}

/* --- one client ---------------------------------------------------------- */

static void
serve_lines(struct control *control, struct client *client)
{
	char *end;

	while (!client->closing && client->in.len > 0 &&
	       (end = memchr(client->in.data, '\n', client->in.len)) != NULL) {
		size_t len = (size_t)(end - client->in.data);

		serve_line(control, client, client->in.data, len);
		buf_drop(&client->in, len + 1);
	}
	if (client->in.len == REQUEST_MAX)
		client->closing = 1;
}

static void
read_client(struct control *control, struct client *client)
{
	char data[4096];
	size_t room = REQUEST_MAX - client->in.len;
	ssize_t n = recv(
	    client->fd, data, room < sizeof(data) ? room : sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&client->in, data, (size_t)n) < 0) {
		drop(client);
		return;
	}
	serve_lines(control, client);
}

static void
write_client(struct client *client)
{
	ssize_t n;

	if (client->out.len > 0) {
		n = send(client->fd, client->out.data, client->out.len,
		    MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			drop(client);
			return;
		}
		if (n > 0)
			buf_drop(&client->out, (size_t)n);
	}
	if (client->closing && client->out.len == 0)
		drop(client);
}

/* --- the socket ---------------------------------------------------------- */

static int
is_admin(const struct control *control, int fd)
{
	struct sock_peer peer;
	struct err err;

	if (sock_peer(fd, &peer, &err) < 0)
		return 0;
	if (peer.uid == 0 || peer.uid == geteuid())
		return 1;
	return control->has_group && sock_peer_in_group(fd, control->group);
}

static void
accept_client(struct control *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	size_t i;

	if (fd < 0)
		return;
	if (!is_admin(control, fd)) {
		log_warn(NULL, "a user who is no administrator was turned away "
			       "from the control socket");
		(void)close(fd);
		return;
	}
	for (i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd < 0)
			break;
	if (i == CLIENTS_MAX) {
		(void)close(fd);
		return;
	}
	control->clients[i].fd = fd;
	control->clients[i].closing = 0;
	control->clients[i].used_ms = clock_boot_ms();
}

struct control *
control_open(const char *path, const char *admin_group, control_verb verb,
    struct err *err)
{
	struct control *control = mem_zalloc(1, sizeof(*control));
	const struct group *group;
	size_t i;

	control->verb = verb;
	for (i = 0; i < CLIENTS_MAX; i++) {
		control->clients[i].fd = -1;
		buf_init(&control->clients[i].in, REQUEST_MAX);
		buf_init(&control->clients[i].out, ANSWER_MAX);
	}
	group = admin_group != NULL ? getgrnam(admin_group) : NULL;
	if (group != NULL) {
		control->has_group = 1;
		control->group = group->gr_gid;
	}
	/* Connecting is open to all where there is a group to look up: the
	 * peer is checked, not the file. */
	control->fd = sock_listen(path, group != NULL ? 0666 : 0660, err);
	if (control->fd < 0) {
		free(control);
		return NULL;
	}
	control->path = mem_strdup(path);
	return control;
}

static void
serve_ready(struct control *control, const struct pollfd *fds)
{
	size_t i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || fds[i].revents == 0)
			continue;
		client->used_ms = clock_boot_ms();
		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
			read_client(control, client);
		if (client->fd >= 0)
			write_client(client);
	}
}

static void
drop_idle(struct control *control)
{
	size_t i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 &&
		    clock_boot_ms() - client->used_ms > IDLE_MS)
			drop(client);
	}
}

void
control_serve(struct control *control, int wake_fd, int timeout_ms)
{
	struct pollfd fds[CLIENTS_MAX + 2];
	size_t i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &control->clients[i];

		/* What is not read is not asked for more. */
		fds[i].fd = client->fd;
		fds[i].events = client->out.len > 0 ? POLLOUT : POLLIN;
		fds[i].revents = 0;
	}
	fds[i] = (struct pollfd){.fd = control->fd, .events = POLLIN};
	fds[i + 1] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
	if (poll(fds, CLIENTS_MAX + 2, timeout_ms) <= 0) {
		drop_idle(control);
		return;
	}
	serve_ready(control, fds);
	if (fds[CLIENTS_MAX].revents != 0)
		accept_client(control);
}

void
control_close(struct control *control)
{
	size_t i;

	if (control == NULL)
		return;
	for (i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			drop(&control->clients[i]);
	sock_unlink(control->path, control->fd);
	(void)close(control->fd);
	free(control->path);
	free(control);
}
