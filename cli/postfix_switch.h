/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_SWITCH_H
#define POSTOAK_POSTFIX_SWITCH_H

#include "buf.h"
#include "postfix_files.h"

/*
 * postfix_switch - from the old files of a Postfix to new ones, and back at
 * once if Postfix does not like them. Called by postfix_apply and
 * postfix_undo.
 */

/*
 * Keep other calls for this configuration out until this process ends, and
 * remove what one that died has left half made. 0, or -1.
 */
int postfix_switch_lock(const char *config_directory, struct err *err);

/* Append what becomes of the tables, main.cf and master.cf aside. */
void postfix_switch_show(struct buf *out, const struct postfix_files *files);

/*
 * "question [y/N]" on the terminal. 1: yes, or yes was given before; 0: no;
 * -1 with a message on standard error: there is no terminal to ask on.
 */
int postfix_switch_ask(const char *question, int yes);

/* "postfix check" for this configuration. 0, or -1 with its words. */
int postfix_switch_check(const char *config_directory, struct err *err);

/*
 * Put the files in place, check, and take them back if one of both fails. 0,
 * or -1 with *err, which says how things are then.
 */
int postfix_switch_over(const struct postfix_files *files, struct err *err);

/* Have Postfix read its files if it runs, and say what was done. 0 or -1. */
int postfix_switch_reload(const char *config_directory, struct err *err);

#endif
