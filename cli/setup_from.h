/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_FROM_H
#define POSTOAK_SETUP_FROM_H

#include <stdint.h>

#include "buf.h"
#include "handover.h"
#include "setup_draft.h"

/*
 * setup_from - a hand-over text as a draft: each value checked, what is missing
 * or does not fit named with its line. Called by setup. Pure.
 */

/*
 * Fill the draft. Appends to problems one line for each value that is wrong, so
 * that all of them can be mended at once; to notes what is worth knowing. The
 * number of problems.
 */
int setup_from(struct setup_draft *draft, const struct handover *handover,
    int64_t now_s, struct buf *problems, struct buf *notes);

#endif
