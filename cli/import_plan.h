/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_IMPORT_PLAN_H
#define POSTOAK_IMPORT_PLAN_H

#include <stddef.h>

#include "buf.h"
#include "conf.h"
#include "legacy.h"

/*
 * import_plan - what becomes of other programs' files in our configuration:
 * applications, accounts, files of secrets. Called by import. Pure.
 */

struct import_application {
	char *name;
	const char *provider; /* preset */
	char *tenant;	      /* or NULL */
	struct legacy legacy; /* client_id and the others; no user, no token */
	char *host;	      /* of a custom provider, or NULL */
	int is_there;	      /* in the configuration already */
};

struct import_account {
	char *user;
	size_t application;
	char *refresh_token; /* or NULL */
	char *password;	     /* or NULL */
	int is_there;	     /* in the configuration already */
};

struct import_plan {
	struct import_application *applications;
	size_t application_count;
	struct import_account *accounts;
	size_t account_count;
};

/* Free and wipe. */
void import_plan_clear(struct import_plan *plan);

/*
 * An account with a token file's content (inherited from the configuration,
 * legacy_inherit); host may be NULL. What cannot be taken over is noted. conf
 * may be NULL: there is none yet.
 */
void import_plan_token(struct import_plan *plan, const struct conf *conf,
    const struct legacy *legacy, const char *user, const char *host,
    struct buf *notes);

/* An account with a password, by the application of that server's provider
 * which there is, in the plan or the configuration. */
void import_plan_password(struct import_plan *plan, const struct conf *conf,
    const struct legacy_entry *entry, struct buf *notes);

/*
 * Append text, a configuration, with all of the plan in it. 0, or -1 with
 * *err, see conf_edit_section.
 */
int import_plan_text(const struct import_plan *plan, const char *path,
    const char *text, struct buf *out, struct err *err);

/* The files of secrets, relative to the configuration's directory. Each
 * returned name is freed by the caller. */
char *import_plan_client_file(const struct import_application *application);
char *import_plan_password_file(const struct import_account *account);

#endif
