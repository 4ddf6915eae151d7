/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_check_account - what an account must have, and its defaults. See
 * conf_check.h.
 */
#include <string.h>

#include "conf_check.h"
#include "conf_error.h"
#include "conf_take.h"
#include "mem.h"
#include "preset.h"

/* One account while it is checked. */
struct check {
	struct conf_account *account;
	const struct conf_application *app;
	const struct preset *preset;
	const struct conf_source *source;
	struct err *err;
};

static int
line_given(const struct check *check, const char *option)
{
	return check->source->lines[conf_table_index(
	    conf_table_section(CONF_SECTION_ACCOUNT), option)];
}

static int
refuse(const struct check *check, const char *option, const char *problem)
{
	int line = line_given(check, option);

	return conf_error_at(check->err, check->source->file,
	    line != 0 ? line : check->source->line, "account \"%.100s\": %s %s",
	    check->account->name, option, problem);
}

/* --- credentials --------------------------------------------------------- */

static int
is_domain_account(const struct check *check)
{
	return check->account->name[0] == '@';
}

static int
tenant_is(const struct check *check, const char *word)
{
	return check->app->tenant_id != NULL &&
	       strcmp(check->app->tenant_id, word) == 0;
}

static int
check_password(const struct check *check)
{
	if (check->account->password_file == NULL)
		return refuse(check, "password_file",
		    "is missing; grant \"password\" needs it: a file that only "
		    "the user postoak can read");
	if (check->preset->flags & PRESET_PERSONAL)
		return refuse(check, "grant",
		    "= \"password\" is not offered by this provider; use "
		    "authorization_code or refresh_token");
	if (tenant_is(check, "common") || tenant_is(check, "consumers"))
		return refuse(check, "grant",
		    "= \"password\" does not work with tenant_id common or "
		    "consumers; write the tenant's own ID into the "
		    "application");
	return 0;
}

static int
check_client_credentials(const struct check *check)
{
	if (check->preset->flags & PRESET_PERSONAL)
		return refuse(check, "grant",
		    "= \"client_credentials\" is not offered by this provider; "
		    "use authorization_code or refresh_token");
	if (check->app->proof == CONF_PROOF_NONE)
		return refuse(check, "grant",
		    "= \"client_credentials\" needs client_secret_file, "
		    "certificate_file, federated_token_file or "
		    "managed_identity in its application");
	if (tenant_is(check, "common") || tenant_is(check, "consumers") ||
	    tenant_is(check, "organizations"))
		return refuse(check, "grant",
		    "= \"client_credentials\" needs the tenant's own ID as "
		    "tenant_id of the application");
	if (check->app->app_scope == NULL)
		return refuse(check, "grant",
		    "= \"client_credentials\" needs app_scope in its "
		    "application");
	return 0;
}

static int
check_interactive(
    const struct check *check, const char *endpoint, const char *problem)
{
	return endpoint == NULL && check->app->discovery_endpoint == NULL
		   ? refuse(check, "grant", problem)
		   : 0;
}

static int
check_grant(const struct check *check)
{
	const struct conf_application *app = check->app;

	if (is_domain_account(check) &&
	    check->account->grant != CONF_GRANT_CLIENT_CREDENTIALS)
		return refuse(check, "grant",
		    "of an account for a whole domain must be "
		    "client_credentials; no other one can log in for each "
		    "mailbox");
	if (app->is_identity &&
	    check->account->grant != CONF_GRANT_CLIENT_CREDENTIALS)
		return refuse(check, "grant",
		    "must be client_credentials: its application is a managed "
		    "identity; give the application a client_id for others");
	if (check->account->grant != CONF_GRANT_PASSWORD &&
	    check->account->password_file != NULL)
		return refuse(check, "password_file",
		    "is for grant \"password\" only; delete it, or write "
		    "grant = \"password\"");
	if (check->account->grant != CONF_GRANT_CLIENT_CREDENTIALS &&
	    app->scope == NULL)
		return refuse(check, "grant", "needs scope in its application");
	switch (check->account->grant) {
	case CONF_GRANT_PASSWORD:
		return check_password(check);
	case CONF_GRANT_CLIENT_CREDENTIALS:
		return check_client_credentials(check);
	case CONF_GRANT_AUTHORIZATION_CODE:
		return check_interactive(check, app->authorization_endpoint,
		    "= \"authorization_code\" needs authorization_endpoint in "
		    "its application");
	case CONF_GRANT_DEVICE_CODE:
		return check_interactive(check,
		    app->device_authorization_endpoint,
		    "= \"device_code\" needs device_authorization_endpoint in "
		    "its application; this provider's has none");
	case CONF_GRANT_REFRESH_TOKEN:
		return 0;
	case CONF_GRANT_JWT_BEARER:
		return app->service_account_file != NULL
			   ? 0
			   : refuse(check, "grant",
				 "= \"jwt_bearer\" needs service_account_file "
				 "in its application");
	case CONF_GRANT_NONE:
		break;
	}
	return refuse(check, "grant",
	    "is missing; write grant = \"password\" (with password_file), "
	    "\"client_credentials\", \"authorization_code\", \"device_code\" "
	    "or \"refresh_token\"");
}

