/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MESSAGE_H
#define POSTOAK_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "rewrite.h"
#include "route.h"

/*
 * message - what is known of the message under way. Knows nothing of libmilter.
 * However large a message, what is kept of it is bounded.
 */

#define MESSAGE_SENDER_MAX 1024		 /* bytes of the envelope sender */
#define MESSAGE_LOGIN_MAX 512		 /* bytes of the SASL login */
#define MESSAGE_DOMAINS_MAX (256 * 1024) /* bytes of recipients' domains */
#define MESSAGE_QUIET_MAX (64 * 1024)	 /* bytes of a notice's recipients */
#define MESSAGE_VALUES_MAX (64 * 1024)	 /* bytes of field values */

struct message {
	struct config *config; /* the snapshot it began with */
	char sender[MESSAGE_SENDER_MAX];
	char login[MESSAGE_LOGIN_MAX];
	struct route_client client;
	char client_text[64];
	int utf8;	 /* addresses need not be ASCII (SMTPUTF8) */
	int broken;	 /* a field that stays has a bare CR or LF */
	int can_hold;	 /* its MTA has a hold queue */
	long long size;	 /* as declared with SIZE=, 0 if it was not */
	long long bytes; /* seen, if the body was asked for */
	size_t recipients;
	unsigned long long digest; /* of sender, recipients and fields */
	size_t unlisted;    /* recipients that did not fit into domains */
	struct buf domains; /* a NUL-terminated key per recipient */
	/* Recipients of a message with the null sender, NUL-terminated; empty
	 * for others and when they did not fit. */
	struct buf quiet;
	struct buf values;
	struct {
		size_t count;
		struct {
			size_t start;
			size_t len;
			int cut;
		} kept[REWRITE_KEPT_MAX];
	} fields[REWRITE_NAMES];
};

void message_init(struct message *message);

/* Forget the message; the connection's client is kept. */
void message_reset(struct message *message);
void message_clear(struct message *message);

/*
 * MAIL: takes a reference to the configuration from the caller. A sender
 * without angle brackets comes from the sendmail command, whose messages are
 * SMTPUTF8 when they need to be.
 */
void message_mail(struct message *message, struct config *config,
    const char *sender, const char *login, long long size);

/* MAIL had the parameter SMTPUTF8. */
void message_utf8(struct message *message);

void message_rcpt(struct message *message, const char *recipient);
void message_header(
    struct message *message, const char *name, const char *value);
void message_body(struct message *message, size_t len);

/* What rewrite looks at; *input borrows from message. */
void message_input(const struct message *message, struct rewrite_input *input);

#endif
