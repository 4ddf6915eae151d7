/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_MEMBER_H
#define POSTOAK_POSTFIX_MEMBER_H

#include <stddef.h>

#include "conf.h"
#include "err.h"

/*
 * postfix_member - the accounts that take part in a Postfix plan, each with
 * the name of its transport and its relay. Pure. Called by postfix_plan.
 */

struct postfix_member {
	const struct conf_account *account; /* borrowed */
	int is_domain;
	int is_shared;	 /* the transport is its application's */
	int is_first;	 /* of those that share it; else always 1 */
	char *transport; /* "postoak_relay" */
	char *nexthop;	 /* "[smtp.office365.com]:587" */
	int port;
};

struct postfix_members {
	size_t count;
	int is_crowd; /* too many for lists in main.cf and for a transport each:
			 those of an application share one */
	struct postfix_member *items;
};

/*
 * The named accounts, all if count is 0. relay (HOST or HOST:PORT) stands in
 * for the applications' own servers; NULL: the first of hosts that begins with
 * "smtp", else the first one, port 587. 0, or -1 with ERR_CONFIG if a name is
 * no account's, there is none at all, no server is known, or an address cannot
 * stand in a Postfix table. postfix_member_clear in both cases.
 */
int postfix_member_gather(struct postfix_members *members,
    const struct conf *conf, const char *relay, char **names, size_t count,
    struct err *err);
void postfix_member_clear(struct postfix_members *members);

/* The address the account's mail is sent from. */
const char *postfix_member_from(const struct postfix_member *member);

#endif
