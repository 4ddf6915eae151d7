/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_text - see setup_text.h.
 */
#include "setup_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_edit.h"
#include "mem.h"
#include "preset.h"

#define EDITS_MAX 32
#define VALUE_MAX (2 * SETUP_ENDPOINT_MAX + 3)
#define SMTP_SCOPE "SMTP.Send"

static const char head[] =
    "# postoak: made by \"postoak setup\", which changes it, too, and keeps "
    "what\n# stands here. postoak.conf(5) describes every option.\n";

/* Options to set and to take out. */
struct edits {
	struct conf_edit edit[EDITS_MAX];
	char *value[EDITS_MAX]; /* owned */
	size_t count;
};

static void
put(struct edits *edits, const char *name, char *value)
{
	edits->edit[edits->count].name = name;
	edits->edit[edits->count].value = value;
	edits->value[edits->count++] = value;
}

static void
take_out(struct edits *edits, const char *name)
{
	put(edits, name, NULL);
}

static void
set(struct edits *edits, const char *name, const char *value)
{
	struct buf out;

	buf_init(&out, VALUE_MAX);
	conf_edit_quote(&out, value);
	put(edits, name, buf_take(&out));
}

static void
set_item(struct edits *edits, const char *name, const char *value)
{
	struct buf out;

	buf_init(&out, VALUE_MAX);
	buf_adds(&out, "{ ");
	conf_edit_quote(&out, value);
	buf_adds(&out, " }");
	put(edits, name, buf_take(&out));
}

static void
free_edits(struct edits *edits)
{
	size_t i;

	for (i = 0; i < edits->count; i++)
		free(edits->value[i]);
}

/* Set if given, untouched if not. */
static void
set_given(struct edits *edits, const char *name, const char *value)
{
	if (value[0] != '\0')
		set(edits, name, value);
}

/* --- the application ------------------------------------------------------ */

/* What the preset says anyway needs no line. */
static void
set_endpoint(struct edits *edits, const struct setup_draft *draft,
    const char *name, const char *given, const char *template)
{
	char *usual = preset_expand(template, draft->tenant_id);

	if (given[0] == '\0')
		;
	else if (usual != NULL && strcasecmp(usual, given) == 0)
		take_out(edits, name);
	else
		set(edits, name, given);
	free(usual);
}

static void
set_server(struct edits *edits, const struct setup_draft *draft,
    const struct preset *preset)
{
	size_t i;

	if (draft->server[0] == '\0')
		return;
	for (i = 0; i < PRESET_HOSTS_MAX && preset->hosts[i] != NULL; i++)
		if (strcasecmp(preset->hosts[i], draft->server) == 0)
			return;
	set_item(edits, "hosts", draft->server);
}

/* One proof only: what another one needs goes. */
static void
set_proof(struct edits *edits, const struct setup_draft *draft)
{
	int secret = draft->proof == CONF_PROOF_SECRET;
	int certificate = draft->proof == CONF_PROOF_CERTIFICATE;

	if (!secret) {
		take_out(edits, "client_secret_file");
		take_out(edits, "client_secret_expires");
	} else if (draft->proof_is_new) {
		set(edits, "client_secret_file", draft->client_secret_file);
	}
	if (secret && draft->expires[0] != '\0')
		set(edits, "client_secret_expires", draft->expires);
	else if (secret && !secret_empty(&draft->client_secret))
		take_out(edits, "client_secret_expires");
	if (!certificate) {
		take_out(edits, "certificate_file");
		take_out(edits, "key_file");
		take_out(edits, "key_passphrase_file");
	} else if (draft->proof_is_new || draft->app->key_files.count == 0) {
		set(edits, "certificate_file", draft->certificate_file);
		set(edits, "key_file", draft->key_file);
	}
}

/* The preset's scope with the permissions to fetch mail, if wanted. */
static void
set_scope(struct edits *edits, const struct setup_draft *draft,
    const struct preset *preset)
{
	const char *smtp = strstr(preset->scope, SMTP_SCOPE);
	struct buf out;
	int place;

	if (!draft->fetch_is_known || smtp == NULL ||
	    draft->grant == CONF_GRANT_CLIENT_CREDENTIALS)
		return;
	if (draft->fetch == SETUP_FETCH_NONE) {
		take_out(edits, "scope");
		return;
	}
	place = (int)(smtp - preset->scope);
	buf_init(&out, VALUE_MAX);
	buf_addf(&out, "\"%.*s" SMTP_SCOPE " %.*sIMAP.AccessAsUser.All", place,
	    preset->scope, place, preset->scope);
	if (draft->fetch == SETUP_FETCH_POP)
		buf_addf(
		    &out, " %.*sPOP.AccessAsUser.All", place, preset->scope);
	buf_addf(&out, "%s\"", smtp + strlen(SMTP_SCOPE));
	put(edits, "scope", buf_take(&out));
}

