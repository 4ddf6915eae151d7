/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_BACKUP_H
#define POSTOAK_POSTFIX_BACKUP_H

#include "err.h"
#include "postfix_files.h"

/*
 * postfix_backup - what the files of a Postfix were before they were changed,
 * and what they were changed to, below postoak-backup in its configuration
 * directory: YEARMONTHDAY-TIME/before and /after, mode and owner kept. Called
 * by postfix_apply and postfix_undo.
 *
 * A backup is whole before the first file changes, and gets the file "done"
 * when all is through; ".undone" is put behind its name when it is taken back.
 */

struct postfix_backup {
	char *path; /* NULL: there is none */
	int is_done;
};

/* Make one. 0 or -1. postfix_backup_clear in both cases. */
int postfix_backup_make(struct postfix_backup *backup,
    const struct postfix_files *files, struct err *err);

/* The newest that is not taken back; path is NULL if there is none. */
void postfix_backup_find(
    struct postfix_backup *backup, const char *config_directory);

/* Fill files with what is in it. 0 or -1; postfix_files_clear in both cases. */
int postfix_backup_read(const struct postfix_backup *backup,
    const char *config_directory, struct postfix_files *files, struct err *err);

/* All is through. 0 or -1. */
int postfix_backup_done(struct postfix_backup *backup, struct err *err);

/* It was taken back. 0 or -1. */
int postfix_backup_undone(struct postfix_backup *backup, struct err *err);

void postfix_backup_clear(struct postfix_backup *backup);

#endif