/* --- sender and limits --------------------------------------------------- */

static int
check_sender(const struct check *check)
{
	struct conf_account *account = check->account;

	if (is_domain_account(check)) {
		/* Each mailbox is its own login and sender. */
		if (account->user != NULL)
			return refuse(check, "user",
			    "has no meaning in an account for a whole domain; "
			    "delete it");
		if (account->from_account != NULL)
			return refuse(check, "from_account",
			    "has no meaning in an account for a whole domain; "
			    "delete it");
	} else if (strchr(account->name, '@') == NULL) {
		if (account->user == NULL)
			return refuse(check, "user",
			    "is missing; it is needed because the account's "
			    "name is not an address");
		if (account->from_account == NULL)
			return refuse(check, "from_account",
			    "is missing; it is needed because the account's "
			    "name is not an address");
	}
	if (account->user == NULL)
		account->user = mem_strdup(account->name);
	if (account->from_account == NULL)
		account->from_account = mem_strdup(account->name);
	if (account->reply_to == NULL)
		account->reply_to = mem_strdup("original");
	return 0;
}

static void
fill_limits(const struct check *check)
{
	struct conf_account *account = check->account;
	const struct preset *preset = check->preset;
	long long size = 0;
	struct conf_value value = {0};
	size_t i;

	if (line_given(check, "limits") == 0)
		for (i = 0; i < PRESET_LIMITS_MAX && preset->limits[i] != NULL;
		     i++) {
			value.text = preset->limits[i];
			conf_take_limit(&value, account);
		}
	if (account->max_recipients == 0)
		account->max_recipients = preset->max_recipients;
	account->max_message_size_given = account->max_message_size != 0;
	value.text = preset->max_message_size;
	if (account->max_message_size == 0 && value.text != NULL &&
	    conf_take_size(&value, &size) == 0)
		account->max_message_size = size;
	/* hold needs somebody who releases: it must be asked for. */
	if (account->on_limit_count == 0)
		account->on_limit[account->on_limit_count++] =
		    CONF_LIMIT_TEMPFAIL;
}

static int
check_limits(const struct check *check)
{
	const struct conf_account *account = check->account;
	size_t i;

	if (line_given(check, "on_limit") != 0 && account->on_limit_count == 0)
		return refuse(check, "on_limit",
		    "is empty; use hold, tempfail, reject or observe");
	for (i = 0; i < account->limit_count; i++)
		if (account->limits[i].unit == CONF_UNIT_EXTERNAL_RECIPIENTS &&
		    account->internal_domains.count == 0)
			return refuse(check, "internal_domains",
			    "is missing; a limit of external_recipients needs "
			    "to know which domains are not external");
	return 0;
}

int
conf_check_account(struct conf_account *account,
    const struct conf_source *source, struct err *err)
{
	struct check check = {
	    .account = account,
	    .app = account->application,
	    .preset = preset_find(account->application->provider),
	    .source = source,
	    .err = err,
	};

	/* A password file can mean one grant only. */
	if (account->grant == CONF_GRANT_NONE && account->password_file != NULL)
		account->grant = CONF_GRANT_PASSWORD;
	if (check_grant(&check) == -1 || check_sender(&check) == -1 ||
	    check_limits(&check) == -1)
		return -1;
	fill_limits(&check);
	account->where.file = source->file;
	account->where.line = source->line;
	account->where_password.file = source->file;
	account->where_password.line = line_given(&check, "password_file") != 0
					   ? line_given(&check, "password_file")
					   : source->line;
	return 0;
}
