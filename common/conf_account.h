/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_ACCOUNT_H
#define POSTOAK_CONF_ACCOUNT_H

#include <stddef.h>

#include "conf_application.h"

/*
 * conf_account - the configuration's accounts as plain data. Part of conf.h.
 */

enum conf_grant {
	CONF_GRANT_NONE,
	CONF_GRANT_PASSWORD,
	CONF_GRANT_REFRESH_TOKEN,
	CONF_GRANT_CLIENT_CREDENTIALS,
	CONF_GRANT_AUTHORIZATION_CODE,
	CONF_GRANT_DEVICE_CODE,
	CONF_GRANT_JWT_BEARER,
};

enum conf_on_sender {
	CONF_SENDER_REWRITE,
	CONF_SENDER_REJECT,
	CONF_SENDER_PASS
};

enum conf_on_bounce {
	CONF_BOUNCE_REWRITE,
	CONF_BOUNCE_REJECT,
	CONF_BOUNCE_DISCARD
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

struct conf_account {
	char *name;
	struct conf_application *application; /* borrowed from the conf */
	/* credentials */
	enum conf_grant grant;
	char *user; /* of a domain account: its name; the mailbox stands in */
	char *password_file;
	struct conf_list allow_users;
	/* sender */
	char *from_account; /* the same */
	char *from_name;    /* pattern or NULL */
	struct conf_list send_as;
	enum conf_on_sender on_sender;
	enum conf_on_bounce on_bounce;
	char *reply_to; /* "original", "none" or an address */
	/* which mail */
	struct conf_list logins;
	struct conf_list senders;
	struct conf_list clients;
	/* limits */
	struct conf_limit *limits;
	size_t limit_count;
	struct conf_list internal_domains;
	struct conf_list exempt_recipients;
	enum conf_on_limit on_limit[4];
	size_t on_limit_count;
	long long max_recipients;   /* 0: none */
	long long max_message_size; /* bytes, 0: none */
	int max_message_size_given; /* and not the preset's */
	struct conf_where where;
	struct conf_where where_password;
};

#endif
