/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints - where an application's provider is reached. See endpoints.h.
 */
#define _GNU_SOURCE
#include "endpoints.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf_value.h"
#include "json.h"
#include "mem.h"

#define WELL_KNOWN "/.well-known/openid-configuration"
#define ANY_TENANT "{tenantid}" /* in Entra ID's issuer for several tenants */

struct found {
	LIST_ENTRY(found) entry;
	char *url;
	char *addresses[ENDPOINTS_COUNT]; /* NULL: the provider has none */
	int doubted;
};

static const char *const keys[ENDPOINTS_COUNT] = {
    [ENDPOINTS_TOKEN] = "token_endpoint",
    [ENDPOINTS_AUTHORIZATION] = "authorization_endpoint",
    [ENDPOINTS_DEVICE] = "device_authorization_endpoint",
};

static LIST_HEAD(, found) all = LIST_HEAD_INITIALIZER(all);

static struct found *
find(const char *url)
{
	struct found *found;

	LIST_FOREACH(found, &all, entry)
	if (url != NULL && strcmp(found->url, url) == 0)
		return found;
	return NULL;
}

/* NULL: not configured. Where there is no token endpoint, conf_check fills in
 * the document's address. */
static const char *
configured(const struct conf_application *application, enum endpoints_what what)
{
	const char *token = application->token_endpoint;

	if (what == ENDPOINTS_AUTHORIZATION)
		return application->authorization_endpoint;
	if (what == ENDPOINTS_DEVICE)
		return application->device_authorization_endpoint;
	if (token != NULL && application->discovery_endpoint != NULL &&
	    strcmp(token, application->discovery_endpoint) == 0)
		return NULL;
	return token;
}

const char *
endpoints_get(
    const struct conf_application *application, enum endpoints_what what)
{
	const struct found *found = find(application->discovery_endpoint);

	if (configured(application, what) != NULL)
		return configured(application, what);
	if (found != NULL)
		return found->addresses[what];
	return what == ENDPOINTS_TOKEN ? application->token_endpoint : NULL;
}

int
endpoints_known(
    const struct conf_application *application, enum endpoints_what what)
{
	const struct found *found = find(application->discovery_endpoint);

	return application->discovery_endpoint == NULL ||
	       configured(application, what) != NULL ||
	       (found != NULL && !found->doubted &&
		   found->addresses[what] != NULL);
}

/* --- the document ----------------------------------------------------------
 */

static int
refuse(struct err *err, const char *url, const char *what)
{
	return err_set(err, ERR_TEMPORARY, "discovery",
	    "the discovery document %.200s %s", url, what);
}

/*
 * The issuer is the document's address without its well-known end; else a
 * document could speak for somebody else.
 */
static int
is_issuer(const char *url, const char *issuer)
{
	const char *end = strstr(url, WELL_KNOWN);

	while (issuer != NULL && end != NULL && url < end) {
		if (strncmp(issuer, ANY_TENANT, strlen(ANY_TENANT)) == 0) {
			issuer += strlen(ANY_TENANT);
			url += strcspn(url, "/");
		} else if (*issuer++ != *url++) {
			return 0;
		}
	}
	/* Some end in a slash, which the address has once only. */
	return issuer != NULL && end != NULL && url == end &&
	       (*issuer == '\0' || strcmp(issuer, "/") == 0);
}

/* 0 if one is an address that secrets must not go to. */
static int
are_safe(const struct json *json)
{
	struct conf_value value = {0};
	size_t i;

	for (i = 0; i < ENDPOINTS_COUNT; i++) {
		value.text = json_get_string(json, keys[i]);
		if (value.text != NULL && conf_value_endpoint(&value) == -1)
			return 0;
	}
	return 1;
}

static void
keep(const char *url, const struct json *json)
{
	struct found *found = find(url);
	size_t i;

	if (found == NULL) {
		found = mem_zalloc(1, sizeof(*found));
		found->url = mem_strdup(url);
		LIST_INSERT_HEAD(&all, found, entry);
	}
	found->doubted = 0;
	for (i = 0; i < ENDPOINTS_COUNT; i++) {
		free(found->addresses[i]);
		found->addresses[i] =
		    mem_strdup(json_get_string(json, keys[i]));
	}
}

int
endpoints_take(const char *url, const char *body, size_t len, struct err *err)
{
	struct json *json = json_parse(body, len, NULL);
	int rc = -1;

	if (json == NULL || json_get_string(json, "issuer") == NULL)
		refuse(err, url, "is none: it is no JSON with an issuer");
	else if (!is_issuer(url, json_get_string(json, "issuer")))
		refuse(err, url,
		    "names another issuer than its address; correct "
		    "discovery_endpoint");
	else if (json_get_string(json, "token_endpoint") == NULL)
		refuse(err, url, "names no token_endpoint");
	else if (!are_safe(json))
		refuse(err, url,
		    "names an endpoint that is no https:// address; secrets do "
		    "not go there");
	else
		rc = 0;
	if (rc == 0)
		keep(url, json);
	json_free(json);
	return rc;
}

void
endpoints_doubt(const struct conf_application *application)
{
	struct found *found = find(application->discovery_endpoint);

	if (found != NULL)
		found->doubted = 1;
}

int
endpoints_trust(const char *url)
{
	struct found *found = find(url);

	if (found != NULL)
		found->doubted = 0;
	return found != NULL;
}

void
endpoints_forget(void)
{
	struct found *found;
	size_t i;

	while ((found = LIST_FIRST(&all)) != NULL) {
		LIST_REMOVE(found, entry);
		free(found->url);
		for (i = 0; i < ENDPOINTS_COUNT; i++)
			free(found->addresses[i]);
		free(found);
	}
}
