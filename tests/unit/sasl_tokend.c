/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sasl_tokend - a stand-in for postoak-tokend. See sasl_tokend.h.
 */
#define _GNU_SOURCE
#include "sasl_tokend.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "wire.h"

#define DRIP_MS 20

static void
must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

long long
tokend_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int
tokend_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	must(dir != NULL, "/proc/self/fd");
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count - 1; /* the directory's own */
}

static void
put_answer(struct tokend *tokend, const struct wire *wire, struct buf *out)
{
	const char *request = wire_get(wire, "request");
	const char *account = wire_get(wire, "account");
	int failed = wire_put(out, "status", "ok", NULL);

	if (request != NULL && strcmp(request, "rejected") == 0)
		tokend->rejected++;
	else {
		failed |= wire_put(out, "user",
		    tokend->has_user ? tokend->user : account, NULL);
		failed |= wire_put(out, "token", tokend->token, NULL);
		failed |= wire_put(out, "token_id", "0123456789abcdef", NULL);
		failed |= wire_put(out, "expires_in", "3410", NULL);
	}
	must(!failed && wire_end(out, NULL) == 0, "answer");
}

static void
hang_up(struct tokend *tokend, int i)
{
	close(tokend->clients[i].fd);
	tokend->clients[i].fd = -1;
	tokend->clients[i].in_len = 0;
	tokend->clients[i].owed_len = 0;
	tokend->clients[i].is_deaf = 0;
}

static void
put_out(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void
misbehave(struct tokend *tokend, int i, const struct buf *answer)
{
	int fd = tokend->clients[i].fd;

	switch (tokend->mode) {
	case TOKEND_ANSWER:
		put_out(fd, answer->data, answer->len);
		break;
	case TOKEND_RAW:
		put_out(fd, tokend->raw, tokend->raw_len);
		break;
	case TOKEND_SILENT:
	case TOKEND_DRIP:
		must(answer->len <= sizeof(tokend->clients[i].owed), "owed");
		memcpy(tokend->clients[i].owed, answer->data, answer->len);
		tokend->clients[i].owed_len = answer->len;
		break;
	case TOKEND_HALF:
		put_out(fd, answer->data, answer->len / 2);
		/* fall through */
	case TOKEND_HANG_UP:
		hang_up(tokend, i);
		break;
	case TOKEND_DEAF:
		shutdown(fd, SHUT_RD);
		tokend->clients[i].is_deaf = 1;
		put_out(fd, answer->data, answer->len);
		break;
	}
}

/* Answer, under the lock, what client i has sent so far. */
static void
serve(struct tokend *tokend, int i)
{
	char *in = tokend->clients[i].in;
	struct wire wire;
	struct buf answer;
	struct err err;
	size_t len;

	while ((len = wire_complete(in, tokend->clients[i].in_len)) > 0) {
		memcpy(tokend->last, in, len);
		tokend->last[len] = '\0';
		tokend->requests++;
		must(wire_parse(&wire, in, len, &err) == 0, err.text);
		buf_init(&answer, 65536);
		put_answer(tokend, &wire, &answer);
		misbehave(tokend, i, &answer);
		buf_clear(&answer);
		if (tokend->mode_left > 0 && --tokend->mode_left == 0)
			tokend->mode = TOKEND_ANSWER;
		if (tokend->clients[i].fd == -1)
			return;
		tokend->clients[i].in_len -= len;
		memmove(in, in + len, tokend->clients[i].in_len);
	}
}

static void
read_client(struct tokend *tokend, int i)
{
	size_t used = tokend->clients[i].in_len;
	ssize_t n;

	n = recv(tokend->clients[i].fd, tokend->clients[i].in + used,
	    sizeof(tokend->clients[i].in) - used, MSG_DONTWAIT);
	if (n <= 0) {
		hang_up(tokend, i);
		return;
	}
	tokend->clients[i].in_len += (size_t)n;
	serve(tokend, i);
}

/* SILENT: all at once when the mode has changed. DRIP: a byte. */
static void
pay_owed(struct tokend *tokend, int i)
{
	size_t len = tokend->clients[i].owed_len;

	if (len == 0 || tokend->mode == TOKEND_SILENT)
		return;
	if (tokend->mode == TOKEND_DRIP)
		len = 1;
	put_out(tokend->clients[i].fd, tokend->clients[i].owed, len);
	tokend->clients[i].owed_len -= len;
	memmove(tokend->clients[i].owed, tokend->clients[i].owed + len,
	    tokend->clients[i].owed_len);
}

static void
take_client(struct tokend *tokend)
{
	int fd = accept4(tokend->listener, NULL, NULL, SOCK_CLOEXEC);
	int i;

	for (i = 0; fd != -1 && i < TOKEND_CLIENTS; i++)
		if (tokend->clients[i].fd == -1) {
			tokend->clients[i].fd = fd;
			tokend->connections++;
			return;
		}
	must(fd == -1, "too many clients");
}

static void *
run(void *arg)
{
	struct tokend *tokend = arg;
	struct pollfd fds[TOKEND_CLIENTS + 2];
	int i;

	for (;;) {
		fds[0] = (struct pollfd){tokend->wake[0], POLLIN, 0};
		fds[1] = (struct pollfd){tokend->listener, POLLIN, 0};
		for (i = 0; i < TOKEND_CLIENTS; i++)
			fds[i + 2] = (struct pollfd){
			    tokend->clients[i].is_deaf ? -1
						       : tokend->clients[i].fd,
			    POLLIN, 0};
		poll(fds, TOKEND_CLIENTS + 2, DRIP_MS);
		if (fds[0].revents != 0)
			return NULL;
		pthread_mutex_lock(&tokend->lock);
		if (fds[1].revents != 0)
			take_client(tokend);
		for (i = 0; i < TOKEND_CLIENTS; i++) {
			if (tokend->clients[i].fd == -1)
				continue;
			pay_owed(tokend, i);
			if (fds[i + 2].fd != -1 && fds[i + 2].revents != 0)
				read_client(tokend, i);
		}
		pthread_mutex_unlock(&tokend->lock);
	}
}

void
tokend_start(struct tokend *tokend)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int i;

	for (i = 0; i < TOKEND_CLIENTS; i++)
		tokend->clients[i].fd = -1;
	tokend->connections = 0;
	memcpy(address.sun_path, tokend->path, strlen(tokend->path) + 1);
	tokend->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(tokend->listener != -1, "socket");
	must(bind(tokend->listener, (struct sockaddr *)&address,
		 sizeof(address)) == 0,
	    "bind");
	must(listen(tokend->listener, 64) == 0, "listen");
	must(pipe2(tokend->wake, O_CLOEXEC) == 0, "pipe2");
	must(pthread_create(&tokend->thread, NULL, run, tokend) == 0, "thread");
}

