/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_STEPS_H
#define POSTOAK_SETUP_STEPS_H

#include "buf.h"
#include "setup_draft.h"

/*
 * setup_steps - what an administrator of Microsoft 365 or Google still has to
 * do, with everything filled in that is known, ready to be pasted. Called by
 * setup. Pure; docs/microsoft365.md tells the same at length.
 */

/*
 * Append the steps. certificate: path of the file to upload and its thumbprint,
 * NULL if there is nothing to upload.
 */
void setup_steps(struct buf *out, const struct setup_draft *draft,
    const char *certificate, const char *thumbprint);

#endif
