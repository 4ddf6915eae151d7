/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailprobe - SMTP, IMAP and POP as far as a login. See mailprobe.h.
 *
 * The token goes on a line of its own, behind the server's continuation: POP of
 * Exchange and SMTP of Gmail take it in no other way. An error challenge is
 * answered with an empty line, so that the server's final words come.
 */
#define _GNU_SOURCE /* strcasestr */
#include "mailprobe.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "buf.h"

#define TOKEN_LINE_MAX 65536
#define LINES_MAX 2000 /* of one answer: no server has more folders to show */

/* A session under way. */
struct session {
	const struct mailprobe *probe;
	struct mailprobe_result *result;
	struct mailwire *wire;
};

/* --- the mechanism -------------------------------------------------------- */

static int
add_base64(struct buf *out, const unsigned char *data, size_t len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char four[4];
	size_t i, have;
	unsigned bits;

	for (i = 0; i < len; i += 3) {
		have = len - i < 3 ? len - i : 3;
		bits = (unsigned)data[i] << 16;
		bits |= have > 1 ? (unsigned)data[i + 1] << 8 : 0;
		bits |= have > 2 ? data[i + 2] : 0;
		four[0] = digits[bits >> 18];
		four[1] = digits[bits >> 12 & 63];
		four[2] = '=';
		four[3] = '=';
		if (have > 1)
			four[2] = digits[bits >> 6 & 63];
		if (have > 2)
			four[3] = digits[bits & 63];
		if (buf_add(out, four, sizeof(four)) == -1)
			return -1;
	}
	return 0;
}

int
mailprobe_xoauth2(struct buf *out, const char *user, const char *token)
{
	static const char bad[] = "\001\r\n";
	struct buf plain;
	int rc = -1;

	if (strpbrk(user, bad) != NULL || strpbrk(token, bad) != NULL)
		return -1;
	buf_init(&plain, TOKEN_LINE_MAX);
	if (buf_addf(&plain, "user=%s\001auth=Bearer ", user) == 0 &&
	    buf_adds(&plain, token) == 0 && buf_adds(&plain, "\001\001") == 0)
		rc = add_base64(
		    out, (const unsigned char *)plain.data, plain.len);
	buf_clear(&plain);
	return rc;
}

/* --- common --------------------------------------------------------------- */

static int
end_at(struct session *session, enum mailprobe_stage stage)
{
	session->result->stage = stage;
	return -1;
}

static int
say(struct session *session, const char *line)
{
	if (mailwire_send(session->wire, line, &session->result->err) == 0)
		return 0;
	return end_at(session, MAILPROBE_BROKEN);
}

static const char *
hear(struct session *session)
{
	const char *line = mailwire_line(session->wire, &session->result->err);

	if (line == NULL)
		end_at(session, MAILPROBE_BROKEN);
	return line;
}

static int
say_token(struct session *session)
{
	struct buf line;
	int rc;

	buf_init(&line, 2 * TOKEN_LINE_MAX);
	rc = mailprobe_xoauth2(
	    &line, session->probe->user, session->probe->token);
	if (rc == 0)
		rc = say(session, line.data);
	else
		rc = end_at(session, MAILPROBE_LOGIN);
	buf_clear(&line);
	return rc;
}

static void
keep_reply(struct mailprobe_result *result, const char *text)
{
	snprintf(result->reply, sizeof(result->reply), "%s", text);
}

static int
begins(const char *line, const char *word)
{
	return strncasecmp(line, word, strlen(word)) == 0;
}

/* 1 if a line of the greeting with that keyword offers the mechanism. */
static int
is_offered(const char *greeting, const char *keyword)
{
	const char *line = greeting, *end, *at;

	for (; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		at = strcasestr(line, keyword);
		if (at == NULL || at >= end)
			continue;
		at = strcasestr(at, "XOAUTH2");
		if (at != NULL && at < end)
			return 1;
	}
	return 0;
}

/* --- SMTP ----------------------------------------------------------------- */

