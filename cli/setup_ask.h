/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_ASK_H
#define POSTOAK_SETUP_ASK_H

#include "err.h"
#include "setup_draft.h"

/*
 * setup_ask - the questions of "postoak setup", each with a line of help and
 * the place in the portal where the value stands. Called by setup.
 *
 * Both return 0, or -1 with *err if nobody answers any more.
 */

/*
 * Fill the draft. name: the account, NULL: ask. Of an account there is, only
 * what is to change is asked for.
 */
int setup_ask(struct setup_draft *draft, const char *name, struct err *err);

/* Secrets that the draft needs and nobody has given yet. */
int setup_ask_secrets(struct setup_draft *draft, struct err *err);

#endif
