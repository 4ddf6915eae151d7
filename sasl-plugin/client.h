/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CLIENT_H
#define POSTOAK_CLIENT_H

#include "buf.h"
#include "err.h"

/*
 * client - the plugin's end of the token socket (common/PROTOCOL, section 1).
 * Called by xoauth2; calls wire.
 *
 * One connection is kept per process. It is given up after a fork, when the
 * daemon has gone, and after every answer that did not come whole and in time:
 * an answer can never be taken for another request's. Any thread may call;
 * none ever waits for another, and none longer than its timeout_ms.
 */

struct client_query {
	const char *path; /* of tokend's socket */
	const char *account;
	const char *service; /* "smtp", "imap" or "pop" */
	const char *host;    /* the server the token will be sent to */
	int wait_ms;	     /* how long tokend may look for a token */
	int timeout_ms;	     /* for all of connect, send and receive */
};

/* A token, with what belongs to it. The strings point into answer. */
struct client_token {
	struct buf answer;
	const char *user;
	const char *token;
	const char *token_id; /* "" if tokend gave none */
};

/*
 * Ask for a token. 0, or -1 with tokend's own error, or ERR_TEMPORARY (not
 * reachable, gone, silent), ERR_CONFIG (path too long) or ERR_PROTOCOL. The
 * strings are as they came: the caller checks what they hold. Release with
 * client_clear_token in either case.
 */
int client_get_token(const struct client_query *query,
    struct client_token *token, struct err *err);

/* Wipe and free. A token that is all zero is fine. */
void client_clear_token(struct client_token *token);

/*
 * Report that the server refused the token with this challenge (base64, at
 * most 2048 bytes). Of the query path, account and timeout_ms are used. 0 or
 * -1 as above.
 */
int client_report_rejected(const struct client_query *query,
    const char *token_id, const char *challenge, struct err *err);

/* Close the kept connection, if there is one. */
void client_close(void);

#endif
