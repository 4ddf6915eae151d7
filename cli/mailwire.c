/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailwire - libcurl as the way to a mail server. See mailwire.h.
 *
 * CURLOPT_CONNECT_ONLY has libcurl do everything up to the login. It would log
 * in as well, but gives up at Gmail's and Dovecot's error challenge, before the
 * words that say why; and it is to have no token to send.
 */
#include "mailwire.h"

#include <curl/curl.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"

#define LINE_MAX_LEN 65536
#define GREETING_MAX 16384
#define BLOCK 4096
#define GOODBYE_S 2 /* for libcurl's own QUIT or LOGOUT at the end */

struct mailwire {
	CURL *easy;
	struct buf greeting;
	struct buf in;	  /* received, not yet handed out */
	size_t taken;	  /* bytes of it that were */
	int64_t until_ms; /* clock_boot_ms */
	char reason[CURL_ERROR_SIZE];
};

/* --- connecting ----------------------------------------------------------- */

/* libcurl hands over what servers say as if they were headers. */
static size_t
take_greeting(char *data, size_t size, size_t count, void *arg)
{
	struct mailwire *wire = arg;

	(void)size; /* always 1 */
	(void)buf_add(&wire->greeting, data, count);
	return count;
}

/* A body is not asked for, and must not come on standard output. */
static size_t
drop_body(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)size;
	(void)arg;
	return count;
}

#define SET(option, value)                                                     \
	(ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK)

static int
set_server(CURL *easy, const struct mailwire_server *server)
{
	static const struct {
		const char *plain;
		const char *tls;
		int tls_port; /* TLS from the first byte there */
	} schemes[] = {
	    [MAILWIRE_SMTP] = {"smtp", "smtps", 465},
	    [MAILWIRE_IMAP] = {"imap", "imaps", 143},
	    [MAILWIRE_POP] = {"pop3", "pop3s", 110},
	};
	/* Submission begins with STARTTLS but on its one port; IMAP and POP the
	 * other way round. */
	int smtp = server->protocol == MAILWIRE_SMTP;
	int same = server->port == schemes[server->protocol].tls_port;
	int is_ipv6 = strchr(server->host, ':') != NULL;
	char url[512];
	int ok = 1;

	snprintf(url, sizeof(url), "%s://%s%s%s:%d",
	    smtp == same ? schemes[server->protocol].tls
			 : schemes[server->protocol].plain,
	    is_ipv6 ? "[" : "", server->host, is_ipv6 ? "]" : "", server->port);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps,imap,imaps,pop3,pop3s");
	SET(CURLOPT_CONNECT_ONLY, 1L);
	/* An empty string is "none", also against the environment. */
	SET(CURLOPT_PROXY, server->proxy != NULL ? server->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
	return ok;
}

static int
set_security(CURL *easy, const struct mailwire_server *server)
{
	int ok = 1;

	SET(CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (server->ca_file != NULL) {
		SET(CURLOPT_CAINFO, server->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	return ok;
}

static int
set_rest(struct mailwire *wire, int timeout_ms)
{
	CURL *easy = wire->easy;
	int ok = 1;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	/* Else it would give up after two minutes, and before, say nothing. */
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(timeout_ms / 1000 + 1));
	SET(CURLOPT_HEADERFUNCTION, take_greeting);
	SET(CURLOPT_HEADERDATA, wire);
	SET(CURLOPT_WRITEFUNCTION, drop_body);
	SET(CURLOPT_ERRORBUFFER, wire->reason);
	return ok;
}

/* The last line that the server said; the caller frees it. */
static char *
last_line(const struct buf *said)
{
	size_t end = said->len, start;

	while (end > 0 && strchr("\r\n", said->data[end - 1]) != NULL)
		end--;
	for (start = end; start > 0 && said->data[start - 1] != '\n'; start--)
		;
	return mem_strndup(end > 0 ? said->data + start : "", end - start);
}

static int
fail(const struct mailwire *wire, CURLcode code, struct err *err)
{
	const char *reason =
	    *wire->reason != '\0' ? wire->reason : curl_easy_strerror(code);
	char *said;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, ERR_TEMPORARY, "resolve",
		    "its name is not known here");
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return err_set(err, ERR_TEMPORARY, "proxy", "%s", reason);
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(err, ERR_CONFIG, "certificate", "%s", reason);
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, ERR_CONFIG, "ca_file", "%s", reason);
	case CURLE_USE_SSL_FAILED:
		return err_set(err, ERR_CONFIG, "starttls", "%s", reason);
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(err, ERR_CONFIG, "tls", "%s", reason);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(
		    err, ERR_TEMPORARY, "timeout", "no answer in time");
	case CURLE_WEIRD_SERVER_REPLY:
		said = last_line(&wire->greeting);
		err_set(err, ERR_TEMPORARY, "greeting", "it says: %s", said);
		free(said);
		return -1;
	default:
		return err_set(err, ERR_TEMPORARY, "connect", "%s", reason);
	}
}

