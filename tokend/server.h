/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SERVER_H
#define POSTOAK_SERVER_H

#include "client.h"
#include "conf.h"
#include "err.h"

/*
 * server - the token sockets: common/PROTOCOL section 1. Who asks is known from
 * the kernel; who is not listed gets the same answer whether the account exists
 * or not. Calls account.
 */

extern const struct client_protocol server_protocol;

/*
 * Listen on exactly these paths: those that are new are opened, those that are
 * gone closed. All or nothing: -1 with ERR_CONFIG, and everything is as before.
 */
int server_listen(const struct conf_list *paths, struct err *err);

#endif
