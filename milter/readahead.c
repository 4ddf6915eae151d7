/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readahead - see readahead.h.
 *
 * A connection is one thread's at a time, handed on under libmilter's lock;
 * only the table is looked at by all.
 */
#define _GNU_SOURCE /* accept4, ppoll */
#include "readahead.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX 4096 /* those above are read as they were */
#define BYTES 4096	 /* three usual messages */

struct ahead {
	int polled;
	size_t at; /* handed out so far */
	size_t len;
	char bytes[BYTES];
};

static _Atomic(struct ahead *) sockets[SOCKETS_MAX];

static struct ahead *
find(int fd)
{
	return fd >= 0 && fd < SOCKETS_MAX ? atomic_load(&sockets[fd]) : NULL;
}

static void
set(int fd, struct ahead *ahead)
{
	if (fd >= 0 && fd < SOCKETS_MAX)
		ahead = atomic_exchange(&sockets[fd], ahead);
	free(ahead);
}

int
readahead_accept(int fd, struct sockaddr *address, socklen_t *len)
{
	int made = accept4(fd, address, len, 0);

	/* Without memory it is read as it was. */
	if (made >= 0)
		set(made, calloc(1, sizeof(struct ahead)));
	return made;
}

int
readahead_close(int fd)
{
	if (find(fd) != NULL)
		set(fd, NULL);
	return (int)syscall(SYS_close, fd);
}

/* --- reading -------------------------------------------------------------- */

static ssize_t
read_now(int fd, void *data, size_t len)
{
	struct iovec whole = {.iov_base = data, .iov_len = len};

	return readv(fd, &whole, 1);
}

static ssize_t
hand_out(struct ahead *ahead, void *data, size_t len)
{
	if (len > ahead->len - ahead->at)
		len = ahead->len - ahead->at;
	memcpy(data, ahead->bytes + ahead->at, len);
	ahead->at += len;
	return (ssize_t)len;
}

ssize_t
readahead_read(int fd, void *data, size_t len)
{
	struct ahead *ahead = find(fd);
	ssize_t n;

	if (ahead == NULL)
		return read_now(fd, data, len);
	if (ahead->at < ahead->len)
		return hand_out(ahead, data, len);
	/* Nothing is asked for: that must not wait for more. */
	if (!ahead->polled || len >= BYTES || len == 0)
		return read_now(fd, data, len);
	n = read_now(fd, ahead->bytes, BYTES);
	if (n <= 0)
		return n;
	ahead->at = 0;
	ahead->len = (size_t)n;
	return hand_out(ahead, data, len);
}

ssize_t
readahead_read_chk(int fd, void *data, size_t len, size_t size)
{
	if (len > size)
		abort();
	return readahead_read(fd, data, len);
}

/* --- waiting -------------------------------------------------------------- */

/* 1 if the socket need not be asked. */
static int
is_there(struct pollfd *fd)
{
	struct ahead *ahead = fd->events & POLLIN ? find(fd->fd) : NULL;

	fd->revents = 0;
	if (ahead == NULL)
		return 0;
	ahead->polled = 1;
	if (ahead->at == ahead->len)
		return 0;
	fd->revents = POLLIN;
	return 1;
}

int
readahead_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct timespec timeout = {.tv_sec = timeout_ms / 1000,
	    .tv_nsec = timeout_ms % 1000 * 1000000L};
	nfds_t i;
	int there = 0;

	for (i = 0; i < count; i++)
		there += is_there(&fds[i]);
	/* The others' turn comes with the next call. */
	if (there > 0)
		return there;
	return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

int
readahead_poll_chk(
    struct pollfd *fds, nfds_t count, int timeout_ms, size_t size)
{
	if (count > size / sizeof(*fds))
		abort();
	return readahead_poll(fds, count, timeout_ms);
}
