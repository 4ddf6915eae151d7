/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy - other programs' files. See legacy.h.
 *
 * sasl-xoauth2's are described in sasl-xoauth2.conf(5): a JSON object each,
 * numbers and truths as strings ("yes", "true").
 */
#include "legacy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_text.h"
#include "json.h"
#include "mem.h"
#include "preset.h"

#define BLANKS " \t\r\n"
#define TENANT "{tenant}"
#define V2 "/oauth2/v2.0/token"
#define V1 "/oauth2/token"

/* Members and where they go; without a place, why they are not taken over. */
static const struct {
	const char *name;
	size_t offset;
	const char *why;
} members[] = {
    {"client_id", offsetof(struct legacy, client_id), NULL},
    {"client_secret", offsetof(struct legacy, client_secret), NULL},
    {"token_endpoint", offsetof(struct legacy, token_endpoint), NULL},
    {"proxy", offsetof(struct legacy, proxy), NULL},
    {"ca_bundle_file", offsetof(struct legacy, ca_file), NULL},
    {"scope", offsetof(struct legacy, scope), NULL},
    {"user", offsetof(struct legacy, user), NULL},
    {"refresh_token", offsetof(struct legacy, refresh_token), NULL},
    {"access_token", 0, ""},
    {"expiry", 0, ""},
    {"use_client_credentials", 0, ""},
    {"always_log_to_syslog", 0, ""},
    {"log_to_syslog_on_failure", 0, ""},
    {"log_full_trace_on_failure", 0, ""},
    {"refresh_window", 0, ""},
    {"ca_certs_dir", 0,
	"is not taken over: postoak takes a file, ca_file of the application"},
    {"manage_token_externally", 0,
	"is not taken over: tokend obtains its tokens itself"},
};

#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

struct visit {
	struct legacy *legacy;
	const char *name;
	struct buf *notes;
};

int
legacy_is_json(const char *text)
{
	return text[strspn(text, BLANKS)] == '{';
}

static void
take_member(const char *key, struct json *value, void *arg)
{
	struct visit *visit = arg;
	size_t i = 0;

	(void)value;
	while (i < N_MEMBERS && strcmp(members[i].name, key) != 0)
		i++;
	if (i == N_MEMBERS)
		buf_addf(visit->notes,
		    "%s: the member \"%.60s\" is not known, and not taken "
		    "over\n",
		    visit->name, key);
	else if (members[i].why != NULL && *members[i].why != '\0')
		buf_addf(visit->notes, "%s: %s %s\n", visit->name, key,
		    members[i].why);
}

static int
is_secret(const char *name)
{
	return strcmp(name, "client_secret") == 0 ||
	       strcmp(name, "refresh_token") == 0;
}

/* sasl-xoauth2 takes an empty value for none. */
static int
take_values(
    struct legacy *legacy, const struct json *json, const struct visit *visit)
{
	const char *value;
	size_t i;

	for (i = 0; i < N_MEMBERS; i++) {
		value = json_get_string(json, members[i].name);
		if (members[i].why != NULL || value == NULL || *value == '\0')
			continue;
		/* A secret gets a file of its own, and may be anything. */
		if (!is_secret(members[i].name) && !conf_text_is_value(value)) {
			buf_addf(visit->notes,
			    "%s: %s has characters that the configuration does "
			    "not take, or far too many; the file is left out\n",
			    visit->name, members[i].name);
			return -1;
		}
		*(char **)((char *)legacy + members[i].offset) =
		    mem_strdup(value);
	}
	value = json_get_string(json, "use_client_credentials");
	legacy->by_itself =
	    json_get_bool(json, "use_client_credentials", 0) ||
	    (value != NULL && (strcasecmp(value, "yes") == 0 ||
				  strcasecmp(value, "true") == 0));
	return 0;
}

int
legacy_read(struct legacy *legacy, const char *name, const char *text,
    size_t len, struct buf *notes)
{
	struct visit visit = {legacy, name, notes};
	struct json *json = json_parse(text, len, NULL);

	int rc = -1;

	memset(legacy, 0, sizeof(*legacy));
	if (json == NULL) {
		buf_addf(
		    notes, "%s: is no JSON document, and left out\n", name);
		return -1;
	}
	json_each(json, take_member, &visit);
	rc = take_values(legacy, json, &visit);
	if (rc == -1)
		legacy_clear(legacy);
	json_free(json);
	return rc;
}

static void
wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
legacy_clear(struct legacy *legacy)
{
	size_t i;

	for (i = 0; i < N_MEMBERS; i++)
		if (members[i].why == NULL)
			wipe((char **)((char *)legacy + members[i].offset));
}

void
legacy_inherit(struct legacy *legacy, const struct legacy *from)
{
	const int own_client = legacy->client_id != NULL;
	const char *const *theirs;
	char **ours;
	size_t i;

	for (i = 0; i < N_MEMBERS; i++) {
		/* A secret is that of its client, also if there is none. */
		if (members[i].why != NULL ||
		    (own_client &&
			strcmp(members[i].name, "client_secret") == 0))
			continue;
		ours = (char **)((char *)legacy + members[i].offset);
		theirs = (const char *const *)((const char *)from +
					       members[i].offset);
		if (*ours == NULL && strcmp(members[i].name, "user") != 0 &&
		    strcmp(members[i].name, "refresh_token") != 0)
			*ours = mem_strdup(*theirs);
	}
	legacy->by_itself |= from->by_itself;
}

