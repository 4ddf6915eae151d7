/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_counters - see conf_counters.h.
 */
#include "conf_counters.h"

#include <stdlib.h>
#include <string.h>

#define DB_MAX 999999

static const struct {
	const char *scheme;
	int tls;
	int sentinel;
	const char *port;
} schemes[] = {
    {"redis://", 0, 0, "6379"},
    {"rediss://", 1, 0, "6379"},
    {"redis+sentinel://", 0, 1, "26379"},
    {"rediss+sentinel://", 1, 1, "26379"},
};

static int
refuse_form(struct conf_value *value)
{
	return conf_value_refuse(value,
	    "is not a place for counters; write \"lmdb:/directory\", "
	    "\"redis://host:6379/0\", \"rediss://host:6379/0\" (TLS), "
	    "\"redis+unix:///path\" or "
	    "\"redis+sentinel://host:26379,host:26379/master/0\"");
}

/* Copy len bytes into a field of size; -1: empty, too long, odd letters. */
static int
take(char *out, size_t size, const char *text, size_t len)
{
	size_t i;

	if (len == 0 || len >= size)
		return -1;
	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] == 0x7f ||
		    strchr("\"<>\\^`|@#?,", text[i]) != NULL)
			return -1;
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

static int
take_number(const char *text, size_t len, long max, long *number)
{
	char *end;

	if (len == 0 || len > 6 || strspn(text, "0123456789") < len)
		return -1;
	*number = strtol(text, &end, 10);
	return end == text + len && *number <= max ? 0 : -1;
}

/* "/N" or nothing. */
static int
take_db(struct conf_counters *counters, const char *text)
{
	long db = 0;

	if (*text != '\0' && strcmp(text, "/") != 0 &&
	    take_number(text + 1, strlen(text + 1), DB_MAX, &db) < 0)
		return -1;
	counters->db = (int)db;
	return 0;
}

/* host, host:port, [IPv6] or [IPv6]:port of len bytes. */
static int
take_server(struct conf_counters *counters, const char *text, size_t len,
    const char *port)
{
	struct conf_counters_server *server =
	    &counters->servers[counters->server_count];
	const char *host_end, *colon;
	long number;

	if (counters->server_count == CONF_COUNTERS_SERVERS)
		return -1;
	host_end =
	    text[0] == '[' ? memchr(text, ']', len) : memchr(text, ':', len);
	if (text[0] == '[') {
		if (host_end == NULL ||
		    take(server->host, sizeof(server->host), text + 1,
			(size_t)(host_end - text - 1)) < 0)
			return -1;
		colon = host_end + 1;
	} else {
		colon = host_end != NULL ? host_end : text + len;
		if (take(server->host, sizeof(server->host), text,
			(size_t)(colon - text)) < 0)
			return -1;
	}
	counters->server_count++;
	if (colon == text + len)
		return take(
		    server->port, sizeof(server->port), port, strlen(port));
	if (*colon != ':' ||
	    take_number(colon + 1, (size_t)(text + len - colon - 1), 65535,
		&number) < 0 ||
	    number == 0)
		return -1;
	return take(server->port, sizeof(server->port), colon + 1,
	    (size_t)(text + len - colon - 1));
}

static int
take_servers(struct conf_counters *counters, const char *text, size_t len,
    const char *port)
{
	size_t part;

	for (;; text += part + 1, len -= part + 1) {
		const char *comma = memchr(text, ',', len);

		part = comma != NULL ? (size_t)(comma - text) : len;
		if (take_server(counters, text, part, port) < 0)
			return -1;
		if (comma == NULL)
			return 0;
	}
}

/* What stands behind the scheme: [user@]servers[/master][/db]. */
static int
take_authority(struct conf_counters *counters, const char *text, int sentinel,
    const char *port)
{
	const char *slash = text + strcspn(text, "/");
	const char *at = memchr(text, '@', (size_t)(slash - text));
	size_t len;

	if (at != NULL) {
		if (take(counters->user, sizeof(counters->user), text,
			(size_t)(at - text)) < 0)
			return -1;
		text = at + 1;
	}
	if (take_servers(counters, text, (size_t)(slash - text), port) < 0)
		return -1;
	if (!sentinel)
		return counters->server_count == 1 ? take_db(counters, slash)
						   : -1;
	if (*slash == '\0')
		return -1;
	len = strcspn(slash + 1, "/");
	if (take(counters->master, sizeof(counters->master), slash + 1, len) <
	    0)
		return -1;
	return take_db(counters, slash + 1 + len);
}

static int
take_unix(struct conf_counters *counters, const char *text)
{
	const char *query = strstr(text, "?db=");
	size_t len = query != NULL ? (size_t)(query - text) : strlen(text);
	long db = 0;

	if (text[0] != '/' ||
	    take(counters->path, sizeof(counters->path), text, len) < 0)
		return -1;
	if (query != NULL &&
	    take_number(query + 4, strlen(query + 4), DB_MAX, &db) < 0)
		return -1;
	counters->db = (int)db;
	return 0;
}

/* "user:password@": it would be read by everybody. */
static int
has_password(const char *text)
{
	const char *start = strstr(text, "://");
	const char *at, *colon;

	if (start == NULL)
		return 0;
	at = memchr(start + 3, '@', strcspn(start + 3, "/"));
	colon = strchr(start + 3, ':');
	return at != NULL && colon != NULL && colon < at;
}

int
conf_counters_parse(struct conf_value *value, struct conf_counters *counters)
{
	const char *text = value->text;
	size_t i;

	memset(counters, 0, sizeof(*counters));
	if (has_password(text)) {
		value->hide = 1;
		return conf_value_refuse(value,
		    "has a password in it, and everybody can read the "
		    "configuration; put it into a file of the milter's user "
		    "and name that in counters_password_file");
	}
	if (strncmp(text, "lmdb:", 5) == 0)
		return text[5] != '\0' && text[5] != '~' ? 0
							 : refuse_form(value);
	counters->shared = 1;
	if (strncmp(text, "redis+unix://", 13) == 0)
		return take_unix(counters, text + 13) == 0 ? 0
							   : refuse_form(value);
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i].scheme);

		if (strncmp(text, schemes[i].scheme, len) != 0)
			continue;
		counters->tls = schemes[i].tls;
		if (take_authority(counters, text + len, schemes[i].sentinel,
			schemes[i].port) == 0)
			return 0;
	}
	return refuse_form(value);
}

int
conf_value_counters(struct conf_value *value)
{
	struct conf_counters counters;

	if (conf_counters_parse(value, &counters) < 0)
		return -1;
#ifndef HAVE_HIREDIS
	if (counters.shared)
		return conf_value_refuse(value,
		    "is not possible: this postoak was built without hiredis; "
		    "install libhiredis-dev and build it again, or write "
		    "\"lmdb:/directory\", each host counts for itself");
#endif
	return 0;
}
