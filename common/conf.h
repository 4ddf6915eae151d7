/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_H
#define POSTOAK_CONF_H

#include <stddef.h>

#include "conf_account.h"
#include "conf_daemons.h"
#include "err.h"

/*
 * conf - the configuration file, read by all programs and checked whole by
 * each. postoak.conf(5) describes it. The result is plain data with presets
 * and defaults filled in; the programs' own config.c turn it into what they
 * work with. conf_load reads nothing but configuration files: whether a secret
 * file is there is tokend's business (conf_where helps it to say where).
 *
 * All texts are UTF-8 without control characters. Relative paths have been made
 * absolute; they begin in the directory of the main file.
 */

struct conf_inside; /* file names, indexes: conf.c's own */

struct conf {
	char *path; /* absolute */
	struct conf_tokend tokend;
	struct conf_milter milter;
	struct conf_application *applications;
	size_t application_count;
	struct conf_account *accounts;
	size_t account_count;
	struct conf_inside *inside;
};

/*
 * Read and check path with everything it includes. NULL with ERR_CONFIG; the
 * text begins with "file:line: " and says option, value and remedy.
 */
struct conf *conf_load(const char *path, struct err *err);

/* The same as if path held text: what is to be written is tried. */
struct conf *conf_load_text(
    const char *path, const char *text, struct err *err);
void conf_free(struct conf *conf);

/*
 * The account of that name (ASCII case does not count), NULL if there is none.
 * A domain account ("@contoso.com") is found by its own name only.
 */
const struct conf_account *conf_account_find(
    const struct conf *conf, const char *name);

/*
 * The account for a mailbox: exact name first, else the domain account of its
 * domain (case-insensitive). NULL if neither exists.
 */
const struct conf_account *conf_account_for(
    const struct conf *conf, const char *mailbox);

/* The grant's name as written in the file. */
const char *conf_grant_name(enum conf_grant grant);

/* Default path of the configuration file (compiled in). */
const char *conf_default_path(void);

#endif
