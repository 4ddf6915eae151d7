/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ASK_TOKEN_H
#define POSTOAK_ASK_TOKEN_H

#include "conf.h"
#include "err.h"
#include "json.h"

/*
 * ask_token - an access token from the token socket (common/PROTOCOL, section
 * 1), which answers each user that allow_users names, and not administrators
 * only as the control socket does. Called by token.
 */

/*
 * The token of that account, asked for on tokend's sockets in their order. The
 * answer has the members of the control socket's (user, token, token_id,
 * expires_in) and is freed by the caller. NULL with *err as from ask: tokend's
 * own, or code unreachable or answer.
 */
struct json *ask_token(
    const struct conf *conf, const char *account, struct err *err);

#endif
