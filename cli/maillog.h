/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MAILLOG_H
#define POSTOAK_MAILLOG_H

#include <stddef.h>

/*
 * maillog - what a line of Postfix' or sendmail's log says about a message's
 * way to the provider. Pure. Called by watch.
 */

#define MAILLOG_ID_MAX 64
#define MAILLOG_SENDER_MAX 400
#define MAILLOG_SERVER_MAX 256
#define MAILLOG_REPLY_MAX 300

enum maillog_kind {
	MAILLOG_OTHER,
	MAILLOG_FROM,	 /* id, sender */
	MAILLOG_SENT,	 /* id */
	MAILLOG_FULL,	 /* id, server, reply: the quota is used up */
	MAILLOG_BLOCKED, /* the same: the mailbox is blocked */
};

struct maillog {
	enum maillog_kind kind;
	char id[MAILLOG_ID_MAX];
	char sender[MAILLOG_SENDER_MAX];
	char server[MAILLOG_SERVER_MAX];
	char reply[MAILLOG_REPLY_MAX];
};

/* Read a line; with or without what syslog puts before the message. */
void maillog_read(struct maillog *out, const char *line);

#endif
