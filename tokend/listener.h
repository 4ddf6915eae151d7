/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LISTENER_H
#define POSTOAK_LISTENER_H

#include <sys/types.h>

#include "client.h"
#include "err.h"

struct event_base;

/*
 * listener - a Unix socket that takes connections and hands them to client.
 * Called by server and control.
 */

struct listener;

/* Once. */
void listener_start(struct event_base *base);

/*
 * Take connections on path, from the service manager's socket or one made with
 * this mode. NULL with ERR_CONFIG.
 */
struct listener *listener_open(const struct client_protocol *protocol,
    const char *path, mode_t mode, struct err *err);

/* No more connections there; those that are stay. NULL is allowed. */
void listener_close(struct listener *listener);

/* The end: nothing that was opened may be used any more. */
void listener_close_all(void);

const char *listener_path(const struct listener *listener);

#endif
