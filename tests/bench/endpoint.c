/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint - a token endpoint that costs next to nothing: plain HTTP on
 * loopback, one loop, every request is granted.
 *
 * usage: endpoint TOKEN_BYTES LIFE_SECONDS
 * Prints "port=N". The path decides: /token is answered at once, /gate only
 * when the driver says so (its first request at once), /hang never. Standard
 * input: "count" prints how many requests each path had, "open" answers those
 * at the gate, now and from now on.
 * link: meter
 */
#define _GNU_SOURCE
#include "meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS 512
#define GATE_LIFE_S 2 /* of the first token there */

enum path { TOKEN, GATE, HANG, PATHS };

struct peer {
	char in[16384];
	size_t len;
	int waits; /* at the gate */
};

static struct pollfd fds[PEERS + 2]; /* 0: stdin, 1: listener */
static struct peer *peers[PEERS + 2];
static size_t fd_count = 2;
static unsigned long counts[PATHS];
static int gate_is_open;
static size_t token_len;
static int life_s;

static void
grant(int fd, int life)
{
	static unsigned long number;
	char *body, *answer;
	int len, body_len;

	number++;
	/* As the identity provider does: with each a new refresh token. */
	body_len = asprintf(&body,
	    "{\"token_type\":\"Bearer\",\"scope\":"
	    "\"https://outlook.office.com/SMTP.Send\",\"expires_in\":%d,"
	    "\"refresh_token\":\"R%0899lu\",\"access_token\":\"A%0*lu\"}",
	    life, number, (int)token_len - 1, number);
	meter_must(body_len > 0, "memory");
	len = asprintf(&answer,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    body_len, body);
	meter_must(len > 0, "memory");
	(void)send(fd, answer, (size_t)len, MSG_NOSIGNAL);
	free(answer);
	free(body);
}

static void
answer(size_t i, enum path path)
{
	counts[path]++;
	if (path == TOKEN)
		grant(fds[i].fd, life_s);
	else if (path == GATE && counts[GATE] == 1)
		grant(fds[i].fd, GATE_LIFE_S);
	else if (path == GATE && gate_is_open)
		grant(fds[i].fd, life_s);
	else
		peers[i]->waits = path == GATE;
}

/* Length of the first whole request, 0 if there is none yet. */
static size_t
whole_request(const struct peer *peer)
{
	const char *end = memmem(peer->in, peer->len, "\r\n\r\n", 4);
	const char *length;
	size_t head;

	if (end == NULL)
		return 0;
	head = (size_t)(end - peer->in) + 4;
	length = strcasestr(peer->in, "\r\nContent-Length:");
	if (length != NULL && length < end)
		head += strtoul(length + 17, NULL, 10);
	return head <= peer->len ? head : 0;
}

static void
hang_up(size_t i)
{
	close(fds[i].fd);
	free(peers[i]);
	fd_count--;
	fds[i] = fds[fd_count];
	peers[i] = peers[fd_count];
}

static void
read_peer(size_t i)
{
	struct peer *peer = peers[i];
	ssize_t n;
	size_t len;

	n = recv(fds[i].fd, peer->in + peer->len,
	    sizeof(peer->in) - 1 - peer->len, 0);
	if (n <= 0) {
		hang_up(i);
		return;
	}
	peer->len += (size_t)n;
	peer->in[peer->len] = '\0';
	while ((len = whole_request(peer)) > 0) {
		answer(i, strncmp(peer->in, "POST /gate", 10) == 0   ? GATE
			  : strncmp(peer->in, "POST /hang", 10) == 0 ? HANG
								     : TOKEN);
		memmove(peer->in, peer->in + len, peer->len - len + 1);
		peer->len -= len;
	}
}

static void
accept_peer(void)
{
	int fd = accept(fds[1].fd, NULL, NULL);

	meter_must(fd != -1 && fd_count < PEERS + 2, "accept");
	fds[fd_count].fd = fd;
	fds[fd_count].events = POLLIN;
	fds[fd_count].revents = 0;
	peers[fd_count] = calloc(1, sizeof(struct peer));
	meter_must(peers[fd_count] != NULL, "memory");
	fd_count++;
}

static void
obey(void)
{
	char line[64];
	ssize_t n = read(0, line, sizeof(line) - 1);
	size_t i;

	if (n <= 0)
		exit(0);
	line[n] = '\0';
	if (strcmp(line, "open\n") == 0) {
		gate_is_open = 1;
		for (i = 2; i < fd_count; i++)
			if (peers[i]->waits) {
				peers[i]->waits = 0;
				grant(fds[i].fd, life_s);
			}
	}
	printf("token=%lu gate=%lu hang=%lu\n", counts[TOKEN], counts[GATE],
	    counts[HANG]);
	fflush(stdout);
}

static void
open_listener(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	meter_must(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(fd, SOMAXCONN) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &len) == 0,
	    "listen");
	fds[1].fd = fd;
	printf("port=%d\n", ntohs(address.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	size_t i;

	meter_must(argc == 3, "usage: endpoint TOKEN_BYTES LIFE_SECONDS");
	token_len = strtoul(argv[1], NULL, 10);
	life_s = (int)strtol(argv[2], NULL, 10);
	fds[0].events = fds[1].events = POLLIN;
	open_listener();
	for (;;) {
		meter_must(poll(fds, fd_count, -1) > 0, "poll");
		/* From behind: hang_up moves the last into its place. */
		for (i = fd_count - 1; i >= 2; i--)
			if (fds[i].revents != 0)
				read_peer(i);
		if (fds[1].revents != 0)
			accept_peer();
		if (fds[0].revents != 0)
			obey();
	}
}