static void
copy_list(struct edits *edits, const char *name, const struct conf_list *list)
{
	struct buf out;
	size_t i;

	buf_init(&out, VALUE_MAX);
	buf_adds(&out, "{ ");
	for (i = 0; i < list->count; i++) {
		conf_edit_quote(&out, list->items[i]);
		buf_adds(&out, i + 1 < list->count ? ", " : " }");
	}
	put(edits, name, buf_take(&out));
}

/* Does it have other hosts than the preset? */
static int
has_own_hosts(const struct conf_list *list, const struct preset *preset)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (i == PRESET_HOSTS_MAX || preset->hosts[i] == NULL ||
		    strcmp(list->items[i], preset->hosts[i]) != 0)
			return 1;
	return 0;
}

/* A new section of an application that is configured already: what there was
 * changed of the preset holds for it, too, unless it was given anew. */
static void
copy_like(struct edits *edits, const struct setup_draft *draft,
    const struct preset *preset)
{
	const struct conf_application *like = draft->like;
	const struct {
		const char *name, *value, *template;
		int is_given;
	} options[] = {
	    {"authorization_endpoint", like->authorization_endpoint,
		preset->authorization_endpoint,
		draft->authorization_endpoint[0] != '\0'},
	    {"token_endpoint", like->token_endpoint, preset->token_endpoint,
		draft->token_endpoint[0] != '\0'},
	    {"device_authorization_endpoint",
		like->device_authorization_endpoint,
		preset->device_authorization_endpoint, 0},
	    {"app_scope", like->app_scope, preset->app_scope, 0},
	    {"proxy", like->proxy, NULL, draft->proxy[0] != '\0'},
	    {"ca_file", like->ca_file, NULL, draft->ca_file[0] != '\0'},
	};
	char *usual;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		usual = preset_expand(options[i].template, draft->tenant_id);
		if (!options[i].is_given && options[i].value != NULL &&
		    (usual == NULL || strcmp(usual, options[i].value) != 0))
			set(edits, options[i].name, options[i].value);
		free(usual);
	}
	if (draft->server[0] == '\0' && has_own_hosts(&like->hosts, preset))
		copy_list(edits, "hosts", &like->hosts);
}

static int
edit_application(struct buf *out, const char *path, const char *before,
    const struct setup_draft *draft, struct err *err)
{
	const struct preset *preset = preset_find(draft->provider);
	struct edits edits = {.count = 0};
	int rc;

	if (draft->app == NULL ||
	    strcmp(draft->app->provider, draft->provider) != 0)
		set(&edits, "provider", draft->provider);
	set_given(&edits, "tenant_id", draft->tenant_id);
	set_given(&edits, "client_id", draft->client_id);
	set_proof(&edits, draft);
	if (draft->app == NULL && draft->like != NULL)
		copy_like(&edits, draft, preset);
	if (draft->app == NULL || draft->app->service_account_file == NULL ||
	    strcmp(draft->app->service_account_file,
		draft->service_account_file) != 0)
		set_given(&edits, "service_account_file",
		    draft->service_account_file);
	set_endpoint(&edits, draft, "authorization_endpoint",
	    draft->authorization_endpoint, preset->authorization_endpoint);
	set_endpoint(&edits, draft, "token_endpoint", draft->token_endpoint,
	    preset->token_endpoint);
	set_server(&edits, draft, preset);
	set_given(&edits, "proxy", draft->proxy);
	set_given(&edits, "ca_file", draft->ca_file);
	set_scope(&edits, draft, preset);
	rc = conf_edit_section(out, path, before, "application",
	    draft->application, edits.edit, edits.count, err);
	free_edits(&edits);
	return rc;
}

/* --- the account ---------------------------------------------------------- */

/* An option whose default is the account's name. */
static void
set_unless_name(struct edits *edits, const struct setup_draft *draft,
    const char *name, const char *value)
{
	if (value[0] == '\0' || strcasecmp(value, draft->name) == 0)
		take_out(edits, name);
	else
		set(edits, name, value);
}

static int
edit_account(struct buf *out, const char *path, const char *before,
    const struct setup_draft *draft, struct err *err)
{
	struct edits edits = {.count = 0};
	int rc;

	set(&edits, "application", draft->application);
	set(&edits, "grant", conf_grant_name(draft->grant));
	set_unless_name(&edits, draft, "user", draft->user);
	if (draft->grant != CONF_GRANT_PASSWORD)
		take_out(&edits, "password_file");
	else if (draft->account == NULL ||
		 draft->account->password_file == NULL)
		set(&edits, "password_file", draft->password_file);
	set_unless_name(&edits, draft, "from_account", draft->from_account);
	rc = conf_edit_section(out, path, before, "account", draft->name,
	    edits.edit, edits.count, err);
	free_edits(&edits);
	return rc;
}

int
setup_text(struct buf *out, const char *path, const char *before,
    const struct setup_draft *draft, struct err *err)
{
	struct buf between;
	int rc;

	buf_init(&between, out->max);
	rc = edit_application(
	    &between, path, before[0] != '\0' ? before : head, draft, err);
	if (rc == 0)
		rc = edit_account(out, path, between.data, draft, err);
	buf_clear(&between);
	return rc;
}
