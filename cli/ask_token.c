/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask_token - one request to the token socket. See ask_token.h.
 */
#include "ask_token.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sock.h"
#include "wire.h"

#define WAIT_MS 60000		    /* the longest that tokend lets wait */
#define SILENCE_MS (WAIT_MS + 5000) /* then it is not coming */

/* The token goes to a mail program, whose server is not known here: any of the
 * account's own will do, they all take the same token. */
static int
write_request(struct buf *out, const struct conf *conf, const char *account,
    struct err *err)
{
	const struct conf_account *found = conf_account_for(conf, account);
	const struct conf_list *hosts;

	if (found == NULL)
		return err_set(err, ERR_CONFIG, "account",
		    "there is no account %.250s in %s", account, conf->path);
	hosts = &found->application->hosts;
	if (wire_put(out, "request", "token", err) == -1 ||
	    wire_put_int(out, "protocol", WIRE_VERSION, err) == -1 ||
	    wire_put(out, "account", account, err) == -1 ||
	    wire_put(out, "service", "imap", err) == -1 ||
	    wire_put(out, "host", hosts->count > 0 ? hosts->items[0] : "",
		err) == -1 ||
	    wire_put_int(out, "wait_ms", WAIT_MS, err) == -1)
		return -1;
	return wire_end(out, err);
}

static int
connect_any(const struct conf *conf, struct err *err)
{
	const struct conf_list *paths = &conf->tokend.listen;
	struct err cause;
	int fd = -1;
	size_t i;

	for (i = 0; i < paths->count && fd == -1; i++) {
		err_clear(&cause);
		fd = sock_connect(paths->items[i], SILENCE_MS, &cause);
		/* The first one is the one for everybody. */
		if (fd == -1 && i == 0)
			err_set(err, ERR_TEMPORARY, "unreachable",
			    "postoak-tokend cannot be asked for a token: %s",
			    cause.text);
	}
	return fd;
}

static int
send_all(int fd, const struct buf *out, struct err *err)
{
	ssize_t n = send(fd, out->data, out->len, MSG_NOSIGNAL);

	if (n == (ssize_t)out->len)
		return 0;
	return err_errno(err, ERR_TEMPORARY, n == -1 ? errno : EAGAIN,
	    "cannot send the request to postoak-tokend");
}

/* One block into *in. */
static int
receive(int fd, struct buf *in, struct err *err)
{
	char *room;
	ssize_t n;

	while (wire_complete(in->data, in->len) == 0) {
		room = buf_reserve(in, 4096);
		if (room == NULL)
			return err_set(err, ERR_PROTOCOL, "answer",
			    "the answer of postoak-tokend is too large");
		n = recv(fd, room, 4096, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_set(err, ERR_TEMPORARY, "silent",
			    "postoak-tokend took the request and gave no "
			    "answer in time; look into its log");
		if (n == 0)
			return err_set(err, ERR_TEMPORARY, "unreachable",
			    "postoak-tokend hung up without an answer; look "
			    "into its log");
		buf_commit(in, (size_t)n);
	}
	return 0;
}

static struct json *
make_answer(const struct wire *wire)
{
	struct json *answer = json_object();
	long long expires_in = 0;

	json_set_int(answer, "version", 1);
	json_set_string(answer, "status", "ok");
	json_set_string(answer, "user", wire_get(wire, "user"));
	json_set_string(answer, "token", wire_get(wire, "token"));
	json_set_string(answer, "token_id", wire_get(wire, "token_id"));
	if (wire_get_int(wire, "expires_in", 0, INT32_MAX, &expires_in, NULL) ==
	    0)
		json_set_int(answer, "expires_in", expires_in);
	return answer;
}

static struct json *
read_answer(struct buf *in, struct err *err)
{
	struct wire wire;

	if (wire_parse(
		&wire, in->data, wire_complete(in->data, in->len), err) == -1 ||
	    wire_answer(&wire, err) == -1)
		return NULL;
	return make_answer(&wire);
}

struct json *
ask_token(const struct conf *conf, const char *account, struct err *err)
{
	struct json *answer = NULL;
	struct buf out, in;
	int fd = -1;

	buf_init(&out, WIRE_REQUEST_MAX);
	buf_init(&in, WIRE_ANSWER_MAX);
	if (write_request(&out, conf, account, err) == 0)
		fd = connect_any(conf, err);
	if (fd != -1 && send_all(fd, &out, err) == 0 &&
	    receive(fd, &in, err) == 0)
		answer = read_answer(&in, err);
	if (fd != -1)
		close(fd);
	buf_clear(&in);
	buf_clear(&out);
	return answer;
}