struct mailwire *
mailwire_open(
    const struct mailwire_server *server, int timeout_ms, struct err *err)
{
	struct mailwire *wire = mem_zalloc(1, sizeof(*wire));
	CURLcode code = CURLE_OUT_OF_MEMORY;

	buf_init(&wire->greeting, GREETING_MAX);
	buf_init(&wire->in, LINE_MAX_LEN + BLOCK);
	wire->until_ms = clock_boot_ms() + timeout_ms;
	wire->easy = curl_easy_init();
	if (wire->easy != NULL && set_server(wire->easy, server) &&
	    set_security(wire->easy, server) && set_rest(wire, timeout_ms))
		code = curl_easy_perform(wire->easy);
	if (code == CURLE_OK)
		return wire;
	fail(wire, code, err);
	mailwire_close(wire);
	return NULL;
}

void
mailwire_close(struct mailwire *wire)
{
	if (wire == NULL)
		return;
	/* A server that is silent at the end as well is not waited for. */
	curl_easy_setopt(
	    wire->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)GOODBYE_S);
	curl_easy_cleanup(wire->easy);
	buf_clear(&wire->greeting);
	buf_clear(&wire->in);
	free(wire);
}

const char *
mailwire_greeting(const struct mailwire *wire)
{
	return wire->greeting.data != NULL ? wire->greeting.data : "";
}

/* --- lines ---------------------------------------------------------------- */

/* Until the socket is ready. -1 with *err when time is over. */
static int
wait_for(struct mailwire *wire, short events, struct err *err)
{
	struct pollfd ready = {.fd = -1, .events = events};
	curl_socket_t fd = CURL_SOCKET_BAD;
	int64_t left_ms;
	int n;

	curl_easy_getinfo(wire->easy, CURLINFO_ACTIVESOCKET, &fd);
	ready.fd = fd;
	do {
		left_ms = wire->until_ms - clock_boot_ms();
		n = left_ms <= 0 ? 0 : poll(&ready, 1, (int)left_ms);
	} while (n == -1 && errno == EINTR);
	if (n == 1)
		return 0;
	return err_set(err, ERR_TEMPORARY, "timeout", "no answer in time");
}

static int
send_all(struct mailwire *wire, const char *data, size_t len, struct err *err)
{
	size_t done = 0, sent;
	CURLcode code;

	while (done < len) {
		sent = 0;
		code =
		    curl_easy_send(wire->easy, data + done, len - done, &sent);
		done += sent;
		if (code == CURLE_AGAIN) {
			if (wait_for(wire, POLLOUT, err) != 0)
				return -1;
		} else if (code != CURLE_OK) {
			return err_set(err, ERR_TEMPORARY, "closed",
			    "it closed the connection");
		}
	}
	return 0;
}

int
mailwire_send(struct mailwire *wire, const char *line, struct err *err)
{
	struct buf out;
	int rc = -1;

	buf_init(&out, LINE_MAX_LEN);
	if (buf_adds(&out, line) == 0 && buf_adds(&out, "\r\n") == 0)
		rc = send_all(wire, out.data, out.len, err);
	else
		err_set(err, ERR_BUG, "line", "a line is too long");
	buf_clear(&out);
	return rc;
}

static int
receive(struct mailwire *wire, struct err *err)
{
	char *room = buf_reserve(&wire->in, BLOCK);
	size_t n = 0;
	CURLcode code;

	if (room == NULL)
		return err_set(err, ERR_TEMPORARY, "line",
		    "a line of its answer is too long");
	while (
	    (code = curl_easy_recv(wire->easy, room, BLOCK, &n)) == CURLE_AGAIN)
		if (wait_for(wire, POLLIN, err) != 0)
			return -1;
	if (code != CURLE_OK || n == 0)
		return err_set(
		    err, ERR_TEMPORARY, "closed", "it closed the connection");
	buf_commit(&wire->in, n);
	return 0;
}

const char *
mailwire_line(struct mailwire *wire, struct err *err)
{
	char *end;

	buf_drop(&wire->in, wire->taken);
	wire->taken = 0;
	while (wire->in.len == 0 ||
	       (end = memchr(wire->in.data, '\n', wire->in.len)) == NULL)
		if (receive(wire, err) != 0)
			return NULL;
	wire->taken = (size_t)(end - wire->in.data) + 1;
	*end = '\0';
	if (end > wire->in.data && end[-1] == '\r')
		end[-1] = '\0';
	return wire->in.data;
}