/* --- the password table --------------------------------------------------- */

/* "[smtp.office365.com]:587" as its name; NULL for a sender's address. */
static char *
host_of(const char *key)
{
	size_t len;

	if (strchr(key, '@') != NULL)
		return NULL;
	if (key[0] == '[') {
		key++;
		len = strcspn(key, "]");
	} else {
		len = strcspn(key, ":");
	}
	return mem_strndup(key, len);
}

static void
take_line(struct legacy_table *table, const char *name, int number, char *line,
    struct buf *notes)
{
	char *key = line, *user, *password;
	struct legacy_entry *entry;

	key += strspn(key, BLANKS);
	user = key + strcspn(key, BLANKS);
	if (*user != '\0')
		*user++ = '\0';
	user += strspn(user, BLANKS);
	password = strchr(user, ':');
	if (password == NULL || password[1] == '\0') {
		buf_addf(notes,
		    "%s:%d: is no \"SERVER USER:PASSWORD\", and left out\n",
		    name, number);
		return;
	}
	*password++ = '\0';
	if (!conf_text_is_value(key) || !conf_text_is_value(user)) {
		buf_addf(notes,
		    "%s:%d: the server or the user has characters that the "
		    "configuration does not take; left out\n",
		    name, number);
		return;
	}
	table->entries =
	    mem_grow(table->entries, table->count + 1, sizeof(*table->entries));
	entry = &table->entries[table->count++];
	entry->host = host_of(key);
	entry->user = mem_strdup(user);
	entry->password = mem_strdup(password);
}

/* The end of a logical line: one that begins with a blank goes on with the one
 * before. */
static const char *
line_end(const char *p)
{
	do
		p += strcspn(p, "\n");
	while (*p != '\0' && (p[1] == ' ' || p[1] == '\t') &&
	       p[1 + strspn(p + 1, BLANKS)] != '#' && *++p != '\0');
	return p;
}

void
legacy_read_table(struct legacy_table *table, const char *name,
    const char *text, struct buf *notes)
{
	const char *p = text, *end, *q;
	int number = 1;
	char *line;
	size_t len;

	table->entries = NULL;
	table->count = 0;
	for (; *p != '\0'; p = end + (*end != '\0')) {
		end = line_end(p);
		line = mem_strndup(p, (size_t)(end - p));
		for (len = strlen(line);
		     len > 0 && strchr(BLANKS, line[len - 1]) != NULL;)
			line[--len] = '\0';
		if (len > 0 && line[strspn(line, BLANKS)] != '#')
			take_line(table, name, number, line, notes);
		wipe(&line);
		for (q = p; q <= end && *q != '\0'; q++)
			number += *q == '\n';
	}
}

void
legacy_clear_table(struct legacy_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		free(table->entries[i].host);
		free(table->entries[i].user);
		wipe(&table->entries[i].password);
	}
	free(table->entries);
}

/* --- whose they are ------------------------------------------------------- */

/* Does the endpoint fit a preset's? Version 1's of the same host counts: the
 * preset has the right one. */
static int
fits(const char *endpoint, const char *template, char **tenant)
{
	const char *hole = strstr(template, TENANT);
	size_t head, len;

	if (hole == NULL)
		return strcmp(endpoint, template) == 0;
	head = (size_t)(hole - template);
	if (strncmp(endpoint, template, head) != 0)
		return 0;
	len = strcspn(endpoint + head, "/");
	if (strcmp(endpoint + head + len, V2) != 0 &&
	    strcmp(endpoint + head + len, V1) != 0)
		return 0;
	*tenant = mem_strndup(endpoint + head, len);
	return 1;
}

const char *
legacy_provider(const char *endpoint, char **tenant)
{
	const struct preset *presets;
	unsigned int count, i;

	*tenant = NULL;
	if (endpoint == NULL ||
	    strcmp(endpoint, "https://accounts.google.com/o/oauth2/token") == 0)
		return "google";
	presets = preset_all(&count);
	for (i = 0; i < count; i++) {
		if (presets[i].token_endpoint == NULL ||
		    !fits(endpoint, presets[i].token_endpoint, tenant))
			continue;
		/* Personal accounts are a preset of their own. */
		return *tenant != NULL && strcmp(*tenant, "consumers") == 0
			   ? "outlook"
			   : presets[i].name;
	}
	return "custom";
}

const char *
legacy_provider_of_host(const char *host)
{
	const struct preset *presets;
	unsigned int count, i;
	size_t k;

	presets = preset_all(&count);
	for (i = 0; i < count; i++)
		for (k = 0; k < PRESET_HOSTS_MAX; k++) {
			if (presets[i].hosts[k] == NULL)
				break;
			if (strcasecmp(presets[i].hosts[k], host) == 0)
				return presets[i].name;
		}
	return NULL;
}
