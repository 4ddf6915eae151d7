/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_TRANSPORT_H
#define POSTOAK_POSTFIX_TRANSPORT_H

#include "postfix_member.h"
#include "postfix_settings.h"

/*
 * postfix_transport - the transport of one account: how it logs in, whom it
 * trusts, how fast it sends. Pure. Called by postfix_plan.
 */

/* The reply filter, which all transports share, in the config directory. */
#define POSTFIX_TRANSPORT_REPLIES "postoak_replies"

struct postfix_host {
	const char *config_directory; /* where main.cf is */
	const char *queue_directory;
	const char *ca_file; /* the system's bundle */
	const char *relay;   /* HOST or HOST:PORT, NULL: the preset's */
	int chroot;	     /* smtp(8) and smtpd(8) run chrooted */
};

/*
 * Add the service, its parameters in main.cf, and its tables to the plan, for
 * member and those of members that share its transport.
 */
void postfix_transport_plan(struct postfix_plan *plan,
    const struct postfix_host *host, const struct postfix_members *members,
    const struct postfix_member *member);

#endif
