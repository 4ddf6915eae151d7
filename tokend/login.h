/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOGIN_H
#define POSTOAK_LOGIN_H

#include "err.h"
#include "json.h"

/*
 * login - a person signs in: one attempt at a time for an account, begun by an
 * administrator at the control socket and never by mail, 15 minutes at most.
 * Until it has succeeded it changes nothing. Called by control; calls
 * login_browser, login_device, account.
 */

struct login;

/* Before end; line is borrowed. */
typedef void login_progress(void *arg, const struct json *line);

/*
 * Once, unless the attempt is cancelled before. answer is what PROTOCOL 2.1
 * says of login, to be freed; NULL with err if it failed.
 */
typedef void login_end(void *arg, struct json *answer, const struct err *err);

/*
 * Begin. method: "browser", "device". NULL with *err, and nothing is called, if
 * there is nothing to sign in for (ERR_CONFIG), or a login is under way
 * (ERR_TEMPORARY, code "busy").
 */
struct login *login_start(const char *account, const char *method,
    login_progress *progress, login_end *end, void *arg, struct err *err);

/*
 * Bring the address a browser was sent to at the end of a sign-in. 0: it is
 * taken, the attempt goes on with it. -1: no attempt by browser is under way
 * (ERR_CONFIG, code "login"), or it is none of its (ERR_PROTOCOL).
 */
int login_bring(const char *account, const char *address, struct err *err);

/* Give it up; nothing is called any more. NULL is allowed. */
void login_cancel(struct login *login);

/* All end with this reason: the end is near. */
void login_dismiss(const struct err *reason);

#endif
