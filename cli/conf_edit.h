/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_EDIT_H
#define POSTOAK_CONF_EDIT_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * conf_edit - change options in the text of a configuration file and leave
 * everything else, comments and order too, as it was. Pure: text in, text out.
 * The files are conf_write's, what was changed is shown with diff.
 */

struct conf_edit {
	const char *name;  /* of the option */
	const char *value; /* as it is to stand behind "=", see conf_edit_quote;
			      NULL: the option is taken out */
};

/*
 * Append text to out with these options set in the section KIND "TITLE" (title
 * NULL: a section without one). A section that is not there is made at the
 * end. An option whose value is that already does not change a byte. path is
 * for errors only: -1 with ERR_CONFIG "path:line: ..." if text is none that
 * postoak.conf(5) allows.
 */
int conf_edit_section(struct buf *out, const char *path, const char *text,
    const char *kind, const char *title, const struct conf_edit *edits,
    size_t count, struct err *err);

/* 1 if text has such a section. */
int conf_edit_has(const char *text, const char *kind, const char *title);

/* Append value in quotes, as the configuration reads it. */
void conf_edit_quote(struct buf *out, const char *value);

#endif
