/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - one request to a daemon's control socket. See ask.h.
 */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "sock.h"

#define REQUEST_MAX (64 * 1024)
#define ANSWER_MAX (128 * 1024 * 1024)
#define BLOCK 8192

static const char *const programs[] = {
    [ASK_TOKEND] = "postoak-tokend",
    [ASK_MILTER] = "postoak-milter",
};

struct json *
ask_new(const char *verb, const char *account)
{
	struct json *request = json_object();

	json_set_int(request, "version", 1);
	json_set_string(request, "verb", verb);
	if (account != NULL)
		json_set_string(request, "account", account);
	return request;
}

static int
write_request(struct buf *out, const struct json *request, struct err *err)
{
	if (json_write(request, out, 0) != 0 || buf_adds(out, "\n") != 0)
		return err_set(err, ERR_PROTOCOL, "value",
		    "this request cannot be sent; it is too long");
	return 0;
}

static int
connect_to(enum ask_whom whom, const char *path, struct err *err)
{
	struct err cause;
	int fd;

	err_clear(&cause);
	fd = sock_connect(path, ASK_SHORT_MS, &cause);
	if (fd != -1)
		return fd;
	if (cause.kind == ERR_DENIED)
		return err_set(err, ERR_DENIED, "denied",
		    "%s; become root, or a member of the admin_group in the "
		    "configuration",
		    cause.text);
	if (strcmp(cause.code, "down") != 0)
		return err_set(err, ERR_TEMPORARY, "unreachable",
		    "%s cannot be reached: %s; look into its log",
		    programs[whom], cause.text);
	return err_set(err, ERR_TEMPORARY, "unreachable",
	    "%s does not answer on %s; start it with \"systemctl start %s\", "
	    "or look into its log",
	    programs[whom], path, programs[whom]);
}

static int
send_all(int fd, const struct buf *data, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	while (done < data->len) {
		n = send(fd, data->data + done, data->len - done, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, ERR_TEMPORARY, errno,
			    "cannot send the request");
		done += (size_t)n;
	}
	return 0;
}

/* Wait until there is something to read. -1 with *err when time is over. */
static int
wait_readable(int fd, int64_t until_ms, enum ask_whom whom, struct err *err)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int64_t left_ms;
	int n;

	do {
		left_ms = until_ms - clock_boot_ms();
		n = left_ms <= 0 ? 0 : poll(&ready, 1, (int)left_ms);
	} while (n == -1 && errno == EINTR);
	if (n == 1)
		return 0;
	return err_set(err, ERR_TEMPORARY, "silent",
	    "%s took the request and gave no answer in time; look into its log",
	    programs[whom]);
}

/* A daemon closes on a caller it does not know without a word. */
static int
read_some(int fd, struct buf *answer, enum ask_whom whom, struct err *err)
{
	char *room = buf_reserve(answer, BLOCK);
	ssize_t n;

	if (room == NULL)
		return err_set(err, ERR_PROTOCOL, "answer",
		    "the answer of %s is too large", programs[whom]);
	n = recv(fd, room, BLOCK, 0);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return err_set(err, ERR_PROTOCOL, "answer",
		    "%s closed the control socket without an answer; "
		    "look into its log",
		    programs[whom]);
	buf_commit(answer, (size_t)n);
	return 0;
}

static int
read_line(int fd, struct buf *answer, int timeout_ms, enum ask_whom whom,
    struct err *err)
{
	int64_t until_ms = clock_boot_ms() + timeout_ms;

	while (answer->len == 0 || answer->data[answer->len - 1] != '\n') {
		if (wait_readable(fd, until_ms, whom, err) != 0)
			return -1;
		if (read_some(fd, answer, whom, err) != 0)
			return -1;
	}
	return 0;
}

