/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_check - the daemons' sections and the applications. See conf_check.h;
 * accounts are in conf_check_account.c.
 */
#include "conf_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_check_proof.h"
#include "conf_error.h"
#include "conf_take.h"
#include "mem.h"
#include "preset.h"

#define RUN_DIR POSTOAK_RUNSTATEDIR "/postoak"
#define SPOOL_RUN_DIR POSTOAK_LOCALSTATEDIR "/spool/postfix/run/postoak"
#define TITLE_MAX 254
#define RELEASE_WITHIN_S (5 * 60)

/* The line of an option, the section's if it was not given. */
static int
line_of(const struct conf_source *source, enum conf_section_id id,
    const char *option)
{
	int index = conf_table_index(conf_table_section(id), option);

	return source->lines[index] != 0 ? source->lines[index] : source->line;
}

static int
is_given(const struct conf_source *source, enum conf_section_id id,
    const char *option)
{
	return source
		   ->lines[conf_table_index(conf_table_section(id), option)] !=
	       0;
}

static void
fill(char **field, const char *value)
{
	if (*field == NULL)
		*field = mem_strdup(value);
}

static void
append(struct conf_list *list, const char *text)
{
	struct conf_value value = {.text = text};

	conf_take_item(&value, list);
}

int
conf_check_title(enum conf_section_id id, const char *title,
    const struct conf_source *source, struct err *err)
{
	const struct conf_section *section = conf_table_section(id);
	struct conf_value value = {.text = title};

	if (title[0] == '\0' || strlen(title) > TITLE_MAX)
		return conf_error_at(err, source->file, source->line,
		    "section %s needs a name of 1 to %d bytes", section->name,
		    TITLE_MAX);
	if (id != CONF_SECTION_ACCOUNT)
		return 0;
	if (strchr(title, '@') != NULL ? conf_value_sender(&value) == -1
				       : conf_value_word(&value) == -1)
		return conf_error_at(err, source->file, source->line,
		    "account \"%s\" %s", title, value.problem);
	return 0;
}

/* --- tokend and milter --------------------------------------------------- */

static const char *const default_users[] = {"postfix", "root", "smmsp"};

int
conf_check_tokend(struct conf_tokend *tokend, const char *dir,
    const struct conf_source *source, struct err *err)
{
	size_t i;

	if (!is_given(source, CONF_SECTION_TOKEND, "listen")) {
		append(&tokend->listen, RUN_DIR "/tokend.sock");
		append(&tokend->listen, SPOOL_RUN_DIR "/tokend.sock");
	}
	tokend->allow_users_is_default =
	    !is_given(source, CONF_SECTION_TOKEND, "allow_users");
	tokend->where_users.file = source->file;
	tokend->where_users.line =
	    line_of(source, CONF_SECTION_TOKEND, "allow_users");
	if (tokend->allow_users_is_default)
		for (i = 0; i < 3; i++)
			append(&tokend->allow_users, default_users[i]);
	fill(&tokend->control, RUN_DIR "/control.sock");
	if (tokend->seal_key_file == NULL)
		tokend->seal_key_file =
		    conf_take_absolute(dir, "secrets/seal.key");
	fill(&tokend->store, POSTOAK_LOCALSTATEDIR "/lib/postoak/tokens");
	if (tokend->notify_command.count > 0 &&
	    tokend->notify_command.items[0][0] != '/')
		return conf_error_at(err, source->file,
		    line_of(source, CONF_SECTION_TOKEND, "notify_command"),
		    "tokend: notify_command = \"%.80s\" is not a whole path; "
		    "begin with / (it is run without a shell)",
		    tokend->notify_command.items[0]);
	return 0;
}

