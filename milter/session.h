/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SESSION_H
#define POSTOAK_SESSION_H

#include "counters.h"
#include "err.h"

/*
 * session - the milter protocol, by libmilter: what is negotiated, the
 * callbacks, the edits. libmilter serves all sessions with a few threads, so
 * no callback waits for anything but the counters' file.
 */

/*
 * Register the callbacks and listen on "unix:/path" (mode 0660, group as the
 * directory gives it) or "inet:port@host". A socket on which nobody answers is
 * replaced; a living one, or a file that is none, is ERR_CONFIG. 0 or -1.
 */
int session_listen(
    const char *address, struct counters *counters, struct err *err);

/* Begin to serve, in threads of libmilter's. 0 or -1. */
int session_start(struct err *err);

/* 1 when libmilter ended by itself: there is no milter any more. */
int session_ended(void);

/*
 * No new connections (as far as the socket's file decides that), then wait at
 * most timeout_ms for messages under way, then stop. Messages that come later
 * are answered with a temporary failure.
 */
void session_stop(int timeout_ms);

/* 0, or -1 with ERR_CONFIG if address is none that session_listen takes. */
int session_check_address(const char *address, struct err *err);

#endif
