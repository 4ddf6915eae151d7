/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_WRITE_H
#define POSTOAK_SETUP_WRITE_H

#include "err.h"
#include "setup_draft.h"

/*
 * setup_write - the draft as files: what changes is shown, checked as a daemon
 * would, agreed to and written. Called by setup.
 *
 * A signal that ends the program waits until all files are written, and before
 * that there is nothing on disk.
 */

/*
 * path: of the configuration. is_agreed: do not ask. 1 if it was written or
 * there was nothing to write, 0 if somebody said no, -1 with *err.
 */
int setup_write(const char *path, const struct setup_draft *draft,
    int is_agreed, struct err *err);

#endif
