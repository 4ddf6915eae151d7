/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_draft - see setup_draft.h.
 */
#include "setup_draft.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PEM_MAX 16384
#define NAMES_MAX 1000	  /* of applications and files tried */
#define FILE_NAME_MAX 230 /* with what follows it no more than NAME_MAX */

#define KEEP(field, text) snprintf(field, sizeof(field), "%s", text)

void
setup_draft_init(struct setup_draft *draft, const struct conf *conf)
{
	memset(draft, 0, sizeof(*draft));
	draft->conf = conf;
	KEEP(draft->provider, "office365");
	buf_init(&draft->certificate, PEM_MAX);
}

void
setup_draft_clear(struct setup_draft *draft)
{
	secret_clear(&draft->client_secret);
	secret_clear(&draft->password);
	secret_clear(&draft->key);
	buf_clear(&draft->certificate);
}

/* --- what is configured --------------------------------------------------- */

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

static const char *
first_of(const struct conf_list *list)
{
	return list->count > 0 ? list->items[0] : "";
}

void
setup_draft_application(
    struct setup_draft *draft, const struct conf_application *app)
{
	draft->app = app;
	KEEP(draft->application, app->name);
	KEEP(draft->provider, app->provider);
	KEEP(draft->tenant_id, text_of(app->tenant_id));
	KEEP(draft->client_id, text_of(app->client_id));
	KEEP(draft->expires, text_of(app->client_secret_expires));
	KEEP(draft->client_secret_file, first_of(&app->client_secret_files));
	KEEP(draft->certificate_file, first_of(&app->certificate_files));
	KEEP(draft->key_file, first_of(&app->key_files));
	KEEP(draft->service_account_file, text_of(app->service_account_file));
	draft->proof = app->proof;
}

void
setup_draft_account(struct setup_draft *draft, const char *name)
{
	const struct conf_account *account;

	KEEP(draft->name, name);
	KEEP(draft->user, name);
	KEEP(draft->from_account, name);
	account =
	    draft->conf != NULL ? conf_account_find(draft->conf, name) : NULL;
	draft->account = account;
	if (account == NULL)
		return;
	KEEP(draft->name, account->name);
	KEEP(draft->user, text_of(account->user));
	KEEP(draft->from_account, text_of(account->from_account));
	KEEP(draft->password_file, text_of(account->password_file));
	draft->grant = account->grant;
	setup_draft_application(draft, account->application);
}

size_t
setup_draft_users(
    const struct setup_draft *draft, const struct conf_application *app)
{
	size_t i, count = 0;

	for (i = 0; draft->conf != NULL && i < draft->conf->account_count; i++)
		count += draft->conf->accounts[i].application == app;
	return count;
}

/* --- names ---------------------------------------------------------------- */

static const struct conf_application *
named(const struct setup_draft *draft, const char *name)
{
	size_t i;

	for (i = 0; draft->conf != NULL && i < draft->conf->application_count;
	     i++)
		if (strcasecmp(draft->conf->applications[i].name, name) == 0)
			return &draft->conf->applications[i];
	return NULL;
}

static int
is_same(const char *configured, const char *wanted)
{
	return strcasecmp(text_of(configured), wanted) == 0;
}

/* Does the section speak of the same application? */
static int
is_like(const struct setup_draft *draft, const struct conf_application *app)
{
	return is_same(app->provider, draft->provider) &&
	       is_same(app->tenant_id, draft->tenant_id) &&
	       is_same(app->client_id, draft->client_id);
}

static int
fits(const struct setup_draft *draft, const struct conf_application *app)
{
	return is_like(draft, app) && app->proof == draft->proof;
}

/* "contoso" of relay@mail.contoso.com: what people call the company. */
static void
company(const char *address, char *out, size_t size)
{
	const char *at = strrchr(address, '@'), *domain, *dot, *next;

	domain = at != NULL ? at + 1 : address;
	/* The last label but one, or two where a country has "co.uk". */
	for (; (dot = strchr(domain, '.')) != NULL; domain = dot + 1) {
		next = strchr(dot + 1, '.');
		if (next == NULL || (next - dot <= 4 && strlen(next) <= 3))
			break;
		/* contoso.onmicrosoft.com */
		if (strncasecmp(dot, ".onmicrosoft.", 13) == 0)
			break;
	}
	snprintf(out, size, "%.*s",
	    (int)(dot != NULL ? (size_t)(dot - domain) : strlen(domain)),
	    domain);
}

static void
new_application(struct setup_draft *draft)
{
	char base[64];
	int number;

	company(draft->name, base, sizeof(base));
	KEEP(draft->application, base);
	for (number = 2;
	     named(draft, draft->application) != NULL && number < NAMES_MAX;
	     number++)
		snprintf(draft->application, sizeof(draft->application),
		    "%s-%d", base, number);
}

