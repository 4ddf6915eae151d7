/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_from - see setup_from.h.
 */
#define _GNU_SOURCE /* strcasestr */
#include "setup_from.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf_value.h"
#include "identity_endpoint.h"
#include "preset.h"

#define KEEP(field, text) snprintf(field, sizeof(field), "%s", text)

/* One text while it becomes a draft. */
struct reading {
	struct setup_draft *draft;
	const struct handover *from;
	struct buf *problems;
	int count;
	struct identity_endpoint authorization, token;
	char secret_id[IDENTITY_GUID_SIZE];
};

static const char *
get(const struct reading *reading, enum handover_field field)
{
	return handover_get(reading->from, field);
}

/* What is wrong with a value, at its line. */
static void
wrong(struct reading *reading, enum handover_field field, const struct err *err)
{
	buf_addf(reading->problems, "line %d: %s\n", reading->from->line[field],
	    err->text);
	reading->count++;
}

static void
missing(struct reading *reading, enum handover_field field, const char *where)
{
	buf_addf(reading->problems, "%s is missing; %s\n",
	    handover_title(field), where);
	reading->count++;
}

/* --- who ------------------------------------------------------------------ */

/* 1 if it was given and is an address. */
static int
read_mailbox(struct reading *reading, enum handover_field field,
    const char *what, char out[IDENTITY_NAME_SIZE])
{
	struct err err;

	if (get(reading, field) == NULL)
		return 0;
	err_clear(&err);
	if (identity_mailbox(get(reading, field), what, out, &err) == 0)
		return 1;
	wrong(reading, field, &err);
	return 0;
}

static void
read_who(struct reading *reading)
{
	struct setup_draft *draft = reading->draft;
	char from[IDENTITY_NAME_SIZE], user[IDENTITY_NAME_SIZE];
	int has_from =
	    read_mailbox(reading, HANDOVER_FROM_ACCOUNT, "From Account", from);
	int has_user = read_mailbox(reading, HANDOVER_USER, "User", user);

	if (!has_from && !has_user) {
		if (reading->count == 0)
			missing(reading, HANDOVER_FROM_ACCOUNT,
			    "write the address mail is sent from");
		return;
	}
	setup_draft_account(draft, has_from ? from : user);
	if (has_user)
		KEEP(draft->user, user);
	if (has_from)
		KEEP(draft->from_account, from);
}

/* Somebody's own mailbox is no tenant's. */
static void
check_personal(struct reading *reading)
{
	static const char *const words[] = {
	    [IDENTITY_MICROSOFT] = "a personal Microsoft account",
	    [IDENTITY_GOOGLE] = "Google's",
	    [IDENTITY_OTHER] = "neither Microsoft's nor Google's",
	};
	enum identity_kind kind = identity_kind(reading->draft->user);
	struct err err;

	if (kind == IDENTITY_WORK ||
	    strcmp(reading->draft->provider, "google") == 0)
		return;
	err_clear(&err);
	(void)err_set(&err, ERR_CONFIG, "value",
	    "%s is %s; such a mailbox takes no password of a program: %s",
	    reading->draft->user, words[kind],
	    kind == IDENTITY_OTHER
		? "use a mailbox of the company's tenant"
		: "run \"postoak setup\" without --from, which knows how it "
		  "signs in");
	wrong(reading,
	    get(reading, HANDOVER_USER) != NULL ? HANDOVER_USER
						: HANDOVER_FROM_ACCOUNT,
	    &err);
}

/* --- the application ------------------------------------------------------ */

/* 1 if it is one, of one of the two clouds' or this host's. */
static int
read_endpoint(struct reading *reading, enum handover_field field,
    enum identity_which which, struct identity_endpoint *endpoint, char *out,
    size_t size)
{
	const char *text = get(reading, field);
	struct err err;

	if (text == NULL)
		return 0;
	err_clear(&err);
	if (identity_endpoint(text, which, endpoint, &err) == -1) {
		wrong(reading, field, &err);
		return 0;
	}
	snprintf(out, size, "%s", text);
	return 1;
}

