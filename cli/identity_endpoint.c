/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_endpoint - see identity_endpoint.h.
 */
#include "identity_endpoint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf_value.h"
#include "distance.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define V2 "oauth2/v2.0/"
#define V1 "oauth2/"

#define refuse(err, ...) err_set(err, ERR_CONFIG, "value", __VA_ARGS__)

static const char *const names[] = {
    [IDENTITY_AUTHORIZATION] = "Authorization Endpoint",
    [IDENTITY_TOKEN] = "Token Endpoint",
};

static const char *const words[] = {
    [IDENTITY_AUTHORIZATION] = "authorize",
    [IDENTITY_TOKEN] = "token",
};

/* Who signs people in where. */
static const struct {
	const char *host;
	const char *provider; /* NULL: not there any more, see instead */
	const char *instead;
} hosts[] = {
    {"login.microsoftonline.com", "office365", NULL},
    {"login.microsoftonline.us", "office365-gcc-high", NULL},
    {"login.partner.microsoftonline.cn", "office365-china", NULL},
    {"login.windows.net", NULL, "login.microsoftonline.com"},
    {"login.microsoft.com", NULL, "login.microsoftonline.com"},
    {"sts.windows.net", NULL, "login.microsoftonline.com"},
    {"login-us.microsoftonline.com", NULL, "login.microsoftonline.us"},
    {"login.chinacloudapi.cn", NULL, "login.partner.microsoftonline.cn"},
    {"login.microsoftonline.de", NULL,
	"login.microsoftonline.com, where Germany's tenants moved in 2021"},
    {"accounts.google.com", "google", NULL},
    {"oauth2.googleapis.com", "google", NULL},
};

/* An address in its parts. */
struct parts {
	char host[IDENTITY_NAME_SIZE];
	const char *path; /* behind the slash */
	int is_local;
	int is_https;
};

static int
split(const char *text, struct parts *parts)
{
	const char *host = strstr(text, "://");
	size_t len;

	parts->is_https = strncasecmp(text, "https://", 8) == 0;
	if (host == NULL)
		return -1;
	host += 3;
	len = strcspn(host, "/?#");
	parts->path = host[len] == '/' ? host + len + 1 : "";
	if (host[0] != '[' && memchr(host, ':', len) != NULL)
		len = strcspn(host, ":");
	if (len == 0 || len >= sizeof(parts->host))
		return -1;
	memcpy(parts->host, host, len);
	parts->host[len] = '\0';
	parts->is_local = strcasecmp(parts->host, "localhost") == 0 ||
			  strncmp(parts->host, "127.", 4) == 0 ||
			  strncmp(parts->host, "[::1]", 5) == 0;
	return 0;
}

static const char *
nearest_host(const char *host)
{
	size_t i, far;

	for (i = 0; i < N_OF(hosts); i++) {
		far = distance(host, hosts[i].host);
		if (far > 0 && far <= 2)
			return hosts[i].host;
	}
	return NULL;
}

static int
find_host(const struct parts *parts, enum identity_which which,
    struct identity_endpoint *out, struct err *err)
{
	const char *near = nearest_host(parts->host);
	size_t i;

	for (i = 0; i < N_OF(hosts); i++) {
		if (strcasecmp(parts->host, hosts[i].host) != 0)
			continue;
		out->provider = hosts[i].provider;
		if (out->provider != NULL)
			return 0;
		return refuse(err, "%s names %s; today it is %s", names[which],
		    hosts[i].host, hosts[i].instead);
	}
	if (near != NULL)
		return refuse(err, "%s names \"%s\"; is %s meant?",
		    names[which], parts->host, near);
	return refuse(err,
	    "%s names \"%s\", where neither Microsoft nor Google signs "
	    "anybody in; Microsoft's is login.microsoftonline.com (.us for "
	    "the US government, login.partner.microsoftonline.cn in China)",
	    names[which], parts->host);
}

/* What is behind the tenant is another endpoint than the one wanted. */
static int
refuse_path(const struct parts *parts, const char *rest,
    enum identity_which which, const char *tenant, struct err *err)
{
	enum identity_which other =
	    which == IDENTITY_TOKEN ? IDENTITY_AUTHORIZATION : IDENTITY_TOKEN;

	if (strncasecmp(rest, V1, strlen(V1)) == 0 &&
	    (strncasecmp(
		 rest + strlen(V1), words[which], strlen(words[which])) == 0))
		return refuse(err,
		    "%s is of version 1, which knows no mail permissions; use "
		    "https://%s/%.60s/" V2 "%s",
		    names[which], parts->host, tenant, words[which]);
	if (strncasecmp(rest, V2, strlen(V2)) == 0 &&
	    strncasecmp(
		rest + strlen(V2), words[other], strlen(words[other])) == 0)
		return refuse(err,
		    "%s is given the %s; the two stand below each other under "
		    "Endpoints",
		    names[which], names[other]);
	return refuse(err,
	    "%s \"%.200s\" is another address; the right one is "
	    "https://%s/%.60s/" V2 "%s",
	    names[which], rest, parts->host, tenant[0] != '\0' ? tenant : "...",
	    words[which]);
}

