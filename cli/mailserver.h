/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MAILSERVER_H
#define POSTOAK_MAILSERVER_H

#include <stddef.h>

#include "conf.h"

/*
 * mailserver - which of an application's hosts speaks which protocol, and which
 * permission a token needs there. Pure. Called by check_account, check_server
 * and postfix_member.
 */

enum mailserver_protocol { MAILSERVER_SMTP, MAILSERVER_IMAP, MAILSERVER_POP };

#define MAILSERVER_PROTOCOLS 3

/* What a token must hold to log in by a protocol. */
struct mailserver_permission {
	const char *protocol;  /* "SMTP" */
	const char *delegated; /* in scp: a person has signed in */
	const char *app;       /* in roles: the application by itself */
};

const struct mailserver_permission *mailserver_permission(
    enum mailserver_protocol protocol);

/*
 * The server for that protocol, "HOST" or "HOST:PORT", lives as long as the
 * configuration: the one that is configured; else the first of hosts whose name
 * begins with the protocol's; else the first whose name begins with no
 * protocol's; for SMTP else the first. NULL if there is none.
 */
const char *mailserver_of(const struct conf_application *application,
    enum mailserver_protocol protocol);

/*
 * Take "HOST", "HOST:PORT" or "[IPv6]:PORT" apart; without a port it is the
 * protocol's. host has no brackets. 0, or -1 if it is none.
 */
int mailserver_split(const char *server, enum mailserver_protocol protocol,
    char *host, size_t size, int *port);

#endif
