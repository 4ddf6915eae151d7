/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_APPLICATION_H
#define POSTOAK_CONF_APPLICATION_H

#include <stddef.h>

/*
 * conf_application - the configuration's applications as plain data. Part of
 * conf.h.
 */

struct conf_list {
	size_t count;
	char **items;
};

/* Where an option stands, for errors found later. */
struct conf_where {
	const char *file; /* lives as long as the struct conf */
	int line;
};

/* How an application proves who it is. */
enum conf_proof {
	CONF_PROOF_NONE, /* a public client */
	CONF_PROOF_SECRET,
	CONF_PROOF_CERTIFICATE,
	CONF_PROOF_FEDERATED_FILE,
	CONF_PROOF_MANAGED_IDENTITY,
};

struct conf_application {
	char *name;
	char *provider; /* preset's name */
	char *tenant_id;
	char *client_id;
	struct conf_list client_secret_files; /* absolute paths */
	char *client_secret_expires;	      /* YYYY-MM-DD or NULL */
	struct conf_list certificate_files;   /* PEM or PKCS#12 */
	struct conf_list key_files; /* parallel, or none: in the former */
	char *key_passphrase_file;  /* or NULL */
	char *assertion_algorithm;  /* PS256, RS256 */
	char *federated_token_file; /* or NULL */
	char *service_account_file; /* Google's JSON key, or NULL */
	char *managed_identity;	    /* "system", a client ID, or NULL */
	char *metadata_endpoint;
	char *federated_audience; /* of an identity that stands for it */
	int is_identity; /* no client_id: the identity is the application */
	enum conf_proof proof;	      /* which of them is given */
	char *discovery_endpoint;     /* of the OpenID document, or NULL */
	char *authorization_endpoint; /* filled in from the preset */
	char *token_endpoint;	      /* or discovery_endpoint, which says it */
	char *device_authorization_endpoint;
	char *scope;		/* delegated grants; blank-separated */
	char *app_scope;	/* client_credentials */
	struct conf_list hosts; /* servers a token may be sent to */
	char *smtp_server;	/* "host:port" of one of them, or NULL */
	char *imap_server;
	char *pop_server;
	char *proxy;   /* or NULL */
	char *ca_file; /* or NULL: the system's */
	long long min_validity_s;
	struct conf_where where; /* of the section */
	struct conf_where where_proof, where_ca;
};

#endif
