/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOGIN_PASTE_H
#define POSTOAK_LOGIN_PASTE_H

#include "buf.h"
#include "conf.h"
#include "err.h"

/*
 * login_paste - while a login by browser waits: take the final address from
 * standard input and bring it to tokend. Called by login_wait.
 */

struct login_paste {
	const struct conf *conf;
	const char *account;
	int is_open; /* standard input is to be polled */
	struct buf line;
};

/* Nothing on the terminal is shown from now on. */
void login_paste_begin(
    struct login_paste *paste, const struct conf *conf, const char *account);
void login_paste_end(struct login_paste *paste);

/*
 * Standard input can be read. 1: an address was brought and taken. 0: there is
 * none yet. -1 with *err: it was refused; another one may follow.
 */
int login_paste_more(struct login_paste *paste, struct err *err);

#endif
