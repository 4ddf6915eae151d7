/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_PARSE_H
#define POSTOAK_CONF_PARSE_H

#include "conf_table.h"
#include "err.h"

/*
 * conf_parse - one file through libconfuse into finished sections. Called by
 * conf.
 *
 * libconfuse's lexer and its callbacks know no context: one file at a time, and
 * one thread at a time (conf_load holds a lock).
 */

/* Where a section and its options stand; a line is 0 if not given. */
struct conf_source {
	const char *file;
	int line;
	int lines[CONF_OPTIONS_MAX];
};

/* What a file's contents are handed to. Each returns 0, or -1 to stop. */
struct conf_sink {
	void *arg;
	const char *dir; /* of the main file: relative paths begin there */

	/*
	 * A section is finished: title (NULL if it has none) and source are
	 * borrowed; what data holds is taken over, also with -1. The options
	 * outside of all sections come last, as CONF_SECTION_TOP.
	 */
	int (*section)(void *arg, enum conf_section_id id, const char *title,
	    void *data, const struct conf_source *source, struct err *err);

	/* include("name") */
	int (*include)(void *arg, const char *name,
	    const struct conf_where *where, struct err *err);
};

/*
 * Read and parse a file, or what it is to hold: text, if not NULL. path must
 * outlive every conf_where and conf_source made from it. 0, or -1 with
 * ERR_CONFIG and a text that begins with "path:line: ", or "path: " if the file
 * itself is the matter.
 */
int conf_parse_file(const char *path, const char *text,
    const struct conf_sink *sink, struct err *err);

#endif
