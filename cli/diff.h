/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DIFF_H
#define POSTOAK_DIFF_H

#include "buf.h"

/*
 * diff - what changes in a text, for people and for patch(1). Pure.
 */

/*
 * Append the difference in the unified form, with three lines around each
 * change; nothing if both are the same. before may be "" (a new file). With
 * colours, what goes is red and what comes is green.
 */
void diff_unified(struct buf *out, const char *path, const char *before,
    const char *after, int colours);

#endif
