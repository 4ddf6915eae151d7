/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_senders - the senders of accounts. See postfix_senders.h.
 */
#define _GNU_SOURCE /* tdestroy */
#include "postfix_senders.h"

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct walk {
	void *seen;
	postfix_senders_take take;
	void *arg;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
add(struct walk *walk, const char *address, const struct postfix_member *member)
{
	char *key = mem_strdup(address), *p, **place;

	for (p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	place = tsearch(key, &walk->seen, compare);
	if (place == NULL)
		abort(); /* as mem does */
	if (*place == key)
		walk->take(walk->arg, key, member);
	else
		free(key);
}

/* What the milter lets through for this account. */
static void
add_member(struct walk *walk, const struct postfix_member *member)
{
	const struct conf_account *account = member->account;
	size_t i;

	add(walk, postfix_member_from(member), member);
	for (i = 0; i < account->send_as.count; i++)
		add(walk, account->send_as.items[i], member);
	for (i = 0; account->on_sender == CONF_SENDER_PASS &&
		    i < account->senders.count;
	     i++)
		add(walk, account->senders.items[i], member);
}

void
postfix_senders_each(const struct postfix_members *members,
    const char *transport, postfix_senders_take take, void *arg)
{
	struct walk walk = {NULL, take, arg};
	size_t i;

	for (i = 0; i < members->count; i++)
		if (transport == NULL ||
		    strcmp(members->items[i].transport, transport) == 0)
			add_member(&walk, &members->items[i]);
	tdestroy(walk.seen, free);
}
