/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_FILES_H
#define POSTOAK_POSTFIX_FILES_H

#include <stddef.h>

#include "err.h"

/*
 * postfix_files - the files of a Postfix that change together: their texts
 * before and after, put in place one by one, taken back, and kept in a backup.
 * Called by postfix_apply and postfix_undo.
 *
 * Order is what keeps mail safe when the tool dies in between: tables first,
 * which nothing reads yet, then the services of master.cf, which nothing uses
 * yet, and main.cf, which turns mail to them, last; backwards the other way.
 */

struct postfix_files_item {
	char *name;   /* "main.cf", below directory */
	char *before; /* NULL: no file */
	char *after;  /* NULL: no file */
	int flags;
};

enum {
	POSTFIX_FILES_PRIVATE = 1, /* mode 0600 when it is made */
	POSTFIX_FILES_INDEXED = 2, /* for postmap(1) */
};

struct postfix_files {
	char *directory;
	size_t count;
	struct postfix_files_item *items; /* in the order of putting */
};

void postfix_files_init(struct postfix_files *files, const char *directory);
void postfix_files_clear(struct postfix_files *files);

/* Add a file; the texts are handed over. */
void postfix_files_add(struct postfix_files *files, const char *name,
    char *before, char *after, int flags);

/* The file as it stands there, NULL if there is none; to be freed. -1 with *err
 * if it cannot be read. */
int postfix_files_read(
    const char *directory, const char *name, char **text, struct err *err);

/*
 * Put each file in place, whole or not at all; one that is neither as before
 * nor as after stays and is an error. 0 or -1.
 */
int postfix_files_put(const struct postfix_files *files, struct err *err);

/* The way back, in the reverse order. */
int postfix_files_back(const struct postfix_files *files, struct err *err);

/* 1 if there is an index of this table. */
int postfix_files_has_index(const char *directory, const char *name);

#endif
