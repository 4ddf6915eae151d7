/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maillog - see maillog.h.
 *
 * Only the code at the beginning of a reply counts: what stands further back
 * may be anybody's words.
 */
#define _GNU_SOURCE /* strcasestr */
#include "maillog.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "postfix_replies.h"

static const struct sign {
	const char *start; /* of the reply */
	const char *words; /* further on in it, or NULL */
	enum maillog_kind kind;
} signs[] = {
    {"554 5.2.0 ", "SubmissionQuotaExceeded", MAILLOG_FULL},
    {"550 5.1.90 ", NULL, MAILLOG_FULL},
    {"554 5.1.90 ", NULL, MAILLOG_FULL},
    {"550 5.2.2 ", "submission quota", MAILLOG_FULL},
    {"554 5.2.2 ", "submission quota", MAILLOG_FULL},
    /* 554 5.2.252 is one message that was refused, not a block. */
    {"550 5.2.251 ", NULL, MAILLOG_BLOCKED},
    {"550 5.2.252 ", NULL, MAILLOG_BLOCKED},
    {"550 5.2.253 ", NULL, MAILLOG_BLOCKED},
    {"550 5.2.254 ", NULL, MAILLOG_BLOCKED},
    {"550 5.2.255 ", NULL, MAILLOG_BLOCKED},
};

static enum maillog_kind
judge(const char *reply)
{
	size_t i;

	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(reply, signs[i].start, strlen(signs[i].start)) ==
			0 &&
		    (signs[i].words == NULL ||
			strcasestr(reply, signs[i].words) != NULL))
			return signs[i].kind;
	return MAILLOG_OTHER;
}

/* Copy up to one of the characters in stop. */
static void
copy_until(char *to, size_t size, const char *from, const char *stop)
{
	size_t len = strcspn(from, stop);

	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

/*
 * Behind syslog's "Nov 24 00:00:01 mx name[123]: ". It is the line's first ": "
 * or there is none (the journal's messages): further on come words that anybody
 * may have chosen, as a subject or the address of a stranger.
 */
static const char *
behind_tag(const char *line)
{
	const char *tag = strstr(line, ": "), *digits;

	if (tag == NULL || tag - line < 4 || tag[-1] != ']')
		return line;
	digits = tag - 1;
	while (digits > line && isdigit((unsigned char)digits[-1]))
		digits--;
	return digits < tag - 1 && digits > line && digits[-1] == '[' ? tag + 2
								      : line;
}

/* The message begins with the queue id. */
static const char *
behind_id(struct maillog *out, const char *line)
{
	size_t len = 0;

	line = behind_tag(line);
	while (isalnum((unsigned char)line[len]))
		len++;
	if (len < 5 || len >= sizeof(out->id) || line[len] != ':' ||
	    line[len + 1] != ' ')
		return NULL;
	memcpy(out->id, line, len);
	out->id[len] = '\0';
	return line + len + 2;
}

/*
 * Behind the ", " that ends this field, or NULL. What is in quotes or angle
 * brackets is somebody's address, whatever it looks like; both mail servers
 * quote it as RFC 5321 does.
 */
static const char *
next_field(const char *text)
{
	int quoted = 0, angle = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '<' || *text == '>'))
			angle = *text == '<';
		else if (!quoted && !angle && strncmp(text, ", ", 2) == 0)
			return text + 2;
	}
	return NULL;
}

/* "smtp.office365.com[192.0.2.1]:587, " or sendmail's trailing dot. */
static void
read_server(struct maillog *out, const char *text)
{
	size_t len;

	copy_until(out->server, sizeof(out->server), text, "[, ");
	len = strlen(out->server);
	if (len > 0 && out->server[len - 1] == '.')
		out->server[len - 1] = '\0';
}

/* Behind what the reply filter (postfix_replies) has put before a reply. */
static const char *
server_words(const char *reply)
{
	static const char code[] = POSTFIX_REPLIES_CODE;
	static const char mark[] = POSTFIX_REPLIES_MARK;
	const char *said = reply + sizeof(code) - 1;

	if (strncmp(reply, code, sizeof(code) - 1) != 0 ||
	    (*said != ' ' && *said != '-') ||
	    strncmp(said + 1, mark, sizeof(mark) - 1) != 0)
		return reply;
	return said + sizeof(mark);
}

static void
read_reply(struct maillog *out, const char *reply)
{
	char *end;

	reply = server_words(reply);
	out->kind = judge(reply);
	copy_until(out->reply, sizeof(out->reply), reply, "");
	end = strstr(out->reply, " (in reply to ");
	if (end != NULL)
		*end = '\0';
}

/* 1 if the field is the last one of interest: the server's words follow. */
static int
read_field(struct maillog *out, const char *text)
{
	const char *said;

	if (strncmp(text, "relay=", 6) == 0) {
		read_server(out, text + 6);
		return 0;
	}
	if (strncmp(text, "status=sent (", 13) == 0 ||
	    strncmp(text, "stat=Sent", 9) == 0) {
		out->kind = MAILLOG_SENT;
		return 1;
	}
	if (strncmp(text, "status=", 7) == 0) {
		said = strstr(text, " said: ");
		if (said != NULL)
			read_reply(out, said + 7);
		return 1;
	}
	if (strncmp(text, "reply=", 6) == 0 || strncmp(text, "stat=", 5) == 0) {
		read_reply(out, strchr(text, '=') + 1);
		return 1;
	}
	return 0;
}

void
maillog_read(struct maillog *out, const char *line)
{
	const char *text;

	memset(out, 0, sizeof(*out));
	text = behind_id(out, line);
	if (text == NULL)
		return;
	if (strncmp(text, "from=<", 6) == 0) {
		out->kind = MAILLOG_FROM;
		copy_until(out->sender, sizeof(out->sender), text + 6, ">");
		return;
	}
	if (strncmp(text, "to=", 3) != 0)
		return;
	while (text != NULL && !read_field(out, text))
		text = next_field(text);
}
