/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_way - which transport carries a sender's mail. See postfix_way.h.
 */
#include "postfix_way.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "postfix_table.h"

/* "transport:nexthop", each of which may be left out. */
static void
take(struct postfix_way *way, const char *value, const char *by)
{
	size_t len = strcspn(value, ":");
	const char *nexthop = value[len] == ':' ? value + len + 1 : "";

	way->by = by;
	if (len > 0) {
		free(way->transport);
		way->transport = mem_strndup(value, len);
	}
	if (*nexthop != '\0') {
		free(way->nexthop);
		way->nexthop = mem_strdup(nexthop);
	}
}

static void
take_nexthop(struct postfix_way *way, const char *nexthop, const char *by)
{
	free(way->nexthop);
	way->nexthop = mem_strdup(nexthop);
	if (*nexthop != '\0')
		way->by = by;
}

/* A table that the sender decides in. 0 or -1. */
static int
ask_sender(const struct postfix_look *look, const char *directory,
    const char *name, const char *sender, char **value, struct err *err)
{
	return postfix_table_ask_address(
	    directory, postfix_look_main(look, name), sender, value, err);
}

int
postfix_way_find(struct postfix_way *way, const struct postfix_look *look,
    const char *directory, const char *sender, struct err *err)
{
	static const char by_sender[] =
	    "sender_dependent_default_transport_maps";
	static const char relay_by_sender[] = "sender_dependent_relayhost_maps";
	char *value = NULL;
	int rc;

	memset(way, 0, sizeof(*way));
	way->transport = mem_strdup("smtp");
	take_nexthop(way, "", NULL);
	take(way, postfix_look_main(look, "default_transport"),
	    "default_transport");
	/* The relay host stands in only where no transport names one. */
	if (*way->nexthop == '\0')
		take_nexthop(
		    way, postfix_look_main(look, "relayhost"), "relayhost");
	rc = ask_sender(look, directory, relay_by_sender, sender, &value, err);
	if (rc == 1)
		take_nexthop(way, value, relay_by_sender);
	free(value);
	if (rc < 0)
		return -1;
	rc = ask_sender(look, directory, by_sender, sender, &value, err);
	if (rc == 1)
		take(way, value, by_sender);
	free(value);
	if (rc < 0)
		return -1;
	rc = postfix_table_ask(directory,
	    postfix_look_main(look, "transport_maps"), "*", &value, err);
	if (rc == 1)
		take(way, value, "transport_maps");
	free(value);
	way->service = postfix_look_find(look, way->transport, "unix");
	return rc < 0 ? -1 : 0;
}

void
postfix_way_clear(struct postfix_way *way)
{
	free(way->transport);
	free(way->nexthop);
	memset(way, 0, sizeof(*way));
}

char *
postfix_way_host(const struct postfix_way *way)
{
	const char *p = way->nexthop;

	if (*p == '[')
		return mem_strndup(p + 1, strcspn(p + 1, "]"));
	return mem_strndup(p, strcspn(p, ":"));
}

char *
postfix_way_server(const struct postfix_way *way)
{
	const char *colon = strrchr(way->nexthop, ':');
	char *host = postfix_way_host(way), *server;

	/* A colon inside the brackets is an IPv6 address's. */
	if (colon != NULL && strchr(colon, ']') != NULL)
		colon = NULL;
	server = mem_printf("%s%s", host, colon != NULL ? colon : "");
	free(host);
	return server;
}
