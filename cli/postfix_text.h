/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_TEXT_H
#define POSTOAK_POSTFIX_TEXT_H

#include "buf.h"
#include "postfix_settings.h"

/*
 * postfix_text - a Postfix plan as lines to paste, or as commands for a shell.
 * Pure. Called by mta.
 */

/* What belongs into main.cf, master.cf and tables under the directory. */
void postfix_text_paste(struct buf *out, const struct postfix_plan *plan,
    const char *config_directory);

/* The same as postconf(1) commands; running them again changes nothing. */
void postfix_text_commands(struct buf *out, const struct postfix_plan *plan,
    const char *config_directory);

/* What an administrator has to look at, as comments. */
void postfix_text_notes(struct buf *out, const struct postfix_plan *plan);

#endif
