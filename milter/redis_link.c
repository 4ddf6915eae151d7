/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_link - see redis_link.h.
 */
#include "redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#define WORDS_MAX ((size_t)4 << 20)
#define ELEMENTS_MAX 64

/* hiredis changed its mind in 1.0. */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

struct redis_link {
	int fd;
	int broken;
	struct redis_tls *tls; /* or NULL */
	redisReader *reader;
	redisReplyObjectFunctions
	    limited; /* what the reader makes replies by */
	void *(*make_array)(const redisReadTask *, element_count);
};

/* --- commands ------------------------------------------------------------- */

void
redis_words_init(struct redis_words *words)
{
	buf_init(&words->text, WORDS_MAX);
	words->count = 0;
}

void
redis_words_add(struct redis_words *words, const char *fmt, ...)
{
	char text[32];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(text)) {
		char *out = buf_reserve(&words->text, (size_t)len + 1);

		if (out == NULL)
			return;
		va_start(ap, fmt);
		(void)vsnprintf(out, (size_t)len + 1, fmt, ap);
		va_end(ap);
		buf_commit(&words->text, (size_t)len + 1);
	} else if (buf_add(&words->text, text, (size_t)len + 1) < 0) {
		return;
	}
	words->count++;
}

void
redis_words_clear(struct redis_words *words)
{
	buf_clear(&words->text);
	words->count = 0;
}

/* As the protocol has it; NULL if that does not fit. The caller frees it. */
static char *
command(const struct redis_words *words, size_t *len)
{
	const char **argv = mem_zalloc(words->count + 1, sizeof(*argv));
	char *text = NULL;
	const char *word = words->text.data;
	size_t i;
	int rc;

	for (i = 0; i < words->count; i++, word += strlen(word) + 1)
		argv[i] = word;
	rc = words->text.truncated ? -1
				   : (int)redisFormatCommandArgv(
					 &text, (int)words->count, argv, NULL);
	free(argv);
	*len = rc > 0 ? (size_t)rc : 0;
	return rc > 0 ? text : NULL;
}

/* --- connecting ----------------------------------------------------------- */

static int
broken(struct redis_link *link, struct err *err, const char *what)
{
	link->broken = 1;
	return err_set(err, ERR_TEMPORARY, "redis", "%s", what);
}

static int
broken_late(struct redis_link *link, struct err *err)
{
	link->broken = 1;
	return err_set(err, ERR_TEMPORARY, REDIS_LINK_LATE,
	    "the server did not answer in time");
}

/* 0 when ready, -1 with errno. */
static int
wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd wait = {.fd = fd, .events = events};
	int64_t left;
	int rc;

	do {
		left = until_ms - clock_boot_ms();
		rc = poll(&wait, 1, left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc > 0 ? 0 : -1;
}

/* A connected descriptor, or -1 with errno. */
static int
connect_to(
    int family, const struct sockaddr *address, socklen_t len, int64_t until_ms)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0, one = 1;
	socklen_t error_len = sizeof(error);

	if (fd < 0)
		return -1;
	if (family != AF_UNIX)
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, address, len) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, until_ms) == 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) ==
			0 &&
		    error == 0)
			return fd;
		errno = error;
	}
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static int
connect_unix(const char *path, int64_t until_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect_to(AF_UNIX, (struct sockaddr *)(void *)&address,
	    sizeof(address), until_ms);
}

static int
connect_host(
    const char *host, const char *port, int64_t until_ms, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all, *one;
	int fd = -1, rc = getaddrinfo(host, port, &hints, &all);

	if (rc != 0)
		return err_set(err, ERR_TEMPORARY, "redis",
		    "no address for %s: %s", host, gai_strerror(rc));
	for (one = all; one != NULL && fd < 0; one = one->ai_next)
		fd = connect_to(
		    one->ai_family, one->ai_addr, one->ai_addrlen, until_ms);
	if (fd < 0)
		(void)err_errno(err, ERR_TEMPORARY, errno,
		    "cannot connect to %s port %s", host, port);
	freeaddrinfo(all);
	return fd;
}

/*
 * An array of two thousand million elements is ten bytes to send, and gigabytes
 * to make room for.
 */
static void *
make_array(const redisReadTask *task, element_count elements)
{
	const struct redis_link *link = task->privdata;

	return elements <= ELEMENTS_MAX ? link->make_array(task, elements)
					: NULL;
}

static int
make_reader(struct redis_link *link)
{
	link->reader = redisReaderCreate();
	if (link->reader == NULL)
		return -1;
	link->limited = *link->reader->fn;
	link->make_array = link->limited.createArray;
	link->limited.createArray = make_array;
	link->reader->fn = &link->limited;
	link->reader->privdata = link;
	return 0;
}

struct redis_link *
redis_link_open(
    const struct redis_link_peer *peer, int64_t until_ms, struct err *err)
{
	struct redis_link *link;
	int fd;

	if (peer->path != NULL) {
		fd = connect_unix(peer->path, until_ms);
		if (fd < 0)
			(void)err_errno(err, ERR_TEMPORARY, errno,
			    "cannot connect to %s", peer->path);
	} else {
		fd = connect_host(peer->host, peer->port, until_ms, err);
	}
	if (fd < 0)
		return NULL;
	link = mem_zalloc(1, sizeof(*link));
	link->fd = fd;
	if (make_reader(link) < 0) {
		(void)err_set(err, ERR_TEMPORARY, "redis", "out of memory");
	} else if (peer->tls == NULL) {
		return link;
	} else {
		link->tls =
		    redis_tls_start(peer->tls, fd, peer->host, until_ms, err);
		if (link->tls != NULL)
			return link;
	}
	redis_link_close(link);
	return NULL;
}

