/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ANSWER_H
#define POSTOAK_ANSWER_H

#include <libmilter/mfapi.h>

#include "decide.h"

/*
 * answer - tell the MTA what was decided. Called by session. All return what
 * the callback is to return.
 */

/* libmilter takes "char *" and does not write to it. */
char *answer_borrowed(const char *text);

sfsistat answer_reply(SMFICTX *ctx, const struct reply *reply);

/* 451 with this text. */
sfsistat answer_failure(SMFICTX *ctx, const char *text);

/* At the end of the message: the edits, the hold queue, or the reply. */
sfsistat answer_verdict(
    SMFICTX *ctx, const char *id, const struct verdict *verdict);

#endif
