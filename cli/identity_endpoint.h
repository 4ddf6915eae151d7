/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_IDENTITY_ENDPOINT_H
#define POSTOAK_IDENTITY_ENDPOINT_H

#include "err.h"
#include "identity.h"

/*
 * identity_endpoint - the two endpoints that an administrator hands over: whose
 * they are, and whether they belong to the other values. Called by setup. Pure.
 */

enum identity_which { IDENTITY_AUTHORIZATION, IDENTITY_TOKEN };

struct identity_endpoint {
	const char *provider;		 /* a preset; of this host: NULL */
	char tenant[IDENTITY_NAME_SIZE]; /* "" if it has none */
};

/*
 * Read an endpoint. 0, or -1 with ERR_CONFIG: version 1, the other of the two,
 * another host than Microsoft's and Google's, a shared tenant, no HTTPS. An
 * address of this host is taken as it is.
 */
int identity_endpoint(const char *text, enum identity_which which,
    struct identity_endpoint *out, struct err *err);

/*
 * The server that is given the account's tokens. 0 if it is Microsoft's,
 * Google's or this host; else -1 with ERR_CONFIG.
 */
int identity_server(const char *name, struct err *err);

/* What was handed over together; each may be NULL or empty. IDs as identity
 * made them.
 */
struct identity_claim {
	const char *tenant_id;
	const char *client_id;
	const char *secret_id;
	const char *object_id;
	const struct identity_endpoint *authorization;
	const struct identity_endpoint *token;
};

/*
 * 0, or -1 with ERR_CONFIG: an ID given twice for two things, an endpoint of
 * another tenant, endpoints of two clouds.
 */
int identity_agree(const struct identity_claim *claim, struct err *err);

#endif
