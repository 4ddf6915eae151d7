/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - one socket, one deadline. See client.h.
 *
 * This runs inside other people's programs. It therefore does not log, does not
 * touch signals, the environment or descriptors 0 to 2, and expects its
 * descriptor to be closed or inherited without notice.
 */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "wire.h"

#define READ_SIZE 8192	   /* one read takes a usual answer whole */
#define BACKLOG_STEP_MS 10 /* between attempts at a full listen queue */
#define FIRST_READ_MS 500  /* the first read waits by itself for so long */

struct conn {
	int fd;
	unsigned long process; /* who opened it */
	dev_t dev;	       /* of the socket itself, to know it again */
	ino_t ino;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

/*
 * The kept connection, fd -1 if there is none. Whoever uses it takes it out, so
 * the flag is held for an assignment, never for I/O. Nobody waits for it: a
 * thread that finds it held, or a child forked in that very moment, opens a
 * connection of its own.
 */
static struct conn kept = {.fd = -1};
static atomic_flag kept_is_held = ATOMIC_FLAG_INIT;

/* What became of a request. */
enum outcome { FAILED = -1, ANSWERED = 0, NOT_ANSWERED };

/* After a suspend the mail server's connection is dead as well: no reason to
 * wait on, hence not CLOCK_MONOTONIC. */
static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Wait for the descriptor at most until the deadline. 0, or -1 with errno,
 * which is ETIMEDOUT then. poll, as select cannot take descriptors over 1023.
 */
static int
wait_ready(int fd, short events, int64_t deadline_ms)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int64_t left_ms;
	int n;

	for (;;) {
		left_ms = deadline_ms - now_ms();
		if (left_ms <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = poll(&pfd, 1, (int)left_ms);
		if (n > 0)
			return 0;
		if (n == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
	}
}

/* 0 once connected, else the error number. */
static int
connect_until(int fd, const struct sockaddr_un *address, int64_t deadline_ms)
{
	for (;;) {
		if (connect(fd, (const struct sockaddr *)address,
			sizeof(*address)) == 0 ||
		    errno == EISCONN)
			return 0;
		if (errno == EINTR)
			continue;
		/* AF_UNIX: the listen queue is full, and no event tells when
		 * it no longer is. */
		if (errno != EAGAIN)
			return errno;
		if (now_ms() >= deadline_ms)
			return ETIMEDOUT;
		poll(NULL, 0, BACKLOG_STEP_MS);
	}
}

/* A socket above the standard descriptors: a program that has closed those
 * may take 0, 1 or 2 for its own. */
static int
new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int low = fd;

	if (fd >= 0 && fd <= 2) {
		fd = fcntl(low, F_DUPFD_CLOEXEC, 3);
		close(low);
	}
	return fd;
}

static int
unreachable(struct err *err, const char *path, int errnum)
{
	const char *advice =
	    "postoak-tokend is not running, or the socket is not visible in "
	    "the jail: run \"postoak status\"";
	struct err cause;

	if (errnum == EACCES)
		advice = "the mail program's user may not use this socket: see "
			 "the mode of the directories above it";
	else if (errnum == ETIMEDOUT)
		advice = "postoak-tokend is there but does not take the "
			 "connection: restart it";
	err_errno(&cause, ERR_TEMPORARY, errnum,
	    "cannot connect to postoak-tokend at %s", path);
	return err_set(
	    err, ERR_TEMPORARY, "unreachable", "%s; %s", cause.text, advice);
}

/*
 * For the first read (first_read_flags); connect has not waited, and whatever
 * is sent is sent with MSG_DONTWAIT. The kernel counts such a time limit
 * coarsely, up to an eighth too long: poll keeps the deadline.
 */
static int
let_reads_wait(int fd)
{
	const struct timeval most = {.tv_usec = FIRST_READ_MS * 1000};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == -1)
		return -1;
	return fcntl(fd, F_SETFL, 0);
}

