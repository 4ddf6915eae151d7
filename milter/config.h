/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONFIG_H
#define POSTOAK_CONFIG_H

#include <stddef.h>

#include "conf.h"
#include "map.h"
#include "rewrite.h"
#include "route.h"

/*
 * config - the configuration as the milter works with it: an unchanging
 * snapshot, counted by reference. A message keeps the one it began with; a
 * reload puts another one in its place for the messages after it.
 */

struct config_account {
	const struct conf_account *conf;
	struct rewrite_policy policy;
	struct address own;  /* from_account, when it is an address */
	int is_domain;	     /* from_account is "@domain" */
	char *domain;	     /* then by address_domain_key, else NULL */
	struct map internal; /* internal_domains, the same way */
	struct map exempt;   /* exempt_recipients, the same way */
	char *send_as_text;  /* NULL if there is no send_as */
};

struct config {
	int refs; /* atomic */
	struct conf *conf;
	struct config_account *accounts;
	size_t count;
	struct route route;
	size_t unmatched; /* an account, or ROUTE_NONE */
	int unmatched_reject;
	int wants_size; /* some account gives max_message_size */
	int wants_body; /* some account counts bytes */
	int wants_hold; /* some account holds what is over its limit */
};

/*
 * Read the file. NULL with ERR_CONFIG. The caller owns one reference.
 */
struct config *config_load(const char *path, struct err *err);

/* Say in the log what it asks for and this version does not do. */
void config_log_unused(const struct config *config);

/* Make it the current one, taking the caller's reference. */
void config_install(struct config *config);

/* The current one with a reference for the caller. */
struct config *config_get(void);

/* Give a reference back; NULL is allowed. */
void config_put(struct config *config);

/* 1 if the domain of address is among the account's internal_domains. */
int config_is_internal(
    const struct config_account *account, const char *domain_key);

/* 1 if it is among the account's exempt_recipients. */
int config_is_exempt(
    const struct config_account *account, const char *domain_key);

#endif
