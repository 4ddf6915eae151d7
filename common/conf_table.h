/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_TABLE_H
#define POSTOAK_CONF_TABLE_H

#include <stddef.h>

#include "conf_account.h"
#include "conf_daemons.h"
#include "conf_value.h"

/*
 * conf_table - which options each section has, what they take and where they
 * go. The one list behind the parser, its error texts and the manual's check.
 */

#define CONF_OPTIONS_MAX 32 /* of one section */

/* What the field of an option is. */
enum conf_kind {
	CONF_KIND_TEXT,	   /* char *, owned */
	CONF_KIND_VALUE,   /* a number; or owned by the caller */
	CONF_KIND_LIST,	   /* struct conf_list */
	CONF_KIND_LIMITS,  /* limits of a struct conf_account */
	CONF_KIND_ACTIONS, /* on_limit of one */
};

struct conf_option {
	const char *name;
	enum conf_kind kind;
	int (*check)(struct conf_value *value); /* or NULL: take checks */
	int (*take)(struct conf_value *value, void *field);
	size_t offset; /* of the field in the section's struct */
};

enum conf_section_id {
	CONF_SECTION_TOP, /* outside of all sections */
	CONF_SECTION_TOKEND,
	CONF_SECTION_MILTER,
	CONF_SECTION_APPLICATION,
	CONF_SECTION_ACCOUNT,
	CONF_SECTION_COUNT,
};

struct conf_section {
	const char *name;
	int has_title;
	const struct conf_option *options;
	size_t option_count;
};

/* What the account table fills. */
struct conf_account_draft {
	struct conf_account account;
	char *application; /* its name; the caller frees it */
};

/* What the options outside of all sections fill. */
struct conf_top {
	char *accounts_directory;
};

/* The section of that number. Static storage. */
const struct conf_section *conf_table_section(enum conf_section_id id);

/* Free what the options of a section's struct hold, not the struct itself. */
void conf_table_free(enum conf_section_id id, void *data);

/* Index of an option in its section; -1 if it has none of that name. */
int conf_table_index(const struct conf_section *section, const char *name);

/* The option of the section nearest to a misspelt name; NULL: none is near. */
const char *conf_table_nearest(
    const struct conf_section *section, const char *name);

#endif