static void
read_endpoints(struct reading *reading)
{
	struct setup_draft *draft = reading->draft;
	const struct identity_endpoint *first = NULL;

	if (read_endpoint(reading, HANDOVER_AUTHORIZATION_ENDPOINT,
		IDENTITY_AUTHORIZATION, &reading->authorization,
		draft->authorization_endpoint,
		sizeof(draft->authorization_endpoint)))
		first = &reading->authorization;
	if (read_endpoint(reading, HANDOVER_TOKEN_ENDPOINT, IDENTITY_TOKEN,
		&reading->token, draft->token_endpoint,
		sizeof(draft->token_endpoint)))
		first = &reading->token;
	if (first == NULL)
		return;
	/* What is configured may be a service of the same cloud. */
	if (first->provider != NULL && draft->account == NULL)
		KEEP(draft->provider, first->provider);
	if (draft->tenant_id[0] == '\0' || first->tenant[0] != '\0')
		KEEP(draft->tenant_id, first->tenant);
}

static void
read_guid(struct reading *reading, enum handover_field field, const char *what,
    char out[IDENTITY_GUID_SIZE])
{
	struct err err;

	if (get(reading, field) == NULL)
		return;
	err_clear(&err);
	if (identity_guid(get(reading, field), what, out, &err) == -1)
		wrong(reading, field, &err);
}

static void
read_ids(struct reading *reading)
{
	struct setup_draft *draft = reading->draft;
	const char *tenant = get(reading, HANDOVER_TENANT_ID);
	const struct preset *preset = preset_find(draft->provider);
	char guid[IDENTITY_GUID_SIZE] = "";
	struct err err;

	err_clear(&err);
	if (tenant != NULL &&
	    identity_tenant(tenant, draft->tenant_id, &err) == -1)
		wrong(reading, HANDOVER_TENANT_ID, &err);
	else if (draft->tenant_id[0] == '\0' && (preset->flags & PRESET_TENANT))
		missing(reading, HANDOVER_TENANT_ID,
		    "it stands as Directory (tenant) ID on the application's "
		    "Overview page");
	if ((preset->flags & PRESET_GUID_CLIENT) == 0 &&
	    get(reading, HANDOVER_CLIENT_ID) != NULL) {
		KEEP(draft->client_id, get(reading, HANDOVER_CLIENT_ID));
		return;
	}
	read_guid(reading, HANDOVER_CLIENT_ID, "Client ID", guid);
	if (guid[0] != '\0')
		KEEP(draft->client_id, guid);
	if (draft->client_id[0] == '\0' &&
	    get(reading, HANDOVER_CLIENT_ID) == NULL)
		missing(reading, HANDOVER_CLIENT_ID,
		    "it stands as Application (client) ID on the application's "
		    "Overview page");
}

static void
check_agreement(struct reading *reading)
{
	const struct setup_draft *draft = reading->draft;
	struct identity_claim claim = {
	    .tenant_id = draft->tenant_id,
	    .client_id = draft->client_id,
	    .secret_id = reading->secret_id,
	    .object_id = draft->object_id,
	    .authorization = draft->authorization_endpoint[0] != '\0'
				 ? &reading->authorization
				 : NULL,
	    .token = draft->token_endpoint[0] != '\0' ? &reading->token : NULL,
	};
	struct err err;

	err_clear(&err);
	if (identity_agree(&claim, &err) == 0)
		return;
	buf_addf(reading->problems, "%s\n", err.text);
	reading->count++;
}

/* --- secrets -------------------------------------------------------------- */