int
conf_check_milter(const struct conf *conf, struct conf_milter *milter,
    const struct conf_source *source, struct err *err)
{
	/* A directory of its own: whoever may write where the token
	 * socket is could put another one in its place. */
	fill(&milter->listen, "unix:" SPOOL_RUN_DIR "-milter/milter.sock");
	fill(&milter->control,
	    POSTOAK_RUNSTATEDIR "/postoak-milter/control.sock");
	fill(&milter->counters,
	    "lmdb:" POSTOAK_LOCALSTATEDIR "/lib/postoak-milter");
	if (strncmp(milter->counters, "lmdb:", 5) == 0)
		fill(&milter->counters_local, milter->counters + 5);
	fill(&milter->counters_local,
	    POSTOAK_LOCALSTATEDIR "/lib/postoak-milter");
	if (milter->counters_share == 0)
		milter->counters_share = 50;
	fill(&milter->unmatched, "pass");
	if (milter->release_within_s == 0)
		milter->release_within_s = RELEASE_WITHIN_S;
	if (milter->admin_group == NULL)
		milter->admin_group = mem_strdup(conf->tokend.admin_group);
	if (strcmp(milter->unmatched, "pass") != 0 &&
	    strcmp(milter->unmatched, "reject") != 0 &&
	    conf_account_find(conf, milter->unmatched) == NULL)
		return conf_error_at(err, source->file,
		    line_of(source, CONF_SECTION_MILTER, "unmatched"),
		    "milter: unmatched = \"%.80s\" is not possible; use pass, "
		    "reject or the name of an account",
		    milter->unmatched);
	return 0;
}

/* --- applications -------------------------------------------------------- */

/* One application while it is checked. */
struct check {
	struct conf_application *app;
	const struct preset *preset;
	const struct conf_source *source;
	struct err *err;
};

static int
refuse(const struct check *check, const char *option, const char *problem)
{
	return conf_error_at(check->err, check->source->file,
	    line_of(check->source, CONF_SECTION_APPLICATION, option),
	    "application \"%s\": %s %s", check->app->name, option, problem);
}

static int
check_ids(const struct check *check)
{
	struct conf_application *app = check->app;
	int flags = check->preset->flags;

	if (app->is_identity)
		return 0;
	if (app->client_id == NULL)
		return refuse(check, "client_id",
		    "is missing; copy \"Application (client) ID\" from the "
		    "application's overview page");
	if ((flags & PRESET_GUID_CLIENT) && !conf_value_is_guid(app->client_id))
		return refuse(check, "client_id",
		    "is not of the form "
		    "11111111-2222-3333-4444-555555555555; copy \"Application "
		    "(client) ID\" from the application's overview page");
	if ((flags & PRESET_TENANT) && app->tenant_id == NULL)
		return refuse(check, "tenant_id",
		    "is missing; copy \"Directory (tenant) ID\" from the "
		    "application's overview page");
	if (app->tenant_id != NULL &&
	    strcasecmp(app->tenant_id, app->client_id) == 0)
		return refuse(check, "tenant_id",
		    "is the same as client_id; copy each from its own line of "
		    "the overview page");
	if ((flags & PRESET_PERSONAL) && app->tenant_id != NULL &&
	    strcmp(app->tenant_id, "consumers") != 0)
		return refuse(check, "tenant_id",
		    "has no meaning for personal accounts; delete it");
	if (app->client_secret_expires != NULL &&
	    app->client_secret_files.count == 0)
		return refuse(check, "client_secret_expires",
		    "stands without client_secret_file; write that too, or "
		    "delete it");
	return 0;
}

/* An endpoint as configured or as the preset has it, with its {tenant}. */
static void
fill_endpoint(char **field, const char *preset, const char *tenant)
{
	char *template = *field != NULL ? *field : mem_strdup(preset);

	*field = preset_expand(template, tenant);
	free(template);
}

static int
fill_parts(const struct check *check)
{
	struct conf_application *app = check->app;
	const struct preset *preset = check->preset;
	const char *tenant = app->tenant_id;
	size_t i;

	if (tenant == NULL && (preset->flags & PRESET_PERSONAL))
		tenant = "consumers";
	fill_endpoint(&app->discovery_endpoint, NULL, tenant);
	fill_endpoint(&app->authorization_endpoint,
	    preset->authorization_endpoint, tenant);
	fill_endpoint(&app->token_endpoint, preset->token_endpoint, tenant);
	fill_endpoint(&app->device_authorization_endpoint,
	    preset->device_authorization_endpoint, tenant);
	if (app->discovery_endpoint != NULL)
		fill(&app->token_endpoint, app->discovery_endpoint);
	if (preset->scope != NULL)
		fill(&app->scope, preset->scope);
	if (preset->app_scope != NULL)
		fill(&app->app_scope, preset->app_scope);
	if (app->hosts.count == 0)
		for (i = 0; i < PRESET_HOSTS_MAX && preset->hosts[i] != NULL;
		     i++)
			append(&app->hosts, preset->hosts[i]);
	if (app->min_validity_s == 0)
		app->min_validity_s = preset->min_validity_s;
	return 0;
}

