/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PRESET_H
#define POSTOAK_PRESET_H

/*
 * preset - what is known of each mail provider: where its tokens come from,
 * which servers take them, what it lets an account send. Called by conf, which
 * lets every part be overridden. Pure data.
 */

#define PRESET_HOSTS_MAX 4
#define PRESET_LIMITS_MAX 2

/* What a provider's accounts and applications look like. */
enum preset_flags {
	PRESET_TENANT = 1,	/* tenant_id is needed */
	PRESET_GUID_CLIENT = 2, /* client_id is a GUID */
	PRESET_PERSONAL = 4,	/* no passwords, no application tokens */
	PRESET_BARE = 8, /* knows nothing: endpoints must be configured */
};

struct preset {
	const char *name;
	int flags;
	const char *authorization_endpoint; /* with {tenant}; NULL: none */
	const char *token_endpoint;
	const char *device_authorization_endpoint;
	const char *scope;		       /* delegated grants */
	const char *app_scope;		       /* client_credentials */
	const char *federated_audience;	       /* of managed identities */
	const char *hosts[PRESET_HOSTS_MAX];   /* ends with NULL or the array */
	const char *limits[PRESET_LIMITS_MAX]; /* as in the configuration */
	int max_recipients;		       /* of one message; 0: none */
	const char *max_message_size;	       /* NULL: none */
	int min_validity_s;
};

/* The preset of that name; NULL if there is none. Static storage. */
const struct preset *preset_find(const char *name);

/* All presets; *count is set. */
const struct preset *preset_all(unsigned int *count);

/*
 * template with each {tenant} replaced; the caller frees it. NULL gives NULL.
 * tenant may be NULL if the template has no {tenant}.
 */
char *preset_expand(const char *template, const char *tenant);

#endif