/* The other side's own words, as an error of ours. */
static void
take_error(const struct json *answer, struct err *err)
{
	const char *code = json_get_string(answer, "code");
	const char *text = json_get_string(answer, "text");
	int64_t retry_ms = 0;

	err_set(err, err_kind_parse(json_get_string(answer, "kind")),
	    code != NULL ? code : "answer", "%s",
	    text != NULL ? text : "the daemon refused without a reason");
	if (err != NULL && json_get_int(answer, "retry_ms", &retry_ms) &&
	    retry_ms > 0 && retry_ms < INT32_MAX)
		err->retry_ms = (int)retry_ms;
}

static struct json *
read_answer(const struct buf *line, enum ask_whom whom, struct err *err)
{
	struct json *answer;
	const char *status;
	struct err cause;

	err_clear(&cause);
	answer = json_parse(line->data, line->len, &cause);
	status = answer != NULL ? json_get_string(answer, "status") : NULL;
	if (status != NULL &&
	    (strcmp(status, "ok") == 0 || strcmp(status, "progress") == 0))
		return answer;
	if (status != NULL && strcmp(status, "error") == 0)
		take_error(answer, err);
	else
		err_set(err, ERR_PROTOCOL, "answer",
		    "%s gave no proper answer; are its version and the tool's "
		    "the same?",
		    programs[whom]);
	json_free(answer);
	return NULL;
}

struct json *
ask_send(enum ask_whom whom, const char *path, struct json *question,
    int timeout_ms, struct err *err)
{
	struct json *answer = NULL;
	struct buf request, line;
	int fd = -1;

	buf_init(&request, REQUEST_MAX);
	buf_init(&line, ANSWER_MAX);
	if (write_request(&request, question, err) != 0)
		goto out;
	fd = connect_to(whom, path, err);
	if (fd == -1 || send_all(fd, &request, err) != 0 ||
	    read_line(fd, &line, timeout_ms, whom, err) != 0)
		goto out;
	answer = read_answer(&line, whom, err);
out:
	if (fd != -1)
		close(fd);
	buf_clear(&line);
	buf_clear(&request);
	json_free(question);
	return answer;
}

struct json *
ask(enum ask_whom whom, const char *path, const char *verb, const char *account,
    int timeout_ms, struct err *err)
{
	return ask_send(whom, path, ask_new(verb, account), timeout_ms, err);
}

/* --- answers of several lines --------------------------------------------- */

int
ask_open(struct ask_talk *talk, enum ask_whom whom, const char *path,
    struct json *question, struct err *err)
{
	struct buf request;
	int rc = -1;

	talk->whom = whom;
	talk->fd = -1;
	buf_init(&talk->in, ANSWER_MAX);
	buf_init(&request, REQUEST_MAX);
	if (write_request(&request, question, err) == 0)
		talk->fd = connect_to(whom, path, err);
	if (talk->fd != -1)
		rc = send_all(talk->fd, &request, err);
	buf_clear(&request);
	json_free(question);
	return rc;
}

int
ask_more(struct ask_talk *talk, struct err *err)
{
	return read_some(talk->fd, &talk->in, talk->whom, err);
}

int
ask_next(struct ask_talk *talk, struct json **line, struct err *err)
{
	const char *end;
	struct buf one;

	end =
	    talk->in.len > 0 ? memchr(talk->in.data, '\n', talk->in.len) : NULL;
	if (end == NULL)
		return 0;
	buf_init(&one, ANSWER_MAX);
	buf_add(&one, talk->in.data, (size_t)(end + 1 - talk->in.data));
	buf_drop(&talk->in, one.len);
	*line = read_answer(&one, talk->whom, err);
	buf_clear(&one);
	return *line != NULL ? 1 : -1;
}

void
ask_close(struct ask_talk *talk)
{
	if (talk->fd != -1)
		close(talk->fd);
	talk->fd = -1;
	buf_clear(&talk->in);
}

int
ask_exit_code(const struct err *err)
{
	if (strcmp(err->code, "unreachable") == 0 ||
	    strcmp(err->code, "silent") == 0)
		return EX_UNAVAILABLE;
	return err_exit_code(err->kind);
}
