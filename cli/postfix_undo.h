/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_UNDO_H
#define POSTOAK_POSTFIX_UNDO_H

/*
 * postfix_undo - take back what postfix_apply has changed last: byte for byte
 * where nobody has changed a file since, else setting by setting, and what
 * somebody has given another value since is kept and said. Called by mta.
 */

/* Returns the exit code. */
int postfix_undo(const char *config_directory, int yes);

#endif