static int
open_conn(
    struct conn *conn, const char *path, int64_t deadline_ms, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int errnum;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_CONFIG, "path",
		    "the path of tokend's socket is longer than %zu bytes: %s",
		    sizeof(address.sun_path) - 1, path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	memcpy(conn->path, path, strlen(path) + 1);
	conn->process = process_number();
	conn->fd = new_socket();
	if (conn->fd == -1)
		return err_errno(
		    err, ERR_TEMPORARY, errno, "cannot make a socket");
	errnum = connect_until(conn->fd, &address, deadline_ms);
	if (errnum == 0 &&
	    (fstat(conn->fd, &st) == -1 || let_reads_wait(conn->fd) == -1))
		errnum = errno;
	if (errnum != 0) {
		close(conn->fd);
		return unreachable(err, path, errnum);
	}
	conn->dev = st.st_dev;
	conn->ino = st.st_ino;
	return 0;
}

/* Is the number still our socket, or has the program closed and reused it? */
static int
is_ours(const struct conn *conn)
{
	struct stat st;

	return conn->fd != -1 && fstat(conn->fd, &st) == 0 &&
	       S_ISSOCK(st.st_mode) && st.st_dev == conn->dev &&
	       st.st_ino == conn->ino;
}

/* Nothing to read: neither the end of a daemon that was restarted, nor bytes
 * that would be taken for the answer to come. */