/* A whole reply, its further lines without their codes; its code, or -1. */
static int
smtp_reply(struct session *session)
{
	struct mailprobe_result *result = session->result;
	size_t used = 0, skip = 0;
	const char *line;
	int code, n;

	result->reply[0] = '\0';
	do {
		line = hear(session);
		if (line == NULL)
			return -1;
		code = strspn(line, "0123456789") == 3 ? atoi(line) : 0;
		if (code != 0 && used > 0)
			skip = line[3] != '\0' ? 4 : 3;
		n = snprintf(result->reply + used, sizeof(result->reply) - used,
		    "%s%s", used > 0 ? " " : "", line + skip);
		used += (size_t)n;
		if (used >= sizeof(result->reply))
			used = sizeof(result->reply) - 1;
	} while (code != 0 && line[3] == '-');
	/* "250-first" reads as well with a blank. */
	if (result->reply[0] != '\0' && result->reply[3] == '-')
		result->reply[3] = ' ';
	return code;
}

static int
smtp_ask(struct session *session, const char *line)
{
	return say(session, line) == 0 ? smtp_reply(session) : -1;
}

/* "250-server Hello [192.0.2.10]" */
static void
find_address(struct mailprobe_result *result, const char *greeting)
{
	const char *hello = strcasestr(greeting, "hello");
	const char *open = hello != NULL ? strchr(hello, '[') : NULL;
	size_t len = open != NULL ? strcspn(open + 1, "]\r\n") : 0;

	if (len == 0 || open[1 + len] != ']' ||
	    len >= sizeof(result->address) ||
	    strcspn(hello, "\n") < (size_t)(open - hello) ||
	    strspn(open + 1, "0123456789abcdefABCDEF:.") != len)
		return;
	memcpy(result->address, open + 1, len);
	result->address[len] = '\0';
}

static int
smtp_login(struct session *session)
{
	const char *greeting = mailwire_greeting(session->wire);
	int code;

	find_address(session->result, greeting);
	if (!is_offered(greeting, "AUTH"))
		return end_at(session, MAILPROBE_OFFER);
	code = smtp_ask(session, "AUTH XOAUTH2");
	if (code == 334 && say_token(session) == 0)
		code = smtp_reply(session);
	if (code == 334)
		code = smtp_ask(session, "");
	if (code == 235)
		return 0;
	return code == -1 ? -1 : end_at(session, MAILPROBE_LOGIN);
}

/* Text lines of ours only: none begins with a dot. */
static void
make_message(struct buf *out, const struct mailprobe_message *message)
{
	char date[64];
	struct tm tm;
	time_t now = (time_t)message->now_s;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_addf(out, "From: <%s>\r\nTo: <%s>\r\nDate: %s\r\n", message->from,
	    message->to, date);
	buf_addf(out, "Message-ID: <postoak.check.%lld@%s>\r\n",
	    (long long)message->now_s, strchr(message->from, '@') + 1);
	buf_adds(out, "Subject: Test message of postoak check\r\n"
		      "MIME-Version: 1.0\r\n"
		      "Content-Type: text/plain; charset=us-ascii\r\n"
		      "Auto-Submitted: auto-generated\r\n\r\n"
		      "\"postoak check --send\" has sent this message. That it "
		      "arrived shows that the\r\naccount may send; look at its "
		      "Authentication-Results for SPF, DKIM and DMARC.\r\n.");
}

/* One step of handing over; the code it must begin with. */
static int
step(struct session *session, int wanted, enum mailprobe_stage stage,
    const char *command, const char *address)
{
	char line[1024];
	int code;

	snprintf(line, sizeof(line), "%s%s", command, address);
	code = smtp_ask(session, line);
	if (code / 100 == wanted)
		return 0;
	return code == -1 ? -1 : end_at(session, stage);
}

static int
smtp_send(struct session *session)
{
	const struct mailprobe_message *message = session->probe->message;
	char from[512], to[512];
	struct buf text;
	int rc;

	if (message == NULL)
		return 0;
	snprintf(from, sizeof(from), "<%s>", message->from);
	snprintf(to, sizeof(to), "<%s>", message->to);
	if (step(session, 2, MAILPROBE_SENDER, "MAIL FROM:", from) != 0 ||
	    step(session, 2, MAILPROBE_RECIPIENT, "RCPT TO:", to) != 0 ||
	    step(session, 3, MAILPROBE_DATA, "DATA", "") != 0)
		return -1;
	buf_init(&text, TOKEN_LINE_MAX);
	make_message(&text, message);
	rc = smtp_ask(session, text.data != NULL ? text.data : ".");
	buf_clear(&text);
	if (rc / 100 == 2)
		return 0;
	return rc == -1 ? -1 : end_at(session, MAILPROBE_DATA);
}

