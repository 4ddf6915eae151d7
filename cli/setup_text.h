/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_TEXT_H
#define POSTOAK_SETUP_TEXT_H

#include "buf.h"
#include "err.h"
#include "setup_draft.h"

/*
 * setup_text - the configuration as it is to be. Called by setup_write. Pure.
 */

/*
 * Append before with the draft's application and account in it: only options
 * that the draft decides are touched, and none of another section. before may
 * be
 * "": a new file. 0, or -1 with *err from conf_edit.
 */
int setup_text(struct buf *out, const char *path, const char *before,
    const struct setup_draft *draft, struct err *err);

#endif