void
redis_link_close(struct redis_link *link)
{
	if (link == NULL)
		return;
	redis_tls_free(link->tls);
	(void)close(link->fd);
	if (link->reader != NULL)
		redisReaderFree(link->reader);
	free(link);
}

int
redis_link_broken(const struct redis_link *link)
{
	return link->broken;
}

/* --- calling -------------------------------------------------------------- */

static int
send_all(
    struct redis_link *link, const char *data, size_t len, int64_t until_ms)
{
	short events = POLLOUT;
	ssize_t n;

	while (len > 0) {
		n = link->tls != NULL
			? redis_tls_write(link->tls, data, len, &events)
			: send(link->fd, data, len, MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EINTR &&
			   (errno != EAGAIN ||
			       wait_for(link->fd, events, until_ms) < 0)) {
			return -1;
		}
	}
	return 0;
}

/* More bytes into the reader: 0, or -1 with what is wrong; NULL: too late. */
static int
receive(struct redis_link *link, size_t *total, int64_t until_ms,
    const char **problem)
{
	char data[16384];
	short events = POLLIN;
	ssize_t n = link->tls != NULL
			? redis_tls_read(link->tls, data, sizeof(data), &events)
			: recv(link->fd, data, sizeof(data), 0);

	*problem = NULL;
	if (n > 0) {
		*total += (size_t)n;
		if (*total > REDIS_LINK_ANSWER_MAX)
			*problem = "the server's answer has no end";
		else if (redisReaderFeed(link->reader, data, (size_t)n) !=
			 REDIS_OK)
			*problem = link->reader->errstr;
	} else if (n == 0) {
		*problem = "the server closed the connection";
	} else if (errno == EAGAIN) {
		if (wait_for(link->fd, events, until_ms) == 0)
			return 0;
		if (errno == ETIMEDOUT)
			return -1;
		*problem = strerror(errno);
	} else if (errno != EINTR) {
		*problem = strerror(errno);
	}
	return *problem != NULL ? -1 : 0;
}

/*
 * Its elements as lines, those of an array in it (SCAN) like its own. -1: one
 * that has no place in an answer to us.
 */
static int
flatten(const redisReply *reply, int depth, struct buf *answer)
{
	size_t i;

	switch (reply->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		if (buf_add(answer, reply->str, (size_t)reply->len) < 0)
			return -1;
		break;
	case REDIS_REPLY_INTEGER:
		if (buf_addf(answer, "%lld", reply->integer) < 0)
			return -1;
		break;
	case REDIS_REPLY_NIL:
		break;
	case REDIS_REPLY_ARRAY:
		if (depth > 1)
			return -1;
		for (i = 0; i < (size_t)reply->elements; i++)
			if (flatten(reply->element[i], depth + 1, answer) < 0)
				return -1;
		return 0;
	default:
		return -1;
	}
	return buf_adds(answer, "\n");
}

static int
take_reply(struct redis_link *link, const redisReply *reply, struct buf *answer,
    struct err *err)
{
	char code[32];

	if (reply->type == REDIS_REPLY_ERROR) {
		(void)snprintf(code, sizeof(code), "%.*s",
		    (int)strcspn(reply->str, " "), reply->str);
		return err_set(err, ERR_TEMPORARY, code,
		    "the server answered: %.300s", reply->str);
	}
	if (flatten(reply, 0, answer) == 0)
		return 0;
	return broken(link, err, "the server's answer is not one of Redis");
}

/*
 * What has come by the end of the time is taken: a busy machine may have been
 * slower to look than the server was to answer. What comes in drips is late.
 */
static int
read_reply(struct redis_link *link, int64_t until_ms, struct buf *answer,
    struct err *err)
{
	void *reply = NULL;
	const char *problem;
	size_t total = 0;
	int rc, late = 0;

	for (;;) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK)
			return broken(link, err, link->reader->errstr);
		if (reply != NULL)
			break;
		if (late)
			return broken_late(link, err);
		late = clock_boot_ms() > until_ms;
		if (receive(link, &total, until_ms, &problem) < 0)
			return problem == NULL ? broken_late(link, err)
					       : broken(link, err, problem);
	}
	rc = take_reply(link, reply, answer, err);
	freeReplyObject(reply);
	return rc;
}

int
redis_link_call(struct redis_link *link, const struct redis_words *words,
    int64_t until_ms, struct buf *answer, struct err *err)
{
	size_t len;
	char *text = command(words, &len);
	int rc;

	if (text == NULL)
		return err_set(
		    err, ERR_BUG, "redis", "the command is too long");
	rc = send_all(link, text, len, until_ms);
	if (rc < 0)
		(void)broken(link, err,
		    errno == ETIMEDOUT ? "the server took no command in time"
		    : errno == EPIPE || errno == ECONNRESET
			? "the server closed the connection"
			: strerror(errno));
	explicit_bzero(text, len); /* it may be AUTH */
	free(text);
	return rc < 0 ? -1 : read_reply(link, until_ms, answer, err);
}

int
redis_link_poll(struct redis_link *link, struct buf *answer, struct err *err)
{
	void *reply = NULL;
	const char *problem;
	size_t total = 0;
	int rc;

	for (;;) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK)
			return broken(link, err, link->reader->errstr);
		if (reply != NULL)
			break;
		if (receive(link, &total, 0, &problem) < 0)
			return problem == NULL ? 0 : broken(link, err, problem);
	}
	rc = take_reply(link, reply, answer, err);
	freeReplyObject(reply);
	return rc == 0 ? 1 : -1;
}
