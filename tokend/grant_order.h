/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_GRANT_ORDER_H
#define POSTOAK_GRANT_ORDER_H

#include <stddef.h>

#include "config.h"
#include "flow.h"
#include "record.h"
#include "refusal.h"

/*
 * grant_order - whose token is asked for, what its record is called in the
 * store, and what a sentence about it names.
 */

/* What a person's sign-in has won; borrowed until the exchange ends. */
struct grant_sign_in {
	enum flow_kind kind;
	const struct secret *code;
	const struct secret *verifier;	    /* of an authorization code */
	const char *redirect_uri;	    /* likewise */
	const struct secret *refresh_token; /* brought in, for FLOW_REFRESH */
};

/* Whose token; pointers are borrowed from config, which is referenced. */
struct grant_order {
	struct config *config;
	const struct conf_application *application;
	const struct conf_account *account; /* NULL: the application's own */
	const struct record *unsaved;	    /* newer than the disk's, or NULL */
	const struct grant_sign_in *sign_in; /* or NULL: what is kept */
	int insist; /* an administrator wants what was refused shown again */
};

/* Kind and name of the record in the store. */
const char *grant_order_kind(const struct grant_order *order);
const char *grant_order_name(const struct grant_order *order);

/*
 * What a sentence about a request in that flow names; proof is the place of
 * what the client showed (clientauth.h), clock_off_s how far this host's clock
 * is ahead. The strings live as long as order's configuration.
 */
void grant_order_subject(const struct grant_order *order, enum flow_kind flow,
    size_t proof, int64_t clock_off_s, struct refusal_subject *subject);

#endif
