/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MAILPROBE_H
#define POSTOAK_MAILPROBE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mailwire.h"

/*
 * mailprobe - log in to a mail server with a token, as Postfix and IMAP and POP
 * clients do, and look in: nothing is changed there. With SMTP, a message can
 * be handed over. Called by check_server.
 */

/* How far it came. */
enum mailprobe_stage {
	MAILPROBE_CONNECT, /* no verified connection: err says why */
	MAILPROBE_OFFER,   /* the server does not offer XOAUTH2 */
	MAILPROBE_LOGIN,   /* refused: reply */
	MAILPROBE_MAILBOX, /* IMAP, POP: the login opens no mailbox: reply */
	MAILPROBE_SENDER,  /* the message was refused here: reply */
	MAILPROBE_RECIPIENT,
	MAILPROBE_DATA,
	MAILPROBE_BROKEN, /* the connection ended in between: err says why */
	MAILPROBE_DONE,
};

struct mailprobe_message {
	const char *from; /* envelope sender and From field */
	const char *to;
	int64_t now_s;
};

struct mailprobe {
	struct mailwire_server server;
	const char *user;
	const char *token;
	const struct mailprobe_message *message; /* SMTP only; NULL: none */
};

struct mailprobe_result {
	enum mailprobe_stage stage;
	struct err err;
	char reply[1024]; /* the server's last words, lines joined by blanks */
	char address[64]; /* whom the server says it talks to (SMTP), or "" */
	int64_t folders;  /* IMAP */
	int64_t messages; /* IMAP: in INBOX; POP */
};

/*
 * XOAUTH2's string in base64, in one line. 0, or -1 if user or token hold what
 * must not be in there (^A, line ends) or the buffer is too small.
 */
int mailprobe_xoauth2(struct buf *out, const char *user, const char *token);

/* Do it all within timeout_ms, one connection. */
void mailprobe_run(const struct mailprobe *probe, int timeout_ms,
    struct mailprobe_result *result);

#endif