static void
read_secret(struct reading *reading)
{
	const char *text = get(reading, HANDOVER_CLIENT_SECRET);
	struct err err;

	read_guid(reading, HANDOVER_SECRET_ID, "Secret ID", reading->secret_id);
	if (text == NULL && get(reading, HANDOVER_SECRET_ID) != NULL) {
		missing(reading, HANDOVER_CLIENT_SECRET,
		    "the Secret ID says nothing: the Value beside it is "
		    "needed, which is shown only once");
		return;
	}
	if (text == NULL)
		return;
	err_clear(&err);
	if (identity_secret(text, &err) == -1)
		wrong(reading, HANDOVER_CLIENT_SECRET, &err);
	else if (secret_set(
		     &reading->draft->client_secret, text, strlen(text)) == 0)
		reading->draft->proof = CONF_PROOF_SECRET;
}

static void
read_password(struct reading *reading)
{
	const char *text = get(reading, HANDOVER_PASSWORD);
	struct err err;

	if (text == NULL)
		return;
	err_clear(&err);
	if (identity_password(text, reading->draft->user,
		get(reading, HANDOVER_CLIENT_SECRET), &err) == -1)
		wrong(reading, HANDOVER_PASSWORD, &err);
	else
		(void)secret_set(&reading->draft->password, text, strlen(text));
}

static void
read_expiry(struct reading *reading, int64_t now_s)
{
	struct setup_draft *draft = reading->draft;
	const char *text = get(reading, HANDOVER_SECRET_EXPIRES);
	struct err err;

	/* That of the secret before says nothing of a new one. */
	if (!secret_empty(&draft->client_secret))
		draft->expires[0] = '\0';
	err_clear(&err);
	if (text != NULL &&
	    identity_date(text, now_s, draft->expires, &err) == -1)
		wrong(reading, HANDOVER_SECRET_EXPIRES, &err);
}

/* --- the grant ------------------------------------------------------------ */

static const struct {
	const char *part;
	enum conf_grant grant;
} grant_words[] = {
    {"credential", CONF_GRANT_CLIENT_CREDENTIALS},
    {"app-only", CONF_GRANT_CLIENT_CREDENTIALS},
    {"password", CONF_GRANT_PASSWORD},
    {"ropc", CONF_GRANT_PASSWORD},
    {"device", CONF_GRANT_DEVICE_CODE},
    {"authorization", CONF_GRANT_AUTHORIZATION_CODE},
    {"browser", CONF_GRANT_AUTHORIZATION_CODE},
    {"refresh", CONF_GRANT_REFRESH_TOKEN},
};

static void
name_grant(struct reading *reading, const char *text)
{
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(grant_words) / sizeof(grant_words[0]); i++)
		if (strcasestr(text, grant_words[i].part) != NULL) {
			reading->draft->grant = grant_words[i].grant;
			return;
		}
	err_clear(&err);
	(void)err_set(&err, ERR_CONFIG, "value",
	    "Grant \"%.60s\" is none; write client_credentials, password, "
	    "device_code, authorization_code or refresh_token",
	    text);
	wrong(reading, HANDOVER_GRANT, &err);
}

/* Said, as configured, or what the values are good for. */
static void
read_grant(struct reading *reading)
{
	struct setup_draft *draft = reading->draft;
	const char *text = get(reading, HANDOVER_GRANT);

	if (text != NULL)
		name_grant(reading, text);
	else if (get(reading, HANDOVER_PASSWORD) != NULL)
		draft->grant = CONF_GRANT_PASSWORD;
	else if (draft->grant != CONF_GRANT_NONE)
		return;
	else if (get(reading, HANDOVER_USER) != NULL)
		draft->grant = CONF_GRANT_PASSWORD;
	else if (draft->proof != CONF_PROOF_NONE)
		draft->grant = CONF_GRANT_CLIENT_CREDENTIALS;
	else
		missing(reading, HANDOVER_PASSWORD,
		    "with a password, or a client secret alone, an account can "
		    "log in; \"postoak setup\" without --from knows other "
		    "ways");
}

