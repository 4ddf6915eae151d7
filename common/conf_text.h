/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_TEXT_H
#define POSTOAK_CONF_TEXT_H

#include <stddef.h>

#include "err.h"

/*
 * conf_text - a configuration file's text, read and made plain before
 * libconfuse sees it: what its lexer would count, expand or drop in silence is
 * replaced or refused here, with the line. Called by conf_parse.
 */

#define CONF_VALUE_MAX 4096 /* bytes of one value */

struct conf_text {
	char *data; /* NUL-terminated */
	size_t len;
	int *section_lines; /* first line of each section, in order */
	size_t section_count;
};

/*
 * Read a regular file. 0, or -1 with ERR_CONFIG and a text that begins with
 * the path. conf_text_clear gives it back in both cases.
 */
int conf_text_read(struct conf_text *text, const char *path, struct err *err);

/*
 * Comments become blanks; refused are: NUL and control characters, what is not
 * UTF-8, strings and comments that are not closed on their line or at all, a
 * value above CONF_VALUE_MAX, ${VARIABLE}, "+=", and stray characters. 0, or -1
 * with ERR_CONFIG "path:line: ...".
 */
int conf_text_plain(struct conf_text *text, const char *path, struct err *err);

/* 1 if value can stand between quotes, see conf_text_plain. */
int conf_text_is_value(const char *value);

void conf_text_clear(struct conf_text *text);

#endif
