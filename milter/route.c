/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - see route.h.
 */
#include "route.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED, OWN };

#define PREFIX_MAX 128
#define V4_BITS 96 /* ::ffff:0:0/96 */

void
route_init(struct route *route, size_t accounts)
{
	memset(route, 0, sizeof(*route));
	route->count = accounts;
}

void
route_clear(struct route *route)
{
	map_clear(&route->logins);
	map_clear(&route->senders[LISTED]);
	map_clear(&route->senders[OWN]);
	map_clear(&route->domains[LISTED]);
	map_clear(&route->domains[OWN]);
	map_clear(&route->clients);
}

static int
taken(size_t there, size_t account, size_t *other)
{
	*other = there;
	return there == ROUTE_NONE || there == account ? 0 : -1;
}

/* Logins are compared without regard to case, as mail servers mostly do. */
static size_t
login_key(const char *login, char *key, size_t size)
{
	size_t i;

	for (i = 0; login[i] != '\0' && i < size; i++)
		key[i] = login[i] >= 'A' && login[i] <= 'Z'
			     ? (char)(login[i] + 'a' - 'A')
			     : login[i];
	return i;
}

int
route_add_login(
    struct route *route, const char *login, size_t account, size_t *other)
{
	char key[512];
	size_t len = login_key(login, key, sizeof(key));

	*other = ROUTE_NONE;
	if (len == 0 || len == sizeof(key))
		return -1;
	return taken(
	    map_put(&route->logins, key, len, account), account, other);
}

static int
add_sender(struct route *route, int kind, const char *sender, size_t account,
    size_t *other)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX], key[ADDRESS_TEXT_MAX];
	int domain = sender[0] == '@';

	*other = ROUTE_NONE;
	if (strlen(sender) > ADDRESS_TEXT_MAX - 2)
		return -1;
	/* A domain is read as an address of it, so that one reader decides. */
	text[0] = 'x';
	memcpy(text + domain, sender, strlen(sender) + 1);
	if (address_parse_path(text, strlen(text), &address) != 1)
		return -1;
	if (domain) {
		address_domain_key(&address, key);
		return taken(map_puts(&route->domains[kind], key, account),
		    account, other);
	}
	address_key(&address, key);
	return taken(
	    map_puts(&route->senders[kind], key, account), account, other);
}

int
route_add_sender(
    struct route *route, const char *sender, size_t account, size_t *other)
{
	return add_sender(route, LISTED, sender, account, other);
}

void
route_add_own(struct route *route, const char *sender, size_t account)
{
	size_t other;

	(void)add_sender(route, OWN, sender, account, &other);
}

int
route_client_parse(struct route_client *client, const char *text)
{
	char bare[INET6_ADDRSTRLEN + 8];
	size_t len = strlen(text);

	client->known = 0;
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len > 5 && strncasecmp(text, "IPv6:", 5) == 0) {
		text += 5;
		len -= 5;
	}
	if (len >= sizeof(bare))
		return -1;
	memcpy(bare, text, len);
	bare[len] = '\0';
	memset(client->bytes, 0, 10);
	memset(client->bytes + 10, 0xff, 2);
	if (inet_pton(AF_INET, bare, client->bytes + 12) != 1 &&
	    inet_pton(AF_INET6, bare, client->bytes) != 1)
		return -1;
	client->known = 1;
	return 0;
}

/* The key of a prefix: its length, then the address without its other bits. */
static void
prefix_key(const unsigned char bytes[16], unsigned bits, unsigned char key[17])
{
	unsigned i;

	key[0] = (unsigned char)bits;
	for (i = 0; i < 16; i++) {
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
		unsigned mask = keep >= 8 ? 0xff : 0xff00U >> keep;

		key[1 + i] = (unsigned char)(bytes[i] & mask);
	}
}

int
route_add_client(
    struct route *route, const char *client, size_t account, size_t *other)
{
	struct route_client address;
	unsigned char key[17];
	char text[INET6_ADDRSTRLEN + 8];
	const char *slash = strchr(client, '/');
	size_t len = slash != NULL ? (size_t)(slash - client) : strlen(client);
	unsigned long bits, most;
	char *end;

	*other = ROUTE_NONE;
	if (len >= sizeof(text))
		return -1;
	memcpy(text, client, len);
	text[len] = '\0';
	if (route_client_parse(&address, text) < 0)
		return -1;
	most = strchr(text, ':') != NULL ? PREFIX_MAX : PREFIX_MAX - V4_BITS;
	bits = most;
	if (slash != NULL) {
		bits = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end != '\0' || bits > most)
			return -1;
	}
	bits += PREFIX_MAX - most;
	prefix_key(address.bytes, (unsigned)bits, key);
	route->prefixes[bits] = 1;
	return taken(map_put(&route->clients, key, sizeof(key), account),
	    account, other);
}

static size_t
by_login(const struct route *route, const char *login)
{
	char key[512];

	if (login == NULL || login[0] == '\0')
		return ROUTE_NONE;
	return map_get(&route->logins, key, login_key(login, key, sizeof(key)));
}

static size_t
by_sender(const struct route *route, const struct address *sender)
{
	char exact[ADDRESS_TEXT_MAX], domain[ADDRESS_TEXT_MAX];
	size_t account;
	int kind;

	if (sender == NULL)
		return ROUTE_NONE;
	address_key(sender, exact);
	address_domain_key(sender, domain);
	for (kind = LISTED; kind <= OWN; kind++) {
		account = map_gets(&route->senders[kind], exact);
		if (account != ROUTE_NONE)
			return account;
	}
	for (kind = LISTED; kind <= OWN; kind++) {
		account = map_gets(&route->domains[kind], domain);
		if (account != ROUTE_NONE)
			return account;
	}
	return ROUTE_NONE;
}

static size_t
by_client(const struct route *route, const struct route_client *client)
{
	unsigned char key[17];
	size_t account;
	int bits;

	if (client == NULL || !client->known)
		return ROUTE_NONE;
	for (bits = PREFIX_MAX; bits >= 0; bits--) {
		if (!route->prefixes[bits])
			continue;
		prefix_key(client->bytes, (unsigned)bits, key);
		account = map_get(&route->clients, key, sizeof(key));
		if (account != ROUTE_NONE)
			return account;
	}
	return ROUTE_NONE;
}

size_t
route_find(
    const struct route *route, const struct route_query *query, const char **by)
{
	size_t account;

	*by = "login";
	account = by_login(route, query->login);
	if (account != ROUTE_NONE)
		return account;
	*by = "sender";
	account = by_sender(
	    route, query->sender != NULL ? query->sender : query->from);
	if (account != ROUTE_NONE)
		return account;
	*by = "client";
	account = by_client(route, query->client);
	if (account != ROUTE_NONE)
		return account;
	*by = "only";
	if (route->count == 1)
		return 0;
	*by = "none";
	return ROUTE_NONE;
}
