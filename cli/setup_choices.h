/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_CHOICES_H
#define POSTOAK_SETUP_CHOICES_H

#include "err.h"
#include "setup_draft.h"

/*
 * setup_choices - the questions with a list of answers: which service, which
 * grant, which proof, what of an account is to change. Called by setup_ask.
 *
 * Each returns 0, or -1 with *err if nobody answers any more.
 */

/* What is asked for, as bits. */
#define SETUP_ASK_PROVIDER 0x01u
#define SETUP_ASK_IDS 0x02u
#define SETUP_ASK_GRANT 0x04u
#define SETUP_ASK_PROOF 0x08u
#define SETUP_ASK_PASSWORD 0x10u
#define SETUP_ASK_SENDER 0x20u
#define SETUP_ASK_FETCH 0x40u
#define SETUP_ASK_OBJECT 0x80u
#define SETUP_ASK_ALL 0xffu

int setup_choose_changes(
    const struct setup_draft *draft, unsigned *asked, struct err *err);
int setup_choose_provider(struct setup_draft *draft, struct err *err);
int setup_choose_grant(struct setup_draft *draft, struct err *err);
/* is_new_certificate: a key and a certificate are to be made. */
int setup_choose_proof(
    struct setup_draft *draft, int *is_new_certificate, struct err *err);
int setup_choose_fetch(struct setup_draft *draft, struct err *err);

#endif
