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

/* "name[123]: " is syslog's; the message itself begins with the queue id. */
static const char *
behind_id(struct maillog *out, const char *line)
{
	const char *tag = strstr(line, "]: ");
	size_t len = 0;

	if (tag != NULL)
		line = tag + 3;
	while (isalnum((unsigned char)line[len]))
		len++;
	if (len < 5 || len >= sizeof(out->id) || line[len] != ':' ||
	    line[len + 1] != ' ')
		return NULL;
	memcpy(out->id, line, len);
	out->id[len] = '\0';
	return line + len + 2;
}

/* "relay=smtp.office365.com[192.0.2.1]:587, " or sendmail's trailing dot. */
static void
read_server(struct maillog *out, const char *text)
{
	const char *relay = strstr(text, " relay=");
	size_t len;

	if (relay == NULL)
		return;
	copy_until(out->server, sizeof(out->server), relay + 7, "[, ");
	len = strlen(out->server);
	if (len > 0 && out->server[len - 1] == '.')
		out->server[len - 1] = '\0';
}

/* Where the server's words begin: Postfix, sendmail. */
static const char *
find_reply(const char *text)
{
	static const char *const before[] = {" said: ", ", reply=", ", stat="};
	const char *found = NULL;
	size_t i;

	for (i = 0; i < 3 && found == NULL; i++) {
		found = strstr(text, before[i]);
		if (found != NULL)
			found += strlen(before[i]);
	}
	return found;
}

void
maillog_read(struct maillog *out, const char *line)
{
	const char *text, *reply, *end;

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
	read_server(out, text);
	if (strstr(text, ", status=sent (") != NULL ||
	    strstr(text, ", stat=Sent") != NULL) {
		out->kind = MAILLOG_SENT;
		return;
	}
	reply = find_reply(text);
	if (reply == NULL)
		return;
	out->kind = judge(reply);
	copy_until(out->reply, sizeof(out->reply), reply, "");
	end = strstr(out->reply, " (in reply to ");
	if (end != NULL)
		out->reply[end - out->reply] = '\0';
}
