/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_member - the accounts in a Postfix plan. See postfix_member.h.
 */
#include "postfix_member.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mailserver.h"
#include "mem.h"

#define PORT_SUBMISSION 587
/* A transport each: more is no master.cf to read. */
#define TRANSPORTS_MAX 100

const char *
postfix_member_from(const struct postfix_member *member)
{
	const struct conf_account *account = member->account;

	return account->from_account != NULL ? account->from_account
					     : account->name;
}

/* Braces, commas, blanks and such would end a table's entry early. */
static int
check_address(
    const char *address, const struct conf_account *account, struct err *err)
{
	const char *p;

	for (p = address; *p != '\0'; p++)
		if (strchr("{}=,$\"'\\#;<>()[]/^*|", *p) != NULL ||
		    (unsigned char)*p <= ' ' || *p == 0x7f)
			return err_set(err, ERR_CONFIG, "address",
			    "%s:%d: account \"%s\": \"%s\" cannot stand in a "
			    "Postfix table; use an address without %c",
			    account->where.file, account->where.line,
			    account->name, address, *p);
	return 0;
}

static int
check_addresses(const struct conf_list *list,
    const struct conf_account *account, struct err *err)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (check_address(list->items[i], account, err) != 0)
			return -1;
	return 0;
}

/* A name Postfix takes for services and parameters: letters, digits, '_'. */
static char *
transport_name(const struct postfix_member *member)
{
	const struct conf_account *account = member->account;
	const char *name = member->is_shared   ? account->application->name
			   : member->is_domain ? account->name + 1
					       : account->name;
	char *transport, *p;
	size_t len = member->is_shared ? strlen(name) : strcspn(name, "@");

	transport = mem_printf("postoak_%.*s", (int)len, name);
	for (p = transport; *p != '\0'; p++)
		*p = isalnum((unsigned char)*p)
			 ? (char)tolower((unsigned char)*p)
			 : '_';
	return transport;
}

/* The first member of the same application that shares a transport. */
static struct postfix_member *
companion(struct postfix_members *members, const struct postfix_member *member)
{
	struct postfix_member *other;

	for (other = members->items; other < member; other++)
		if (other->is_shared && other->is_first &&
		    other->account->application == member->account->application)
			return other;
	return NULL;
}

/* relay@contoso.com and relay@fabrikam.com need two names. */
static void
make_unique(struct postfix_members *members, struct postfix_member *member)
{
	struct postfix_member *other;
	int number = 2;
	char *plain = mem_strdup(member->transport);

	for (other = members->items; other < member;) {
		if (!other->is_first ||
		    strcmp(other->transport, member->transport) != 0) {
			other++;
			continue;
		}
		free(member->transport);
		member->transport = mem_printf("%s_%d", plain, number++);
		other = members->items;
	}
	free(plain);
}

/* "HOST" or "HOST:PORT" into the form without an MX lookup. */
static int
set_nexthop(struct postfix_member *member, const char *relay, struct err *err)
{
	const struct conf_account *account = member->account;
	const char *colon;
	size_t len;

	if (relay == NULL)
		return err_set(err, ERR_CONFIG, "hosts",
		    "%s:%d: application \"%s\" names no server in hosts; add "
		    "the one that takes mail, or give --relay HOST:PORT",
		    account->application->where.file,
		    account->application->where.line,
		    account->application->name);
	colon = strrchr(relay, ':');
	len = colon != NULL ? (size_t)(colon - relay) : strlen(relay);
	member->port = colon != NULL ? atoi(colon + 1) : PORT_SUBMISSION;
	if (member->port < 1 || member->port > 65535 || len == 0 ||
	    strcspn(relay, "[]{},=$ ") != strlen(relay))
		return err_set(err, ERR_CONFIG, "relay",
		    "\"%s\" is no relay; write HOST or HOST:PORT", relay);
	member->nexthop =
	    mem_printf("[%.*s]:%d", (int)len, relay, member->port);
	return 0;
}

static int
add_member(struct postfix_members *members, const struct conf_account *account,
    const char *relay, struct err *err)
{
	struct postfix_member *member = &members->items[members->count++];
	const struct postfix_member *other;

	member->account = account;
	member->is_domain = account->name[0] == '@';
	member->is_shared = members->is_crowd && !member->is_domain;
	other = member->is_shared ? companion(members, member) : NULL;
	member->is_first = other == NULL;
	member->transport = other != NULL ? mem_strdup(other->transport)
					  : transport_name(member);
	if (member->is_first)
		make_unique(members, member);
	if (check_address(account->name, account, err) != 0 ||
	    check_address(postfix_member_from(member), account, err) != 0 ||
	    check_addresses(&account->send_as, account, err) != 0 ||
	    check_addresses(&account->senders, account, err) != 0)
		return -1;
	if (relay == NULL)
		relay = mailserver_of(account->application, MAILSERVER_SMTP);
	return set_nexthop(member, relay, err);
}

static int
add_named(struct postfix_members *members, const struct conf *conf,
    const char *relay, const char *name, struct err *err)
{
	const struct conf_account *account = conf_account_find(conf, name);

	if (account == NULL)
		return err_set(err, ERR_CONFIG, "account",
		    "there is no account %s in %s", name, conf->path);
	return add_member(members, account, relay, err);
}

static int
check_count(const struct postfix_members *members, struct err *err)
{
	size_t i, count = 0;

	for (i = 0; i < members->count; i++)
		count += (size_t)members->items[i].is_first;
	if (count > TRANSPORTS_MAX)
		return err_set(err, ERR_CONFIG, "count",
		    "these accounts need %zu transports, and master.cf is to "
		    "have at most %d; name the accounts that this Postfix "
		    "sends for",
		    count, TRANSPORTS_MAX);
	return 0;
}

int
postfix_member_gather(struct postfix_members *members, const struct conf *conf,
    const char *relay, char **names, size_t count, struct err *err)
{
	size_t i, all = conf->account_count;

	members->count = 0;
	members->items =
	    mem_zalloc((count > 0 ? count : all) + 1, sizeof(*members->items));
	if (count == 0 && all == 0)
		return err_set(err, ERR_CONFIG, "account",
		    "there is no account in %s", conf->path);
	members->is_crowd = (count > 0 ? count : all) > TRANSPORTS_MAX;
	for (i = 0; i < count; i++)
		if (add_named(members, conf, relay, names[i], err) != 0)
			return -1;
	for (i = 0; count == 0 && i < all; i++)
		if (add_member(members, &conf->accounts[i], relay, err) != 0)
			return -1;
	return check_count(members, err);
}

void
postfix_member_clear(struct postfix_members *members)
{
	size_t i;

	for (i = 0; i < members->count; i++) {
		free(members->items[i].transport);
		free(members->items[i].nexthop);
	}
	free(members->items);
	members->items = NULL;
	members->count = 0;
}
