/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SENDMAIL_CF_H
#define POSTOAK_SENDMAIL_CF_H

#include <stddef.h>

#include "err.h"

/*
 * sendmail_cf - what sendmail.cf says of a relay with a login. Called by
 * check_sendmail.
 */

struct sendmail_filter {
	char *name;
	char *socket; /* "local:/run/x.sock", "inet:8891@localhost" */
	char action;  /* when it is away: 'T' try again, 'R' refuse, 0 pass */
};

struct sendmail_cf {
	char *version;	  /* "8.17.1", or NULL */
	char *smart_host; /* "" if there is none */
	char *mechanisms; /* AuthMechanisms, or NULL */
	char *authinfo;	  /* the table's file, without its suffix, or NULL */
	char *filters;	  /* InputMailFilters, in order, or NULL */
	size_t filter_count;
	struct sendmail_filter *all; /* all that are defined */
};

/* Read the file. 0, or -1 with *err. sendmail_cf_clear in both cases. */
int sendmail_cf_read(struct sendmail_cf *cf, const char *path, struct err *err);
void sendmail_cf_clear(struct sendmail_cf *cf);

/* The filter of that name, or NULL. */
const struct sendmail_filter *sendmail_cf_filter(
    const struct sendmail_cf *cf, const char *name);

/* 1 if the version is known and before 8.18.2, which cuts long AUTH lines. */
int sendmail_cf_cuts(const struct sendmail_cf *cf);

#endif
