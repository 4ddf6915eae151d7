/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TOKEND_CONFIG_H
#define POSTOAK_TOKEND_CONFIG_H

#include <stdint.h>
#include <sys/types.h>

#include "conf.h"
#include "err.h"

/*
 * config - the configuration as tokend works with it: users resolved, secret
 * files looked at. It never changes once loaded; a reload makes a new one, and
 * an old one lives as long as something that began with it.
 */

struct config_users {
	size_t count;
	uid_t *uids;
};

/* The end of an application's certificate, as last seen. */
struct config_certificate {
	uint64_t stamp;
	char end[16]; /* YYYY-MM-DD, "": unknown */
};

struct config {
	unsigned int references;
	struct conf *conf;
	struct config_users allow;	    /* for every account */
	struct config_users *allow_account; /* parallel to conf->accounts */
	struct config_certificate *certificates; /* to conf->applications */
	gid_t admin_gid;
	int has_admin_gid;
};

/*
 * Read and check path, secret files and endpoints included. NULL with
 * ERR_CONFIG, file and line in the text. A listed user that does not exist is
 * logged and left out: packages come and go.
 */
struct config *config_load(const char *path, struct err *err);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is allowed */

/* 1 if uid may have the token of account (NULL: of an unknown one). */
int config_user_allowed(
    const struct config *config, const struct conf_account *account, uid_t uid);

/*
 * The day on which the certificate of application ends that lasts longest,
 * YYYY-MM-DD; read again when the file changes. NULL: it has none, or it cannot
 * be read. Valid until the next call.
 */
const char *config_certificate_end(
    struct config *config, const struct conf_application *application);

/* 1 if a token of application may be sent to host (any case, final dot). */
int config_host_allowed(
    const struct conf_application *application, const char *host);

#endif
