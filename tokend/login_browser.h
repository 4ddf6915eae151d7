/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOGIN_BROWSER_H
#define POSTOAK_LOGIN_BROWSER_H

#include "err.h"
#include "login_method.h"

/*
 * login_browser - sign in with a browser (RFC 6749 section 4.1, RFC 7636, RFC
 * 8252): say which address to open, wait until the browser is sent back here
 * or the final address is brought in, whichever comes first, and exchange the
 * code in it. Called by login; calls account, authorize, landing, redirect.
 */

struct login_browser;

/* NULL with *err if it cannot even be begun; end is not called then. */
struct login_browser *login_browser_start(
    const struct login_method *method, struct err *err);

/*
 * Somebody brings the final address. 0: it is taken, the outcome follows, maybe
 * before this returns. -1: it is none of this attempt, which goes on.
 */
int login_browser_bring(
    struct login_browser *browser, const char *address, struct err *err);

/* Nothing is called any more. NULL is allowed. */
void login_browser_free(struct login_browser *browser);

#endif