/* --- all of it ------------------------------------------------------------ */

static void
read_server(struct reading *reading)
{
	struct setup_draft *draft = reading->draft;
	const char *text = get(reading, HANDOVER_SERVER);
	char name[IDENTITY_NAME_SIZE];
	struct err err;

	if (text == NULL)
		return;
	err_clear(&err);
	/* Its port is Postfix's business. */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ":"), text);
	if (identity_server(name, &err) == -1)
		wrong(reading, HANDOVER_SERVER, &err);
	else
		KEEP(draft->server, name);
}

/* A value for which the configuration has a rule of its own. */
static void
read_by_rule(struct reading *reading, enum handover_field field,
    int (*rule)(struct conf_value *value), char *out, size_t size)
{
	struct conf_value value = {.text = get(reading, field)};
	struct err err;

	if (value.text == NULL)
		return;
	err_clear(&err);
	if (rule(&value) == -1)
		(void)err_set(&err, ERR_CONFIG, "value", "%s \"%.200s\" %s",
		    handover_title(field), value.text, value.problem);
	else if (strlen(value.text) >= size)
		(void)err_set(&err, ERR_CONFIG, "value",
		    "%s is longer than it can be", handover_title(field));
	else {
		memcpy(out, value.text, strlen(value.text) + 1);
		return;
	}
	wrong(reading, field, &err);
}

static int
is_readable_path(struct conf_value *value)
{
	if (value->text[0] != '/')
		return conf_value_refuse(
		    value, "is no whole path; write it from the /");
	if (access(value->text, R_OK) == -1)
		return conf_value_refuse(
		    value, "cannot be read; put the file there first");
	return 0;
}

static void
read_rest(struct reading *reading)
{
	struct setup_draft *draft = reading->draft;
	const char *protocol = get(reading, HANDOVER_PROTOCOL);

	read_guid(reading, HANDOVER_OBJECT_ID, "Object ID", draft->object_id);
	read_server(reading);
	read_by_rule(reading, HANDOVER_PROXY, conf_value_proxy, draft->proxy,
	    sizeof(draft->proxy));
	read_by_rule(reading, HANDOVER_CA_FILE, is_readable_path,
	    draft->ca_file, sizeof(draft->ca_file));
	if (protocol == NULL)
		return;
	draft->fetch_is_known = 1;
	if (strcasestr(protocol, "POP") != NULL)
		draft->fetch = SETUP_FETCH_POP;
	else if (strcasestr(protocol, "IMAP") != NULL)
		draft->fetch = SETUP_FETCH_IMAP;
}

static void
add_notes(const struct reading *reading, struct buf *notes)
{
	const struct setup_draft *draft = reading->draft;

	if (identity_is_foreign(
		draft->from_account, draft->user, draft->tenant_id))
		buf_addf(notes,
		    "%s is of another domain than the login %s: Exchange "
		    "refuses it (5.7.60) unless both domains are the tenant's "
		    "and the login may send as it.\n",
		    draft->from_account, draft->user);
	if (draft->grant == CONF_GRANT_PASSWORD)
		buf_adds(notes,
		    "The account logs in with its password. That ends where "
		    "multi-factor authentication is asked for; \"postoak "
		    "setup\" later changes to a certificate or a device login, "
		    "which do not.\n");
}

int
setup_from(struct setup_draft *draft, const struct handover *handover,
    int64_t now_s, struct buf *problems, struct buf *notes)
{
	struct reading reading = {
	    .draft = draft, .from = handover, .problems = problems};

	read_who(&reading);
	if (draft->name[0] == '\0')
		return reading.count;
	read_endpoints(&reading);
	check_personal(&reading);
	read_ids(&reading);
	read_secret(&reading);
	read_expiry(&reading, now_s);
	read_password(&reading);
	read_grant(&reading);
	read_rest(&reading);
	check_agreement(&reading);
	add_notes(&reading, notes);
	return reading.count;
}
