/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailserver - servers, ports and permissions of the protocols. See
 * mailserver.h.
 */
#include "mailserver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *prefix; /* of the servers' names at all providers */
	int port;
	struct mailserver_permission permission;
} protocols[MAILSERVER_PROTOCOLS] = {
    [MAILSERVER_SMTP] = {"smtp", 587, {"SMTP", "SMTP.Send", "SMTP.SendAsApp"}},
    [MAILSERVER_IMAP] = {"imap", 993,
	{"IMAP", "IMAP.AccessAsUser.All", "IMAP.AccessAsApp"}},
    [MAILSERVER_POP] = {"pop", 995,
	{"POP", "POP.AccessAsUser.All", "POP.AccessAsApp"}},
};

const struct mailserver_permission *
mailserver_permission(enum mailserver_protocol protocol)
{
	return &protocols[protocol].permission;
}

static int
speaks(const char *host, enum mailserver_protocol protocol)
{
	const char *prefix = protocols[protocol].prefix;

	return strncasecmp(host, prefix, strlen(prefix)) == 0;
}

static int
speaks_any(const char *host)
{
	return speaks(host, MAILSERVER_SMTP) || speaks(host, MAILSERVER_IMAP) ||
	       speaks(host, MAILSERVER_POP);
}

const char *
mailserver_of(const struct conf_application *application,
    enum mailserver_protocol protocol)
{
	const char *const configured[MAILSERVER_PROTOCOLS] = {
	    [MAILSERVER_SMTP] = application->smtp_server,
	    [MAILSERVER_IMAP] = application->imap_server,
	    [MAILSERVER_POP] = application->pop_server,
	};
	const struct conf_list *hosts = &application->hosts;
	size_t i;

	if (configured[protocol] != NULL)
		return configured[protocol];
	for (i = 0; i < hosts->count; i++)
		if (speaks(hosts->items[i], protocol))
			return hosts->items[i];
	for (i = 0; i < hosts->count; i++)
		if (!speaks_any(hosts->items[i]))
			return hosts->items[i];
	return protocol == MAILSERVER_SMTP && hosts->count > 0 ? hosts->items[0]
							       : NULL;
}

int
mailserver_split(const char *server, enum mailserver_protocol protocol,
    char *host, size_t size, int *port)
{
	int bracket = server[0] == '[';
	const char *end = bracket ? strchr(server, ']') : strrchr(server, ':');
	const char *colon = end;

	*port = protocols[protocol].port;
	if (bracket && end == NULL)
		return -1;
	if (bracket)
		colon = end[1] == ':' ? end + 1 : NULL;
	/* Several colons without brackets: an IPv6 address and nothing else. */
	else if (end == NULL || strchr(server, ':') != end)
		end = server + strlen(server), colon = NULL;
	if (colon != NULL)
		*port = atoi(colon + 1);
	if (*port < 1 || *port > 65535 || end == server + bracket ||
	    (size_t)(end - server) - (size_t)bracket >= size)
		return -1;
	snprintf(host, size, "%.*s", (int)(end - server) - bracket,
	    server + bracket);
	return 0;
}
