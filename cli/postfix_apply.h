/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_APPLY_H
#define POSTOAK_POSTFIX_APPLY_H

#include "postfix_look.h"
#include "postfix_settings.h"

/*
 * postfix_apply - make a Postfix what a plan says: show the difference, ask,
 * keep a backup, change, check, reload. Called by mta.
 *
 * Killed at any moment, it leaves a Postfix that either still sends as before,
 * or whose mail waits for a reload; the next call finishes what was begun.
 */

/* now is how it is set up, yes: do not ask. Returns the exit code. */
int postfix_apply(const struct postfix_plan *plan,
    const struct postfix_look *now, const char *config_directory, int yes);

/* Finish what an interrupted call had begun, before anybody looks. 0, or the
 * exit code. */
int postfix_apply_finish(const char *config_directory);

#endif
