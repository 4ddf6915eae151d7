/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONTROL_H
#define POSTOAK_CONTROL_H

#include "err.h"
#include "json.h"

/*
 * control - the milter's control socket (common/PROTOCOL, section 2): JSON
 * lines from root, the milter's own user and members of the admin group. One
 * thread, no waiting for any one client.
 */

struct control;

/*
 * Answer a request: a new object with what is to be in the answer beside
 * "version" and "status", or NULL with *err.
 */
typedef struct json *(*control_verb)(
    const char *verb, const struct json *request, struct err *err);

/* Listen. admin_group may be NULL. NULL with *err. */
struct control *control_open(const char *path, const char *admin_group,
    control_verb verb, struct err *err);

/*
 * Serve until wake_fd is readable or timeout_ms have passed, whichever comes
 * first; at least what is ready is served.
 */
void control_serve(struct control *control, int wake_fd, int timeout_ms);

/* Close all connections and remove the socket. */
void control_close(struct control *control);

#endif