static int
is_quiet(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Take the kept connection out, whatever state it is in. */
static void
take_kept(struct conn *conn)
{
	conn->fd = -1;
	if (atomic_flag_test_and_set_explicit(
		&kept_is_held, memory_order_acquire))
		return;
	*conn = kept;
	kept.fd = -1;
	atomic_flag_clear_explicit(&kept_is_held, memory_order_release);
}

/* The kept connection if it can be used for path: 0, else -1. */
static int
reuse_conn(struct conn *conn, const char *path)
{
	take_kept(conn);
	if (!is_ours(conn))
		return -1;
	/* Of a parent's connection only our descriptor is closed: a shutdown
	 * would end it for the parent, too. */
	if (conn->process != process_number() ||
	    strcmp(conn->path, path) != 0 || !is_quiet(conn->fd)) {
		close(conn->fd);
		return -1;
	}
	return 0;
}

static void
keep_conn(const struct conn *conn)
{
	int is_kept = 0;

	if (!atomic_flag_test_and_set_explicit(
		&kept_is_held, memory_order_acquire)) {
		if (kept.fd == -1) {
			kept = *conn;
			is_kept = 1;
		}
		atomic_flag_clear_explicit(&kept_is_held, memory_order_release);
	}
	if (!is_kept)
		close(conn->fd);
}

static enum outcome
broken(const struct buf *answer, struct err *err, int errnum)
{
	if (errnum == ETIMEDOUT) {
		err_set(err, ERR_TEMPORARY, "timeout",
		    "postoak-tokend did not answer in time; see its log, or "
		    "run \"postoak status\"");
		return FAILED;
	}
	err_errno(
	    err, ERR_TEMPORARY, errnum, "postoak-tokend closed the connection");
	return answer->len > 0 ? FAILED : NOT_ANSWERED;
}

static enum outcome
send_request(int fd, const struct buf *request, int64_t deadline_ms,
    const struct buf *answer, struct err *err)
{
	size_t sent = 0;
	ssize_t n;

	while (sent < request->len) {
		n = send(fd, request->data + sent, request->len - sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (wait_ready(fd, POLLOUT, deadline_ms) == -1)
				return broken(answer, err, errno);
		} else if (errno != EINTR)
			return broken(answer, err, errno);
	}
	return ANSWERED;
}

/* Mostly the answer comes at once, and one read that waits is all there is: no
 * poll before it. Near the deadline poll does the waiting. */
static int
first_read_flags(int64_t deadline_ms)
{
	return deadline_ms - now_ms() > 2 * FIRST_READ_MS ? 0 : MSG_DONTWAIT;
}

/* Read one block and not a byte more. */
static enum outcome
receive_answer(int fd, int64_t deadline_ms, struct buf *answer, struct err *err)
{
	int flags = first_read_flags(deadline_ms);
	size_t room, whole;
	ssize_t n;
	char *to;

	for (;; flags = MSG_DONTWAIT) {
		if (flags != 0 && wait_ready(fd, POLLIN, deadline_ms) == -1)
			return broken(answer, err, errno);
		room = answer->max - answer->len;
		if (room > READ_SIZE)
			room = READ_SIZE;
		if (room == 0)
			return err_set(err, ERR_PROTOCOL, "size",
			    "postoak-tokend's answer is larger than %zu bytes",
			    answer->max);
		to = buf_reserve(answer, room);
		if (to == NULL)
			return err_set(err, ERR_TEMPORARY, "memory",
			    "no memory for postoak-tokend's answer");
		n = recv(fd, to, room, flags);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return broken(answer, err, n == 0 ? EPIPE : errno);
		buf_commit(answer, (size_t)n);
		whole = wire_complete(answer->data, answer->len);
		if (whole > 0 && whole < answer->len)
			return err_set(err, ERR_PROTOCOL, "answer",
			    "postoak-tokend sent more than one answer");
		if (whole > 0)
			return ANSWERED;
	}
}

/*
 * Send the request and take its answer apart. A daemon that goes before the
 * first byte of the answer has been restarted: asked once more, anew.
 */
static int
exchange(const struct client_query *query, const struct buf *request,
    struct buf *answer, struct wire *wire, struct err *err)
{
	int64_t deadline_ms = now_ms() + query->timeout_ms;
	enum outcome outcome = NOT_ANSWERED;
	struct conn conn;
	int attempt;

	for (attempt = 0; attempt < 2 && outcome == NOT_ANSWERED; attempt++) {
		if ((attempt > 0 || reuse_conn(&conn, query->path) == -1) &&
		    open_conn(&conn, query->path, deadline_ms, err) == -1)
			return -1;
		outcome =
		    send_request(conn.fd, request, deadline_ms, answer, err);
		if (outcome == ANSWERED)
			outcome =
			    receive_answer(conn.fd, deadline_ms, answer, err);
		if (outcome == ANSWERED &&
		    wire_parse(wire, answer->data, answer->len, err) == -1)
			outcome = FAILED;
		if (outcome == ANSWERED)
			keep_conn(&conn);
		else
			close(conn.fd);
	}
	return outcome == ANSWERED ? wire_answer(wire, err) : -1;
}

/* The lines of a request, closed by one without a name. */
struct line {
	const char *name;
	const char *value;
};

static int
ask(const struct client_query *query, const struct line *line,
    struct buf *answer, struct wire *wire, struct err *err)
{
	struct buf request;
	int result = 0;

	buf_init(answer, WIRE_ANSWER_MAX);
	buf_init(&request, WIRE_REQUEST_MAX);
	for (; result == 0 && line->name != NULL; line++)
		result = wire_put(&request, line->name, line->value, err);
	if (result == 0)
		result = wire_put_int(&request, "protocol", WIRE_VERSION, err);
	if (result == 0)
		result = wire_end(&request, err);
	if (result == 0)
		result = exchange(query, &request, answer, wire, err);
	buf_clear(&request);
	return result;
}

int
client_get_token(const struct client_query *query, struct client_token *token,
    struct err *err)
{
	char wait_ms[16];
	const struct line request[] = {{"request", "token"},
	    {"account", query->account}, {"service", query->service},
	    {"host", query->host}, {"wait_ms", wait_ms}, {NULL, NULL}};
	struct wire wire;

	snprintf(wait_ms, sizeof(wait_ms), "%d", query->wait_ms);
	if (ask(query, request, &token->answer, &wire, err) == -1)
		return -1;
	token->user = wire_get(&wire, "user");
	token->token = wire_get(&wire, "token");
	token->token_id = wire_get(&wire, "token_id");
	if (token->token_id == NULL)
		token->token_id = "";
	if (token->user == NULL || token->token == NULL)
		return err_set(err, ERR_PROTOCOL, "answer",
		    "postoak-tokend's answer has no user or no token");
	return 0;
}

void
client_clear_token(struct client_token *token)
{
	buf_clear(&token->answer);
	memset(token, 0, sizeof(*token));
}

int
client_report_rejected(const struct client_query *query, const char *token_id,
    const char *challenge, struct err *err)
{
	const struct line request[] = {{"request", "rejected"},
	    {"account", query->account}, {"token_id", token_id},
	    {"challenge", challenge}, {NULL, NULL}};
	struct buf answer;
	struct wire wire;
	int result;

	result = ask(query, request, &answer, &wire, err);
	buf_clear(&answer);
	return result;
}

void
client_close(void)
{
	struct conn conn;

	take_kept(&conn);
	if (is_ours(&conn))
		close(conn.fd);
	process_forget();
}
