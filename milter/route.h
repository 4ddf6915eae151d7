/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ROUTE_H
#define POSTOAK_ROUTE_H

#include <stddef.h>

#include "address.h"
#include "err.h"
#include "map.h"

/*
 * route - whose mail is this? Accounts are numbers here (their place in the
 * configuration). Filled once, then only asked, by any number of threads; the
 * cost of an answer does not depend on how many accounts there are.
 */

#define ROUTE_NONE MAP_NONE

/* A client's address; IPv4 as v4-mapped IPv6. */
struct route_client {
	int known;
	unsigned char bytes[16];
};

struct route {
	struct map logins;
	struct map senders[2]; /* listed under "senders"; the account's own */
	struct map domains[2];
	struct map clients;	     /* prefix length and masked address */
	unsigned char prefixes[129]; /* 1: there are clients of that length */
	size_t count;		     /* accounts */
};

/* What is known of a message. Any of the pointers may be NULL. */
struct route_query {
	const char *login;
	const struct address *sender; /* envelope */
	const struct address *from; /* header; asked when there is no sender */
	const struct route_client *client;
};

void route_init(struct route *route, size_t accounts);
void route_clear(struct route *route);

/*
 * Enter what an account lists. 0, or -1 with ERR_CONFIG: not understood, or
 * listed by another account already (its number in *other, else ROUTE_NONE).
 */
int route_add_login(
    struct route *route, const char *login, size_t account, size_t *other);
int route_add_sender(
    struct route *route, const char *sender, size_t account, size_t *other);
int route_add_client(
    struct route *route, const char *client, size_t account, size_t *other);

/*
 * The account's own address or "@domain", an implicit sender: looked up after
 * everything listed of its kind, never an error.
 */
void route_add_own(struct route *route, const char *sender, size_t account);

/*
 * The account: by login, sender (exact before domain), client (longest
 * prefix), the only one there is; else ROUTE_NONE. *by is set to a word for
 * the log: "login", "sender", "client", "only", "none".
 */
size_t route_find(const struct route *route, const struct route_query *query,
    const char **by);

/* A client's address from text, "[...]" and "IPv6:" forms included; 0 or -1. */
int route_client_parse(struct route_client *client, const char *text);

#endif