void
tokend_stop(struct tokend *tokend)
{
	int i;

	must(write(tokend->wake[1], "x", 1) == 1, "wake");
	pthread_join(tokend->thread, NULL);
	for (i = 0; i < TOKEND_CLIENTS; i++)
		if (tokend->clients[i].fd != -1)
			hang_up(tokend, i);
	close(tokend->wake[0]);
	close(tokend->wake[1]);
	close(tokend->listener);
	unlink(tokend->path);
}

struct tokend *
tokend_new(void)
{
	struct tokend *tokend = calloc(1, sizeof(*tokend));

	must(tokend != NULL, "calloc");
	snprintf(tokend->dir, sizeof(tokend->dir), "/tmp/postoak-sasl.XXXXXX");
	must(mkdtemp(tokend->dir) != NULL, "mkdtemp");
	snprintf(tokend->path, sizeof(tokend->path), "%s/s", tokend->dir);
	pthread_mutex_init(&tokend->lock, NULL);
	strcpy(tokend->token, "eyJ0eXAi.abc-_~+/1==");
	tokend_start(tokend);
	return tokend;
}

void
tokend_free(struct tokend *tokend)
{
	tokend_stop(tokend);
	rmdir(tokend->dir);
	pthread_mutex_destroy(&tokend->lock);
	free(tokend);
}

void
tokend_behave(struct tokend *tokend, enum tokend_mode mode, int count)
{
	pthread_mutex_lock(&tokend->lock);
	tokend->mode = mode;
	tokend->mode_left = count;
	pthread_mutex_unlock(&tokend->lock);
}

void
tokend_say(struct tokend *tokend, const char *text)
{
	int i;

	pthread_mutex_lock(&tokend->lock);
	for (i = 0; i < TOKEND_CLIENTS; i++)
		if (tokend->clients[i].fd != -1)
			put_out(tokend->clients[i].fd, text, strlen(text));
	pthread_mutex_unlock(&tokend->lock);
}

void
tokend_raw(struct tokend *tokend, const char *raw, size_t len)
{
	pthread_mutex_lock(&tokend->lock);
	must(len <= sizeof(tokend->raw), "raw");
	memcpy(tokend->raw, raw, len);
	tokend->raw_len = len;
	tokend->mode = TOKEND_RAW;
	tokend->mode_left = 1;
	pthread_mutex_unlock(&tokend->lock);
}

void
tokend_set_token(struct tokend *tokend, const char *user, const char *token)
{
	pthread_mutex_lock(&tokend->lock);
	must(strlen(token) < sizeof(tokend->token), "token");
	tokend->has_user = user != NULL;
	snprintf(
	    tokend->user, sizeof(tokend->user), "%s", user != NULL ? user : "");
	memcpy(tokend->token, token, strlen(token) + 1);
	pthread_mutex_unlock(&tokend->lock);
}

static int
locked(struct tokend *tokend, const int *value)
{
	int copy;

	pthread_mutex_lock(&tokend->lock);
	copy = *value;
	pthread_mutex_unlock(&tokend->lock);
	return copy;
}

int
tokend_connections(struct tokend *tokend)
{
	return locked(tokend, &tokend->connections);
}

int
tokend_requests(struct tokend *tokend)
{
	return locked(tokend, &tokend->requests);
}

int
tokend_rejected(struct tokend *tokend)
{
	return locked(tokend, &tokend->rejected);
}

int
tokend_was_sent(struct tokend *tokend, const char *line)
{
	char whole[4200];
	int found;

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	pthread_mutex_lock(&tokend->lock);
	found = strstr(tokend->last, whole) != NULL ||
		(strncmp(tokend->last, whole + 1, strlen(whole + 1)) == 0);
	pthread_mutex_unlock(&tokend->lock);
	return found;
}
