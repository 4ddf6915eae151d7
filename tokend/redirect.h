/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REDIRECT_H
#define POSTOAK_REDIRECT_H

#include "buf.h"
#include "err.h"

struct event_base;

/*
 * redirect - the door to evhttp: a small HTTP server on loopback, to which a
 * browser is sent back after a sign-in (RFC 8252 section 7.3). Called by
 * login_browser.
 *
 * On 127.0.0.1 and, where there is IPv6, ::1, on the same port of the dynamic
 * range. It answers requests whose Host is this host itself, so that no web
 * page can reach it under a name of its own (DNS rebinding), and is bounded in
 * connections, time and size. A request is never kept waiting: the browser is
 * sent on to an address that only it knows and asks there for the outcome.
 */

#define REDIRECT_PORT_MIN 49152 /* the unit lets these be bound, no others */
#define REDIRECT_PORT_MAX 65535
#define REDIRECT_CONNECTIONS 100 /* of one attempt, in all */

struct redirect;

/*
 * A browser has come to "/" with that query ("" if there is none). 1: taken,
 * the outcome follows with redirect_outcome. 0: page holds what is wrong.
 */
typedef int redirect_arrived(void *arg, const char *query, struct buf *page);

/* Once. And the end: those that still answer are closed. */
void redirect_start(struct event_base *base);
void redirect_stop(void);

/* NULL with ERR_TEMPORARY: no port can be had. */
struct redirect *redirect_open(
    redirect_arrived *arrived, void *arg, struct err *err);

unsigned int redirect_port(const struct redirect *redirect);

/* What a browser that was taken is shown at last; the page is taken. */
void redirect_outcome(struct redirect *redirect, struct buf *page);

/*
 * Nothing is called any more. A browser that waits for the outcome has a few
 * seconds to fetch it; then the ports are closed, else at once. NULL is
 * allowed; also from inside arrived.
 */
void redirect_close(struct redirect *redirect);

#endif
