/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SENDMAIL_TEXT_H
#define POSTOAK_SENDMAIL_TEXT_H

#include "buf.h"
#include "conf.h"
#include "err.h"

/*
 * sendmail_text - what sendmail has to be told for one account, as lines for
 * its .mc file and tables. Pure. Called by mta.
 */

struct sendmail_host {
	const char *config_directory; /* where sendmail.mc is */
	const char *ca_file;	      /* the system's bundle */
	const char *relay; /* HOST or HOST:PORT, NULL: the preset's */
};

/*
 * Append the lines, each part below "# --- FILE, where". names: at most one
 * account, none if the configuration has one only. 0, or -1 with ERR_CONFIG:
 * sendmail logs in to a server as one user, and begins TLS with STARTTLS.
 */
int sendmail_text(struct buf *out, const struct conf *conf,
    const struct sendmail_host *host, char **names, size_t count,
    struct err *err);

#endif
