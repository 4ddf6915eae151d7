/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MAILWIRE_H
#define POSTOAK_MAILWIRE_H

#include <stddef.h>

#include "err.h"

/*
 * mailwire - a connection to a mail server that has shown a certificate for its
 * name, and lines over it. The tool's door to libcurl, which resolves, connects
 * (through a proxy as well), greets, says STARTTLS and verifies; what follows
 * is said by mailprobe. Called by mailprobe.
 */

enum mailwire_protocol { MAILWIRE_SMTP, MAILWIRE_IMAP, MAILWIRE_POP };

struct mailwire_server {
	enum mailwire_protocol protocol;
	const char *host; /* a name, or an IP address without brackets */
	int port;
	const char *proxy;   /* URL, or NULL */
	const char *ca_file; /* NULL: the system's */
};

struct mailwire; /* a connection; closed by mailwire_close */

/*
 * Connect within timeout_ms. NULL with *err: its code is one of "resolve",
 * "connect", "proxy", "certificate", "tls" (no TLS could be agreed on),
 * "starttls" (not offered), "ca_file", "greeting", "timeout"; its text says
 * what happened without naming the server. No connection that is given back is
 * without TLS 1.2 or later and a verified name.
 */
struct mailwire *mailwire_open(
    const struct mailwire_server *server, int timeout_ms, struct err *err);
void mailwire_close(struct mailwire *wire);

/* What the server said until TLS stood and behind it: lines without their ends,
 * separated by line feeds; lives as long as the connection. */
const char *mailwire_greeting(const struct mailwire *wire);

/*
 * Send a line (its end is added) within what is left of the time; whether it is
 * a secret decides nothing, for nothing is logged. 0 or -1.
 */
int mailwire_send(struct mailwire *wire, const char *line, struct err *err);

/*
 * The server's next line, without its end; valid until the next call. NULL with
 * *err: code "timeout" or "closed", or "line" if it is longer than 64 KiB.
 */
const char *mailwire_line(struct mailwire *wire, struct err *err);

#endif
