/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_POSTFIX_H
#define POSTOAK_CHECK_POSTFIX_H

#include "checkup.h"
#include "postfix_look.h"
#include "postfix_settings.h"
#include "postfix_way.h"

/*
 * check_postfix - the Postfix that is checked: how it is set up, which way an
 * account's mail takes through it, and what postoak mta would set for that.
 * Called by check_mta, check_transport, check_jail and check_milters.
 */

struct check_postfix {
	struct postfix_look *look;
	const char *directory; /* of main.cf, as asked for; NULL: default */
	char *queue;	       /* queue_directory */
};

/* One account's mail. */
struct check_postfix_way {
	const char *name;   /* the account's, or the mailbox's */
	const char *sender; /* whom its mail comes from */
	struct postfix_way way;
	struct postfix_plan *plan; /* for this server; NULL: it has none */
	char *mailbox; /* who logs in; of a domain account an example */
};

/*
 * 0; -1 if there is no Postfix, or its settings cannot be read: then *err says
 * so, with code "program" where postconf could not be run.
 * check_postfix_close in both cases.
 */
int check_postfix_open(struct check_postfix *postfix,
    const struct checkup *checkup, struct err *err);
void check_postfix_close(struct check_postfix *postfix);

/* The way of one account. 0, or -1 with *err; check_postfix_way_clear in both
 * cases. */
int check_postfix_find(struct check_postfix_way *way,
    const struct check_postfix *postfix, const struct checkup *checkup,
    const struct checkup_target *target, struct err *err);
void check_postfix_way_clear(struct check_postfix_way *way);

/*
 * The command that sets a parameter of main.cf, or of a service where service
 * is not NULL; free() it.
 */
char *check_postfix_command(const struct check_postfix *postfix,
    const struct postfix_look_service *service, const char *name,
    const char *value);

#endif
