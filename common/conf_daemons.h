/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_DAEMONS_H
#define POSTOAK_CONF_DAEMONS_H

#include "conf_account.h"

/*
 * conf_daemons - the configuration's tokend and milter sections as plain data.
 * Part of conf.h.
 */

struct conf_tokend {
	struct conf_list listen;
	char *control;
	char *admin_group; /* or NULL */
	struct conf_list allow_users;
	int allow_users_is_default; /* then some need not exist here */
	char *store;
	char *seal_key_file;
	char *metrics;			 /* or NULL */
	struct conf_list notify_command; /* empty: none */
	struct conf_where where_users;	 /* of allow_users */
};

struct conf_milter {
	char *listen;		      /* "unix:/path" or "inet:port@host" */
	char *control;		      /* control socket */
	char *admin_group;	      /* or NULL; tokend's unless set */
	char *counters;		      /* as conf_counters has it */
	char *counters_local;	      /* directory of this host's own */
	char *counters_password_file; /* or NULL */
	char *counters_ca_file;	      /* or NULL: the system's */
	int counters_share;	      /* percent, while the store is away */
	char *unmatched;	    /* "pass", "reject" or an account's name */
	char *metrics;		    /* or NULL */
	long long release_within_s; /* else nothing is held */
};

#endif
