/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_plan - what becomes of other programs' files. See import_plan.h.
 */
#include "import_plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_edit.h"
#include "mem.h"

#define TEXT_MAX (16 * 1024 * 1024)
#define OPTIONS_MAX 12

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
copy_legacy(struct legacy *to, const struct legacy *from)
{
	memset(to, 0, sizeof(*to));
	legacy_inherit(to, from);
}

void
import_plan_clear(struct import_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->application_count; i++) {
		legacy_clear(&plan->applications[i].legacy);
		free(plan->applications[i].name);
		free(plan->applications[i].tenant);
		free(plan->applications[i].host);
	}
	for (i = 0; i < plan->account_count; i++) {
		struct import_account *account = &plan->accounts[i];

		if (account->refresh_token != NULL)
			explicit_bzero(account->refresh_token,
			    strlen(account->refresh_token));
		if (account->password != NULL)
			explicit_bzero(
			    account->password, strlen(account->password));
		free(account->refresh_token);
		free(account->password);
		free(account->user);
	}
	free(plan->applications);
	free(plan->accounts);
	memset(plan, 0, sizeof(*plan));
}

/* --- applications --------------------------------------------------------- */

static int
is_taken(
    const struct import_plan *plan, const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < plan->application_count; i++)
		if (strcasecmp(plan->applications[i].name, name) == 0)
			return 1;
	for (i = 0; conf != NULL && i < conf->application_count; i++)
		if (strcasecmp(conf->applications[i].name, name) == 0)
			return 1;
	return 0;
}

/* "office365", or "office365-2" where that is another one's name. */
static char *
new_name(const struct import_plan *plan, const struct conf *conf,
    const char *provider)
{
	char *name = mem_strdup(provider);
	int number = 2;

	while (is_taken(plan, conf, name)) {
		free(name);
		name = mem_printf("%s-%d", provider, number++);
	}
	return name;
}

static const struct conf_application *
find_configured(const struct conf *conf, const char *provider,
    const char *client_id, const char *tenant)
{
	const struct conf_application *application;
	size_t i;

	for (i = 0; conf != NULL && i < conf->application_count; i++) {
		application = &conf->applications[i];
		if (strcmp(application->provider, provider) == 0 &&
		    (client_id == NULL ||
			(same(application->client_id, client_id) &&
			    (tenant == NULL ||
				same(application->tenant_id, tenant)))))
			return application;
	}
	return NULL;
}

static size_t
add_application(struct import_plan *plan, char *name, const char *provider)
{
	size_t n = plan->application_count++;

	plan->applications =
	    mem_grow(plan->applications, n + 1, sizeof(*plan->applications));
	memset(&plan->applications[n], 0, sizeof(plan->applications[n]));
	plan->applications[n].name = name;
	plan->applications[n].provider = provider;
	return n;
}

/* The application with these settings: of the plan, of the configuration, or a
 * new one. tenant is taken. */
static size_t
application_for(struct import_plan *plan, const struct conf *conf,
    const struct legacy *legacy, const char *host)
{
	const struct conf_application *configured;
	struct import_application *application;
	const char *provider;
	char *tenant;
	size_t i;

	provider = legacy_provider(legacy->token_endpoint, &tenant);
	for (i = 0; i < plan->application_count; i++) {
		application = &plan->applications[i];
		if (same(application->legacy.client_id, legacy->client_id) &&
		    same(application->legacy.token_endpoint,
			legacy->token_endpoint) &&
		    same(application->legacy.client_secret,
			legacy->client_secret)) {
			free(tenant);
			return i;
		}
	}
	configured = find_configured(conf, provider, legacy->client_id, tenant);
	i = add_application(plan,
	    configured != NULL ? mem_strdup(configured->name)
			       : new_name(plan, conf, provider),
	    provider);
	application = &plan->applications[i];
	application->tenant = tenant;
	application->is_there = configured != NULL;
	application->host = mem_strdup(host);
	copy_legacy(&application->legacy, legacy);
	return i;
}

/* --- accounts ------------------------------------------------------------- */

static int
has_account(const struct import_plan *plan, const char *user)
{
	size_t i;

	for (i = 0; i < plan->account_count; i++)
		if (strcasecmp(plan->accounts[i].user, user) == 0)
			return 1;
	return 0;
}

static struct import_account *
add_account(struct import_plan *plan, const struct conf *conf, const char *user,
    size_t application)
{
	struct import_account *account;

	plan->accounts = mem_grow(
	    plan->accounts, plan->account_count + 1, sizeof(*plan->accounts));
	account = &plan->accounts[plan->account_count++];
	memset(account, 0, sizeof(*account));
	account->user = mem_strdup(user);
	account->application = application;
	account->is_there =
	    conf != NULL && conf_account_find(conf, user) != NULL;
	return account;
}

void
import_plan_token(struct import_plan *plan, const struct conf *conf,
    const struct legacy *legacy, const char *user, const char *host,
    struct buf *notes)
{
	struct import_account *account;

	if (has_account(plan, user))
		return; /* several senders of one account */
	if (legacy->client_id == NULL) {
		buf_addf(notes,
		    "%s: no client_id is known; name sasl-xoauth2's "
		    "configuration as well (/etc/sasl-xoauth2.conf)\n",
		    user);
		return;
	}
	if (legacy->refresh_token == NULL && !legacy->by_itself)
		buf_addf(notes,
		    "%s: its token file has no refresh_token; somebody signs "
		    "in: postoak login %s\n",
		    user, user);
	account = add_account(
	    plan, conf, user, application_for(plan, conf, legacy, host));
	account->refresh_token = mem_strdup(legacy->refresh_token);
}

