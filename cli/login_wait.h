/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOGIN_WAIT_H
#define POSTOAK_LOGIN_WAIT_H

#include "conf.h"

/*
 * login_wait - have somebody sign in: show what tokend says they have to do,
 * take the final address of a browser if somebody pastes it, wait for the
 * outcome, and say whether the token will do for mail. Hanging up
 * (Ctrl-C) ends the attempt.
 */

/* method: "browser", "device". Returns the exit code. */
int login_wait(const struct conf *conf, const char *account, const char *method,
    int as_json);

#endif
