/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DOMAINS_H
#define POSTOAK_DOMAINS_H

#include <stddef.h>

#include "checkup.h"

/*
 * domains - which domains mail is from, and how the servers that send it are
 * known in the DNS. Pure. Called by check_domain.
 */

#define DOMAINS_MAX 50 /* further ones are left out */
#define DOMAINS_SELECTORS 2

struct domains_sender {
	const char *provider; /* a preset's name; NULL: any other */
	const char *who;      /* "Microsoft's servers" */
	const char *spf;      /* the name customers include, or NULL */
	const char *selectors[DOMAINS_SELECTORS]; /* of DKIM; else NULL */
	const char *dkim; /* what to publish, and where it stands */
};

struct domains {
	size_t count;
	struct {
		const char *name; /* borrowed from the configuration */
		const struct domains_sender *sender;
	} items[DOMAINS_MAX];
};

/* The domains of from_account and send_as of all targets, each once. */
void domains_find(struct domains *domains, const struct checkup_target *targets,
    size_t count);

#endif
