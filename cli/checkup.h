/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECKUP_H
#define POSTOAK_CHECKUP_H

#include "conf.h"
#include "err.h"
#include "findings.h"

/*
 * checkup - what each check of "postoak check" is handed. Each runs in a
 * process of its own, which is ended when its time is up: a check may wait, and
 * need not clean up, but what it learns it can only hand on as findings.
 */

struct checkup_request {
	const char *config_path;
	const char *account;	      /* or a mailbox of a domain account; NULL:
					 all of them */
	const char *send_to;	      /* recipient of a test message, or NULL */
	const char *config_directory; /* Postfix's, or NULL: its default */
};

/* One account that is checked. */
struct checkup_target {
	const struct conf_account *account;
	const char *name; /* the mailbox; of a domain account as a whole, its
			     name ("@contoso.com"), for which there is no token
			   */
};

struct checkup {
	const struct checkup_request *request;
	const struct conf *conf;	      /* NULL: it cannot be read */
	const struct err *conf_err;	      /* then why */
	const struct checkup_target *targets; /* those that were asked for */
	size_t target_count;
	const struct checkup_target *target; /* of a check once an account */
	struct findings *findings;
};

/* A check: adds what it finds. */
typedef void (*checkup_function)(const struct checkup *checkup);

#endif
