/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONTROL_LOGIN_H
#define POSTOAK_CONTROL_LOGIN_H

#include "client.h"
#include "err.h"
#include "json.h"

/*
 * control_login - login, redirect and logout of common/PROTOCOL 2.1. 0: it is
 * or will be answered; -1 with *err: the caller answers that.
 */

int control_login_in(
    struct client *client, const struct json *request, struct err *err);
int control_login_redirect(
    struct client *client, const struct json *request, struct err *err);
int control_login_out(
    struct client *client, const struct json *request, struct err *err);

#endif