/* An application of that provider which may show passwords. */
static int
find_for_password(struct import_plan *plan, const struct conf *conf,
    const char *provider, size_t *found)
{
	const struct conf_application *configured;
	size_t i;

	for (i = 0; i < plan->application_count; i++)
		if (strcmp(plan->applications[i].provider, provider) == 0) {
			*found = i;
			return 1;
		}
	configured = find_configured(conf, provider, NULL, NULL);
	if (configured == NULL)
		return 0;
	*found = add_application(plan, mem_strdup(configured->name), provider);
	plan->applications[*found].is_there = 1;
	return 1;
}

void
import_plan_password(struct import_plan *plan, const struct conf *conf,
    const struct legacy_entry *entry, struct buf *notes)
{
	const char *provider = entry->host != NULL
				   ? legacy_provider_of_host(entry->host)
				   : "office365";
	size_t application;

	if (has_account(plan, entry->user))
		return;
	if (provider == NULL) {
		buf_addf(notes,
		    "%s: %s is not Microsoft's nor Google's; the entry stays "
		    "where it is\n",
		    entry->user, entry->host);
	} else if (strcmp(provider, "google") == 0 ||
		   strcmp(provider, "outlook") == 0) {
		buf_addf(notes,
		    "%s: %s takes no password for tokens; give it an "
		    "application and sign in: postoak login %s\n",
		    entry->user, provider, entry->user);
	} else if (!find_for_password(plan, conf, provider, &application)) {
		buf_addf(notes,
		    "%s: a password alone obtains no token, an application of "
		    "your tenant does; register one (\"postoak setup\"), then "
		    "import again\n",
		    entry->user);
	} else {
		buf_addf(notes,
		    "%s: the password grant works only while the mailbox is "
		    "not asked for a second factor (MFA, conditional access); "
		    "\"postoak login %s --device\" or a certificate last "
		    "longer\n",
		    entry->user, entry->user);
		add_account(plan, conf, entry->user, application)->password =
		    mem_strdup(entry->password);
	}
}

/* --- the text ------------------------------------------------------------- */

/* A name that can be a file's. */
static char *
secret_file(const char *name, const char *suffix)
{
	char *path = mem_printf("secrets/%s.%s", name, suffix), *p;

	for (p = path + strlen("secrets/"); *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	return path;
}

char *
import_plan_client_file(const struct import_application *application)
{
	return secret_file(application->name, "client");
}

char *
import_plan_password_file(const struct import_account *account)
{
	return secret_file(account->user, "password");
}

struct options {
	struct conf_edit edits[OPTIONS_MAX];
	char *values[OPTIONS_MAX];
	size_t count;
};

static void
set(struct options *options, const char *name, const char *value)
{
	struct buf quoted;

	if (value == NULL)
		return;
	buf_init(&quoted, TEXT_MAX);
	conf_edit_quote(&quoted, value);
	options->values[options->count] = buf_take(&quoted);
	options->edits[options->count].name = name;
	options->edits[options->count].value = options->values[options->count];
	options->count++;
}

static int
write_section(struct options *options, const char *kind, const char *title,
    const char *path, struct buf *text, struct err *err)
{
	struct buf out;
	size_t i;
	int rc;

	buf_init(&out, TEXT_MAX);
	rc = conf_edit_section(&out, path, text->data != NULL ? text->data : "",
	    kind, title, options->edits, options->count, err);
	for (i = 0; i < options->count; i++)
		free(options->values[i]);
	buf_clear(text);
	*text = out;
	return rc;
}

static int
write_application(const struct import_application *application,
    const char *path, struct buf *text, struct err *err)
{
	const struct legacy *legacy = &application->legacy;
	int custom = strcmp(application->provider, "custom") == 0;
	struct options options = {.count = 0};
	char *file = import_plan_client_file(application);

	set(&options, "provider", application->provider);
	if (strcmp(application->provider, "outlook") != 0)
		set(&options, "tenant_id", application->tenant);
	set(&options, "client_id", legacy->client_id);
	if (legacy->client_secret != NULL)
		set(&options, "client_secret_file", file);
	if (custom) {
		set(&options, "token_endpoint", legacy->token_endpoint);
		set(&options, "hosts", application->host);
	}
	set(&options, legacy->by_itself ? "app_scope" : "scope", legacy->scope);
	set(&options, "proxy", legacy->proxy);
	set(&options, "ca_file", legacy->ca_file);
	free(file);
	return write_section(
	    &options, "application", application->name, path, text, err);
}

static int
write_account(const struct import_plan *plan,
    const struct import_account *account, const char *path, struct buf *text,
    struct err *err)
{
	const struct import_application *application =
	    &plan->applications[account->application];
	char *file = import_plan_password_file(account);
	struct options options = {.count = 0};

	set(&options, "application", application->name);
	if (account->password != NULL) {
		set(&options, "grant", "password");
		set(&options, "password_file", file);
	} else {
		set(&options, "grant",
		    application->legacy.by_itself ? "client_credentials"
						  : "refresh_token");
	}
	free(file);
	return write_section(
	    &options, "account", account->user, path, text, err);
}

int
import_plan_text(const struct import_plan *plan, const char *path,
    const char *text, struct buf *out, struct err *err)
{
	size_t i;

	if (buf_adds(out, text) == -1)
		return err_set(
		    err, ERR_CONFIG, "file", "%s: is too large", path);
	/* What the configuration has already stands: it may have been changed
	 * since. */
	for (i = 0; i < plan->application_count; i++)
		if (!plan->applications[i].is_there &&
		    write_application(&plan->applications[i], path, out, err) ==
			-1)
			return -1;
	for (i = 0; i < plan->account_count; i++)
		if (!plan->accounts[i].is_there &&
		    write_account(plan, &plan->accounts[i], path, out, err) ==
			-1)
			return -1;
	return 0;
}