/*
 * Entra ID's old endpoint, which its portal shows beside the new one. Others'
 * endpoints may well end so.
 */
static int
is_v1_endpoint(const char *endpoint)
{
	static const char old[] = "/oauth2/token";
	size_t len = strlen(endpoint);

	if (strncmp(endpoint, "https://login.", 14) != 0 ||
	    (strstr(endpoint, ".microsoftonline.") == NULL &&
		strstr(endpoint, ".chinacloudapi.cn/") == NULL))
		return 0;
	return len > strlen(old) &&
	       strcmp(endpoint + len - strlen(old), old) == 0;
}

/* 1 if a token may be sent to the host of this "host:port". */
static int
is_listed(const struct conf_application *app, const char *server)
{
	size_t skip = server[0] == '[', len, i;

	len = (size_t)(strrchr(server, ':') - server) - 2 * skip;
	for (i = 0; i < app->hosts.count; i++)
		if (strlen(app->hosts.items[i]) == len &&
		    strncmp(app->hosts.items[i], server + skip, len) == 0)
			return 1;
	return 0;
}

/* The servers that check logs in to are among those that may have a token. */
static int
check_servers(const struct check *check)
{
	const struct conf_application *app = check->app;
	const struct {
		const char *option;
		const char *server;
	} servers[] = {{"smtp_server", app->smtp_server},
	    {"imap_server", app->imap_server}, {"pop_server", app->pop_server}};
	size_t i;

	for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if (servers[i].server != NULL &&
		    !is_listed(app, servers[i].server))
			return refuse(check, servers[i].option,
			    "names a server that is not among hosts; a token "
			    "may be sent to those only, so add its name there");
	return 0;
}

int
conf_check_application(struct conf_application *app,
    const struct conf_source *source, struct err *err)
{
	struct check check = {.app = app, .source = source, .err = err};

	app->where.file = app->where_ca.file = source->file;
	app->where.line = source->line;
	app->where_ca.line =
	    line_of(source, CONF_SECTION_APPLICATION, "ca_file");
	if (app->provider == NULL)
		return refuse(&check, "provider",
		    "is missing; write provider = \"office365\" for Microsoft "
		    "365, or another of postoak.conf(5)");
	check.preset = preset_find(app->provider);
	if (conf_check_proof(app, source, err) == -1 || check_ids(&check) == -1)
		return -1;
	if (app->discovery_endpoint != NULL &&
	    !(check.preset->flags & PRESET_BARE))
		return refuse(&check, "discovery_endpoint",
		    "is for provider \"custom\"; this provider's endpoints "
		    "are known: delete it");
	fill_parts(&check);
	if (app->token_endpoint == NULL)
		return refuse(&check, "token_endpoint",
		    "is missing; provider \"custom\" needs it, or "
		    "discovery_endpoint");
	if (strstr(app->token_endpoint, "{tenant}") != NULL)
		return refuse(&check, "tenant_id",
		    "is missing; an endpoint has {tenant} in it");
	if (is_v1_endpoint(app->token_endpoint))
		return refuse(&check, "token_endpoint",
		    "ends in /oauth2/token, which is version 1.0 and takes no "
		    "scope; write /oauth2/v2.0/token");
	if (app->scope == NULL && app->app_scope == NULL)
		return refuse(&check, "scope",
		    "is missing; provider \"custom\" needs it");
	if (app->hosts.count == 0)
		return refuse(&check, "hosts",
		    "is missing; name the servers a token may be sent to");
	return check_servers(&check);
}
