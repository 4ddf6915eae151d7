/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DKIM_H
#define POSTOAK_DKIM_H

#include "rewrite_edit.h"
#include "rewrite_input.h"

/*
 * dkim - signatures (RFC 6376) that do not hold any more once header fields
 * were changed. A broken one is worse than none: the provider signs anew. Pure.
 */

/*
 * 1 if a DKIM-Signature's value signs fields of that name (its h= tag lists it,
 * present or not: section 3.5), or cannot be read.
 */
int dkim_signs(const struct rewrite_value *signature, const char *name);

/* Delete the signatures that the edits so far break. */
void dkim_drop_stale(
    struct rewrite_edits *edits, const struct rewrite_input *input);

#endif
