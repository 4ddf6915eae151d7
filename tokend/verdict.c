/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict - look at a token. See verdict.h.
 */
#define _GNU_SOURCE
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mem.h"

#define OUTLOOK_APP "00000002-0000-0ff1-ce00-000000000000"
#define GRAPH_APP "00000003-0000-0000-c000-000000000000"
#define GUID_LEN 36

static void add(struct json *findings, const char *level, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
add(struct json *findings, const char *level, const char *code, const char *fmt,
    ...)
{
	struct json *finding = json_object();
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		text = NULL;
	va_end(ap);
	json_set_string(finding, "level", level);
	json_set_string(finding, "code", code);
	json_set_string(finding, "text", text);
	json_append(findings, finding);
	free(text);
}

/* --- audience --------------------------------------------------------------
 */

/* "https://outlook.office.com" of ".../SMTP.Send"; to be freed, or NULL. */
static char *
resource_of(const char *scope)
{
	const char *begin = strstr(scope, "://"), *end;

	if (begin == NULL)
		return NULL;
	while (begin > scope && begin[-1] != ' ')
		begin--;
	end = strstr(begin, "://") + 3;
	end += strcspn(end, "/ ");
	return mem_strndup(begin, (size_t)(end - begin));
}

/* The same but for a slash at the end. */
static int
is_resource(const char *audience, const char *resource)
{
	size_t len = strlen(resource);

	return strncasecmp(audience, resource, len) == 0 &&
	       (audience[len] == '\0' || strcmp(audience + len, "/") == 0);
}

static void
look_at_audience(const struct verdict_subject *s, struct json *findings)
{
	const char *audience = json_get_string(s->claims, "aud");
	char *resource = resource_of(s->scope);
	int outlook;

	if (audience == NULL || resource == NULL) {
		free(resource);
		return;
	}
	outlook = strstr(resource, "//outlook.office") != NULL;
	if (is_resource(audience, "https://graph.microsoft.com") ||
	    strcmp(audience, GRAPH_APP) == 0)
		add(findings, "fail", "audience",
		    "the token is for Microsoft Graph, which no mail server "
		    "takes; write %s with the Outlook resource in front of "
		    "each permission (%s) and %s",
		    s->is_app ? "app_scope" : "scope",
		    s->is_app ? "https://outlook.office365.com/.default"
			      : "https://outlook.office.com/SMTP.Send "
				"offline_access",
		    s->again);
	else if (!is_resource(audience, resource) &&
		 !(outlook &&
		     (is_resource(audience, "https://outlook.office.com") ||
			 is_resource(
			     audience, "https://outlook.office365.com"))) &&
		 strcmp(audience, OUTLOOK_APP) != 0)
		add(findings, "fail", "audience",
		    "the token is for %s and not for %s; correct %s and %s",
		    audience, resource, s->is_app ? "app_scope" : "scope",
		    s->again);
	free(resource);
}

/* --- permissions -----------------------------------------------------------
 */

static int
has_word(const char *words, const char *word)
{
	size_t len = strlen(word), here;
	const char *p = words != NULL ? words : "";
	const char *slash;

	for (; *p != '\0'; p += here + (p[here] == ' ')) {
		here = strcspn(p, " ");
		/* As a permission's bare name, or behind its resource. */
		slash = memrchr(p, '/', here);
		if (slash != NULL && strncasecmp(slash + 1, word, len) == 0 &&
		    slash + 1 + len == p + here)
			return 1;
		if (here == len && strncasecmp(p, word, len) == 0)
			return 1;
	}
	return 0;
}

static int
is_granted(const struct verdict_subject *s, const char *permission)
{
	const struct json *roles;
	const char *role;
	size_t i;

	if (s->claims == NULL)
		return s->granted == NULL || has_word(s->granted, permission);
	roles = json_get_array(s->claims, "roles");
	for (i = 0; roles != NULL && i < json_length(roles); i++) {
		role = json_string_at(roles, i);
		if (role != NULL && strcasecmp(role, permission) == 0)
			return 1;
	}
	return has_word(json_get_string(s->claims, "scp"), permission);
}

/* OpenID Connect's own words are no permissions of a mailbox. */
static int
is_oidc(const char *word)
{
	static const char *const words[] = {
	    "offline_access", "openid", "profile", "email"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return 1;
	return 0;
}

/*
 * https://mail.google.com/ is a permission without a name; a person may leave
 * its box empty and agree to the rest. What such a token holds only the answer
 * says.
 */
static void
look_at_address(
    const struct verdict_subject *s, const char *wanted, struct json *findings)
{
	if (s->claims == NULL && !is_granted(s, wanted))
		add(findings, "fail", "permission",
		    "the token lacks the permission %s; %s and agree to it on "
		    "the provider's page",
		    wanted, s->again);
}

static void
look_at_permission(
    const struct verdict_subject *s, const char *wanted, struct json *findings)
{
	const char *name = strrchr(wanted, '/');

	name = name != NULL ? name + 1 : wanted;
	if (strcasecmp(name, ".default") == 0)
		name = "SMTP.Send";
	if (*name == '\0') {
		look_at_address(s, wanted, findings);
		return;
	}
	if (is_oidc(wanted) || is_granted(s, name))
		return;
	add(findings, "fail", "permission",
	    "the token lacks the permission %s; in the Entra admin center add "
	    "it to the application (API permissions, Microsoft Graph, "
	    "Delegated permissions), grant admin consent, and %s",
	    name, s->again);
}

/*
 * What an application may do stands in roles, but for rights that were given in
 * Exchange alone (App RBAC): then there is no such claim, and mail goes.
 */
static void
look_at_roles(const struct verdict_subject *s, struct json *findings)
{
	static const char remedy[] =
	    "in the Entra admin center add it to the application (API "
	    "permissions, APIs my organization uses, Office 365 Exchange "
	    "Online, Application permissions), grant admin consent, and";

	if (s->claims == NULL || is_granted(s, "SMTP.SendAsApp"))
		return;
	if (json_get_array(s->claims, "roles") != NULL)
		add(findings, "fail", "permission",
		    "the token lacks the application permission "
		    "SMTP.SendAsApp; %s %s",
		    remedy, s->again);
	else
		add(findings, "warn", "permission",
		    "the token names no application permission, which is right "
		    "only where Exchange gives the rights (App RBAC); else "
		    "SMTP.SendAsApp is missing: %s %s",
		    remedy, s->again);
}

static void
look_at_permissions(const struct verdict_subject *s, struct json *findings)
{
	char *copy = mem_strdup(s->scope);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			look_at_permission(s, word, findings);
	free(copy);
}

/* --- who and where ---------------------------------------------------------
 */

static void
look_at_tenant(const struct verdict_subject *s, struct json *findings)
{
	const char *tenant = json_get_string(s->claims, "tid");

	if (tenant == NULL || s->tenant_id == NULL ||
	    strlen(s->tenant_id) != GUID_LEN ||
	    strcasecmp(tenant, s->tenant_id) == 0)
		return;
	add(findings, "fail", "tenant",
	    "the token is of tenant %s, and tenant_id is %s; %s with an "
	    "account of that tenant, or correct tenant_id",
	    tenant, s->tenant_id, s->again);
}

static void
look_at_user(const struct verdict_subject *s, struct json *findings)
{
	static const char *const names[] = {
	    "upn", "unique_name", "preferred_username"};
	const char *user = NULL;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && user == NULL; i++)
		user = json_get_string(s->claims, names[i]);
	if (user == NULL || strcasecmp(user, s->user) == 0)
		return;
	/* Right for a shared mailbox, hence no failure. */
	add(findings, "warn", "user",
	    "%s has signed in, and the mailbox is %s; unless %s has full "
	    "access to it, Exchange answers 535 5.7.3: log in again as %s, in "
	    "a private browser window",
	    user, s->user, user, s->user);
}

struct json *
verdict_make(const struct verdict_subject *s)
{
	struct json *findings = json_array();

	if (s->claims != NULL && s->scope != NULL)
		look_at_audience(s, findings);
	if (s->claims != NULL)
		look_at_tenant(s, findings);
	if (s->claims != NULL && !s->is_app)
		look_at_user(s, findings);
	if (s->is_app)
		look_at_roles(s, findings);
	else if (s->scope != NULL)
		look_at_permissions(s, findings);
	if (s->keeps_refresh && !s->has_refresh)
		add(findings, "fail", "refresh_token",
		    "no refresh token came, so somebody has to log in again "
		    "when this token expires; add offline_access to scope and "
		    "%s",
		    s->again);
	return findings;
}