static int
read_path(const struct parts *parts, enum identity_which which,
    struct identity_endpoint *out, struct err *err)
{
	char right[32], tenant[IDENTITY_NAME_SIZE];
	size_t len = strcspn(parts->path, "/");
	const char *rest = parts->path + len + (parts->path[len] == '/');

	if (len >= sizeof(tenant))
		return refuse(err, "%s is too long", names[which]);
	memcpy(tenant, parts->path, len);
	tenant[len] = '\0';
	snprintf(right, sizeof(right), V2 "%s", words[which]);
	if (strcasecmp(rest, right) != 0)
		return parts->is_local
			   ? 0
			   : refuse_path(parts, rest, which, tenant, err);
	return identity_tenant(tenant, out->tenant, err);
}

int
identity_endpoint(const char *text, enum identity_which which,
    struct identity_endpoint *out, struct err *err)
{
	struct conf_value value = {.text = text};
	struct parts parts;

	memset(out, 0, sizeof(*out));
	if (split(text, &parts) == -1)
		return refuse(err,
		    "%s \"%.200s\" is no address; it begins with https://",
		    names[which], text);
	if (parts.is_local)
		return conf_value_endpoint(&value) == -1
			   ? refuse(err, "%s \"%.200s\" %s", names[which], text,
				 value.problem)
			   : read_path(&parts, which, out, err);
	if (find_host(&parts, which, out, err) == -1)
		return -1;
	if (!parts.is_https)
		return refuse(err,
		    "%s begins with http://; secrets go over https:// only",
		    names[which]);
	if (strcmp(out->provider, "google") == 0)
		return 0;
	return read_path(&parts, which, out, err);
}

/* --- the server ----------------------------------------------------------- */

static int
is_end(const char *name, const char *end)
{
	size_t len = strlen(name), cut = strlen(end);

	return len >= cut && strcasecmp(name + len - cut, end) == 0;
}

int
identity_server(const char *name, struct err *err)
{
	static const char *const ends[] = {".office365.com", ".office365.us",
	    ".outlook.com", ".outlook.cn", ".mx.microsoft", ".gmail.com"};
	struct conf_value value = {.text = name};
	size_t i;

	if (conf_value_host(&value) == -1)
		return refuse(
		    err, "SMTP Server \"%.200s\" %s", name, value.problem);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (is_end(name, ends[i]))
			return 0;
	if (strcasecmp(name, "localhost") == 0 || strncmp(name, "127.", 4) == 0)
		return 0;
	return refuse(err,
	    "SMTP Server \"%.200s\" is neither Microsoft's nor Google's, and "
	    "would be given the account's tokens; leave it out, or write it "
	    "into the configuration by hand (hosts)",
	    name);
}

/* --- all together --------------------------------------------------------- */

static int
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && a[0] != '\0' && strcasecmp(a, b) == 0;
}

static int
agree_tenant(const char *tenant_id, const struct identity_endpoint *endpoint,
    enum identity_which which, struct err *err)
{
	/* A domain and a GUID can be one tenant. */
	if (tenant_id == NULL || endpoint == NULL ||
	    !conf_value_is_guid(tenant_id) ||
	    !conf_value_is_guid(endpoint->tenant) ||
	    is_same(tenant_id, endpoint->tenant))
		return 0;
	return refuse(err,
	    "%s is of tenant %s, Tenant ID is %s; they are one and the same: "
	    "copy both from the Overview page of one application",
	    names[which], endpoint->tenant, tenant_id);
}

int
identity_agree(const struct identity_claim *claim, struct err *err)
{
	const struct identity_endpoint *a = claim->authorization;
	const struct identity_endpoint *t = claim->token;

	if (is_same(claim->client_id, claim->tenant_id))
		return refuse(err,
		    "Client ID and Tenant ID are the same; on the "
		    "application's Overview page they stand as Application "
		    "(client) ID and Directory (tenant) ID");
	if (is_same(claim->client_id, claim->secret_id))
		return refuse(err,
		    "Client ID is the Secret ID; the Application (client) ID "
		    "stands on the Overview page");
	if (is_same(claim->client_id, claim->object_id))
		return refuse(err,
		    "Object ID is the Client ID; the one needed is the Object "
		    "ID under Enterprise applications");
	if (agree_tenant(claim->tenant_id, a, IDENTITY_AUTHORIZATION, err) ==
		-1 ||
	    agree_tenant(claim->tenant_id, t, IDENTITY_TOKEN, err) == -1)
		return -1;
	if (a != NULL && t != NULL && a->provider != NULL &&
	    t->provider != NULL && strcmp(a->provider, t->provider) != 0)
		return refuse(err,
		    "Authorization Endpoint and Token Endpoint are of two "
		    "clouds (%s, %s); copy both from one application's "
		    "Endpoints",
		    a->provider, t->provider);
	return 0;
}
