/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_AADSTS_H
#define POSTOAK_AADSTS_H

#include "err.h"

/*
 * aadsts - what Entra ID's error numbers mean and what an administrator must
 * do. The table is common/aadsts.tsv, compiled in. Pure.
 */

enum aadsts_class { AADSTS_TRANSIENT, AADSTS_PERMANENT, AADSTS_INTERACTION };

struct aadsts {
	long number;
	enum aadsts_class class;
	const char *meaning;
	const char *remedy;
};

/* The row of a number, NULL if it is not known. Static storage. */
const struct aadsts *aadsts_find(long number);

/* The first AADSTS number in a text ("... AADSTS50126: ..."), 0 if none. */
long aadsts_in_text(const char *text);

/* The kind of error a class is for mail: temporary, config, login. */
enum err_kind aadsts_kind(enum aadsts_class class);

/* The class a table names: transient, interaction, else permanent. */
enum aadsts_class aadsts_class_parse(const char *word);

/* All rows in the order of their numbers; *count is set. */
const struct aadsts *aadsts_all(unsigned int *count);

#endif