static int
smtp(struct session *session)
{
	return smtp_login(session) == 0 ? smtp_send(session) : -1;
}

/* --- IMAP ----------------------------------------------------------------- */

static void
look_at_untagged(struct mailprobe_result *result, const char *line)
{
	const char *count = strcasestr(line, "MESSAGES ");

	if (begins(line, "* LIST "))
		result->folders++;
	else if (begins(line, "* STATUS ") && count != NULL)
		result->messages = strtoll(count + 9, NULL, 10);
}

/* Until the tagged line, which is kept: 1 if it says OK, 0 if not, 2 if the
 * server goes on with "+", or -1. */
static int
imap_answer(struct session *session)
{
	const char *line;
	int n;

	for (n = 0; n < LINES_MAX; n++) {
		line = hear(session);
		if (line == NULL)
			return -1;
		if (line[0] == '+')
			return 2;
		if (begins(line, "p ")) {
			keep_reply(session->result, line + 2);
			return begins(line + 2, "OK");
		}
		if (begins(line, "* BYE")) {
			keep_reply(session->result, line + 2);
			return 0;
		}
		look_at_untagged(session->result, line);
	}
	return 0;
}

static int
imap_ask(struct session *session, const char *line)
{
	return say(session, line) == 0 ? imap_answer(session) : -1;
}

static int
imap(struct session *session)
{
	int rc;

	if (!is_offered(mailwire_greeting(session->wire), "AUTH="))
		return end_at(session, MAILPROBE_OFFER);
	rc = imap_ask(session, "p AUTHENTICATE XOAUTH2");
	if (rc == 2)
		rc = say_token(session) == 0 ? imap_answer(session) : -1;
	if (rc == 2)
		rc = imap_ask(session, "");
	if (rc != 1)
		return rc == -1 ? -1 : end_at(session, MAILPROBE_LOGIN);
	/* Exchange says OK to a token that opens no mailbox, and BAD here. */
	rc = imap_ask(session, "p LIST \"\" \"*\"");
	if (rc == 1)
		rc = imap_ask(session, "p STATUS INBOX (MESSAGES)");
	if (rc != 1)
		return rc == -1 ? -1 : end_at(session, MAILPROBE_MAILBOX);
	return 0;
}

/* --- POP ------------------------------------------------------------------ */

/* 1 "+OK", 0 "-ERR", 2 "+ ", or -1. */
static int
pop_ask(struct session *session, const char *request)
{
	const char *line;

	if (request != NULL && say(session, request) != 0)
		return -1;
	line = hear(session);
	if (line == NULL)
		return -1;
	keep_reply(session->result, line);
	if (begins(line, "+OK"))
		return 1;
	return line[0] == '+' ? 2 : 0;
}

static int
pop(struct session *session)
{
	int rc;

	if (!is_offered(mailwire_greeting(session->wire), "SASL"))
		return end_at(session, MAILPROBE_OFFER);
	rc = pop_ask(session, "AUTH XOAUTH2");
	if (rc == 2)
		rc = say_token(session) == 0 ? pop_ask(session, NULL) : -1;
	if (rc == 2)
		rc = pop_ask(session, "");
	if (rc != 1)
		return rc == -1 ? -1 : end_at(session, MAILPROBE_LOGIN);
	rc = pop_ask(session, "STAT");
	if (rc != 1)
		return rc == -1 ? -1 : end_at(session, MAILPROBE_MAILBOX);
	session->result->messages =
	    strtoll(session->result->reply + strlen("+OK"), NULL, 10);
	return 0;
}

/* --- all together --------------------------------------------------------- */

void
mailprobe_run(const struct mailprobe *probe, int timeout_ms,
    struct mailprobe_result *result)
{
	static int (*const talk[])(struct session *) = {
	    [MAILWIRE_SMTP] = smtp,
	    [MAILWIRE_IMAP] = imap,
	    [MAILWIRE_POP] = pop,
	};
	struct session session = {.probe = probe, .result = result};

	memset(result, 0, sizeof(*result));
	session.wire = mailwire_open(&probe->server, timeout_ms, &result->err);
	if (session.wire == NULL)
		result->stage = MAILPROBE_CONNECT;
	else if (talk[probe->server.protocol](&session) == 0)
		result->stage = MAILPROBE_DONE;
	mailwire_close(session.wire);
}
