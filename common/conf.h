/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_H
#define POSTOAK_CONF_H

#include <stddef.h>

#include "err.h"

/*
 * conf - the configuration file, read by all programs and checked whole by
 * each. postoak.conf(5) describes it. The result is plain data with presets
 * and defaults filled in; the programs' own config.c turn it into what they
 * work with. conf_load reads nothing but configuration files: whether a secret
 * file is there is tokend's business (conf_where helps it to say where).
 *
 * All texts are UTF-8 without control characters. Relative paths have been made
 * absolute; they begin in the directory of the main file.
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

enum conf_grant {
	CONF_GRANT_NONE,
	CONF_GRANT_PASSWORD,
	CONF_GRANT_REFRESH_TOKEN,
	CONF_GRANT_CLIENT_CREDENTIALS,
	CONF_GRANT_AUTHORIZATION_CODE,
	CONF_GRANT_DEVICE_CODE,
};

enum conf_on_sender {
	CONF_SENDER_REWRITE,
	CONF_SENDER_REJECT,
	CONF_SENDER_PASS
};

enum conf_on_limit {
	CONF_LIMIT_HOLD,
	CONF_LIMIT_TEMPFAIL,
	CONF_LIMIT_REJECT,
	CONF_LIMIT_OBSERVE,
};

enum conf_unit {
	CONF_UNIT_MESSAGES,
	CONF_UNIT_RECIPIENTS,
	CONF_UNIT_EXTERNAL_RECIPIENTS,
	CONF_UNIT_BYTES,
};

enum conf_scope {
	CONF_SCOPE_ACCOUNT,
	CONF_SCOPE_LOGIN,
	CONF_SCOPE_CLIENT,
	CONF_SCOPE_SENDER,
	CONF_SCOPE_APPLICATION,
	CONF_SCOPE_TENANT,
};

/* "[scope] COUNT UNIT / WINDOW", for example "tenant 12000 recipients / 24h" */
struct conf_limit {
	enum conf_scope scope;
	enum conf_unit unit;
	long long max;
	long long window_s;
	char *text; /* as written */
};

struct conf_application {
	char *name;
	char *provider; /* preset's name */
	char *tenant_id;
	char *client_id;
	struct conf_list client_secret_files; /* absolute paths */
	char *client_secret_expires;	      /* YYYY-MM-DD or NULL */
	char *authorization_endpoint;	      /* filled in from the preset */
	char *token_endpoint;
	char *device_authorization_endpoint;
	char *scope;		/* delegated grants; blank-separated */
	char *app_scope;	/* client_credentials */
	struct conf_list hosts; /* servers a token may be sent to */
	char *proxy;		/* or NULL */
	char *ca_file;		/* or NULL: the system's */
	long long min_validity_s;
	struct conf_where where; /* of the section */
	struct conf_where where_secret;
};

struct conf_account {
	char *name;
	struct conf_application *application; /* borrowed from the conf */
	/* credentials */
	enum conf_grant grant;
	char *user;
	char *password_file;
	struct conf_list allow_users;
	/* sender */
	char *from_account;
	char *from_name; /* pattern or NULL */
	struct conf_list send_as;
	enum conf_on_sender on_sender;
	char *reply_to; /* "original", "none" or an address */
	/* which mail */
	struct conf_list logins;
	struct conf_list senders;
	struct conf_list clients;
	/* limits */
	struct conf_limit *limits;
	size_t limit_count;
	struct conf_list internal_domains;
	enum conf_on_limit on_limit[4];
	size_t on_limit_count;
	long long max_recipients;   /* 0: none */
	long long max_message_size; /* bytes, 0: none */
	struct conf_where where;
	struct conf_where where_password;
};

struct conf_tokend {
	struct conf_list listen;
	char *control;
	char *admin_group; /* or NULL */
	struct conf_list allow_users;
	char *store;
	char *seal_key_file;
	char *metrics;			 /* or NULL */
	struct conf_list notify_command; /* empty: none */
};

struct conf_milter {
	char *listen;	   /* "unix:/path" or "inet:port@host" */
	char *control;	   /* control socket */
	char *admin_group; /* or NULL; tokend's unless set */
	char *counters;	   /* "lmdb:/path", "redis://...", ... */
	char *unmatched;   /* "pass", "reject" or an account's name */
	char *metrics;	   /* or NULL */
};

struct conf_inside; /* file names, indexes: conf.c's own */

struct conf {
	char *path; /* absolute */
	struct conf_tokend tokend;
	struct conf_milter milter;
	struct conf_application *applications;
	size_t application_count;
	struct conf_account *accounts;
	size_t account_count;
	struct conf_inside *inside;
};

/*
 * Read and check path with everything it includes. NULL with ERR_CONFIG; the
 * text begins with "file:line: " and says option, value and remedy.
 */
struct conf *conf_load(const char *path, struct err *err);
void conf_free(struct conf *conf);

/* The account of that name, NULL if there is none. A domain account
 * ("@contoso.com") is found by its own name only. */
const struct conf_account *conf_account_find(
    const struct conf *conf, const char *name);

/*
 * The account for a mailbox: exact name first, else the domain account of its
 * domain (case-insensitive). NULL if neither exists.
 */
const struct conf_account *conf_account_for(
    const struct conf *conf, const char *mailbox);

/* The grant's name as written in the file. */
const char *conf_grant_name(enum conf_grant grant);

/* Default path of the configuration file (compiled in). */
const char *conf_default_path(void);

#endif