/*
 * The account's own application may change if nobody else uses it. Else another
 * one that is the same already, or a new section.
 */
static void
choose_application(struct setup_draft *draft)
{
	const struct conf_application *app = draft->app;
	size_t i;

	if (app != NULL &&
	    (fits(draft, app) ||
		(draft->account != NULL && draft->account->application == app &&
		    setup_draft_users(draft, app) == 1))) {
		KEEP(draft->application, app->name);
		return;
	}
	draft->app = NULL;
	draft->like = NULL;
	for (i = 0; draft->conf != NULL && i < draft->conf->application_count;
	     i++) {
		app = &draft->conf->applications[i];
		if (fits(draft, app))
			draft->app = app;
		else if (is_like(draft, app))
			draft->like = app;
	}
	if (draft->app != NULL)
		KEEP(draft->application, draft->app->name);
	else
		new_application(draft);
}

/* A file's name out of somebody's name: nothing that a path could mean, and of
 * two names never the same. */
static void
file_name(char out[SETUP_PATH_MAX], const char *name, const char *end)
{
	char safe[FILE_NAME_MAX + sizeof("%2F")];
	size_t i, len = 0;

	for (i = 0; name[i] != '\0' && len < FILE_NAME_MAX; i++) {
		unsigned char c = (unsigned char)name[i];
		int fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			   (c >= '0' && c <= '9') || c == '@' || c == '-' ||
			   c == '_' || c == '+' || (c == '.' && i > 0);

		len += (size_t)snprintf(
		    safe + len, sizeof(safe) - len, fine ? "%c" : "%%%02X", c);
	}
	safe[len] = '\0';
	snprintf(out, SETUP_PATH_MAX, "secrets/%s.%s", safe, end);
}

/* path: as it is read, whole. name: as file_name made it. */
static int
is_path_of(const char *path, const char *name)
{
	size_t len = path != NULL ? strlen(path) : 0, end = strlen(name);

	return len > end && strcmp(path + len - end, name) == 0 &&
	       path[len - end - 1] == '/';
}

static int
is_listed(const struct conf_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (is_path_of(list->items[i], name))
			return 1;
	return 0;
}

/* Does anything configured read a file of that name? */
static int
is_read(const struct setup_draft *draft, const char *name)
{
	const struct conf *conf = draft->conf;
	const struct conf_application *app;
	size_t i;

	for (i = 0; conf != NULL && i < conf->application_count; i++) {
		app = &conf->applications[i];
		if (is_listed(&app->client_secret_files, name) ||
		    is_listed(&app->certificate_files, name) ||
		    is_listed(&app->key_files, name))
			return 1;
	}
	for (i = 0; conf != NULL && i < conf->account_count; i++)
		if (is_path_of(conf->accounts[i].password_file, name))
			return 1;
	return 0;
}

/* A file that is nobody's yet: what somebody else reads stays as it is. */
static void
new_file(const struct setup_draft *draft, char out[SETUP_PATH_MAX],
    const char *name, const char *end)
{
	char numbered[32];
	int number;

	file_name(out, name, end);
	for (number = 2; is_read(draft, out) && number < NAMES_MAX; number++) {
		snprintf(numbered, sizeof(numbered), "%d.%s", number, end);
		file_name(out, name, numbered);
	}
}

void
setup_draft_place(struct setup_draft *draft)
{
	choose_application(draft);
	draft->proof_is_new =
	    draft->app == NULL || draft->app->proof != draft->proof;
	/* Files of the section there is are replaced where they are. */
	if (draft->app == NULL || draft->app->client_secret_files.count == 0)
		new_file(draft, draft->client_secret_file, draft->application,
		    "client");
	else
		KEEP(draft->client_secret_file,
		    draft->app->client_secret_files.items[0]);
	if (draft->app == NULL || draft->app->certificate_files.count == 0 ||
	    draft->app->key_files.count == 0) {
		new_file(
		    draft, draft->certificate_file, draft->application, "pem");
		new_file(draft, draft->key_file, draft->application, "key");
	} else {
		KEEP(draft->certificate_file,
		    draft->app->certificate_files.items[0]);
		KEEP(draft->key_file, draft->app->key_files.items[0]);
	}
	if (draft->password_file[0] == '\0')
		new_file(draft, draft->password_file, draft->name, "password");
}

/* --- questions ------------------------------------------------------------ */

int
setup_draft_signs_in(const struct setup_draft *draft)
{
	return draft->grant == CONF_GRANT_DEVICE_CODE ||
	       draft->grant == CONF_GRANT_AUTHORIZATION_CODE;
}

int
setup_draft_is_microsoft(const struct setup_draft *draft)
{
	return strncmp(draft->provider, "office365", 9) == 0;
}
