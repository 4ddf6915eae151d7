/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_CHECK_H
#define POSTOAK_CONF_CHECK_H

#include "conf.h"
#include "conf_parse.h"
#include "err.h"

/*
 * conf_check - what only the whole of a section, or the whole configuration,
 * can tell: presets and defaults are filled in, options that belong together
 * are compared. Called by conf when all files are read.
 *
 * Each returns 0, or -1 with ERR_CONFIG at the line of the option that is to
 * blame, or of its section if an option is missing.
 */

/* dir: where relative paths begin. */
int conf_check_tokend(struct conf_tokend *tokend, const char *dir,
    const struct conf_source *source, struct err *err);

/* For unmatched, all accounts must be known. */
int conf_check_milter(const struct conf *conf, struct conf_milter *milter,
    const struct conf_source *source, struct err *err);

int conf_check_application(struct conf_application *application,
    const struct conf_source *source, struct err *err);

/* Its application, checked, must be set. */
int conf_check_account(struct conf_account *account,
    const struct conf_source *source, struct err *err);

/*
 * A login or a sender can be one account's only. sources: one an account, all
 * of which are known.
 */
int conf_check_routes(const struct conf *conf,
    const struct conf_source *sources, struct err *err);

/* The title of an account or application section. */
int conf_check_title(enum conf_section_id id, const char *title,
    const struct conf_source *source, struct err *err);

#endif
