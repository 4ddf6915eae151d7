/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits - see limits.h.
 */
#include "limits.h"

#include <stdio.h>
#include <string.h>

#include "counters.h"

const char *
limits_scope_name(enum conf_scope scope)
{
	static const char *const names[] = {
	    [CONF_SCOPE_ACCOUNT] = "account",
	    [CONF_SCOPE_LOGIN] = "login",
	    [CONF_SCOPE_CLIENT] = "client",
	    [CONF_SCOPE_SENDER] = "sender",
	    [CONF_SCOPE_APPLICATION] = "application",
	    [CONF_SCOPE_TENANT] = "tenant",
	};

	return names[scope];
}

const char *
limits_unit_name(enum conf_unit unit)
{
	static const char *const names[] = {
	    [CONF_UNIT_MESSAGES] = "messages",
	    [CONF_UNIT_RECIPIENTS] = "recipients",
	    [CONF_UNIT_EXTERNAL_RECIPIENTS] = "external_recipients",
	    [CONF_UNIT_BYTES] = "bytes",
	};

	return names[unit];
}

int
limits_needs_message(enum conf_scope scope)
{
	return scope == CONF_SCOPE_LOGIN || scope == CONF_SCOPE_CLIENT ||
	       scope == CONF_SCOPE_SENDER;
}

static uint64_t
amount(enum conf_unit unit, const struct limits_message *message)
{
	switch (unit) {
	case CONF_UNIT_MESSAGES:
		return 1;
	case CONF_UNIT_RECIPIENTS:
		return message->recipients;
	case CONF_UNIT_EXTERNAL_RECIPIENTS:
		return message->external_recipients;
	case CONF_UNIT_BYTES:
		return message->bytes;
	}
	return 0;
}

/* What the scope names: a login, an application, ... */
static const char *
subject(const struct conf_account *account, enum conf_scope scope,
    const struct limits_message *message)
{
	const struct conf_application *app = account->application;
	const char *name = message->who;

	switch (scope) {
	case CONF_SCOPE_ACCOUNT:
		break;
	case CONF_SCOPE_LOGIN:
		name = message->login;
		break;
	case CONF_SCOPE_CLIENT:
		name = message->client;
		break;
	case CONF_SCOPE_SENDER:
		name = message->sender;
		break;
	case CONF_SCOPE_APPLICATION:
		name = app != NULL ? app->name : account->name;
		break;
	case CONF_SCOPE_TENANT:
		name = app != NULL && app->tenant_id != NULL ? app->tenant_id
		       : app != NULL			     ? app->name
							     : account->name;
		break;
	}
	return name != NULL ? name : "";
}

void
limits_item(struct counters_item *item, const struct conf_account *account,
    const struct conf_limit *limit, const struct limits_message *message)
{
	const char *name = subject(account, limit->scope, message);
	char who[2048];

	/* A login's limit is the login's within this account. */
	if (limits_needs_message(limit->scope)) {
		(void)snprintf(
		    who, sizeof(who), "%s %.1500s", message->who, name);
		name = who;
	}
	item->used = 0;
	item->wait_ms = 0;
	item->frees_ms = 0;
	item->counted_ms = 0;
	item->max = (uint64_t)limit->max;
	item->window_ms = limit->window_s * 1000;
	item->amount = amount(limit->unit, message);
	counters_key(item->key, limits_scope_name(limit->scope), name,
	    limits_unit_name(limit->unit), limit->window_s);
}

static int
merge(struct limits_items *all, const struct counters_item *item,
    const struct conf_limit *limit)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		if (strcmp(all->items[i].key, item->key) != 0)
			continue;
		if (item->max < all->items[i].max) {
			all->items[i].max = item->max;
			all->limits[i] = limit;
		}
		return 1;
	}
	return 0;
}

void
limits_collect(struct limits_items *all, const struct conf_account *account,
    const struct limits_message *message)
{
	struct counters_item *item;
	size_t i;

	all->count = 0;
	for (i = 0; i < account->limit_count; i++) {
		item = &all->items[all->count];
		limits_item(item, account, &account->limits[i], message);
		if (item->amount > 0 && !merge(all, item, &account->limits[i]))
			all->limits[all->count++] = &account->limits[i];
	}
}

size_t
limits_worst(const struct counters_item *items, size_t count)
{
	size_t i, worst = 0;

	for (i = 0; i < count; i++) {
		if (items[i].wait_ms < 0)
			return i;
		if (items[i].wait_ms > items[worst].wait_ms)
			worst = i;
	}
	return worst;
}

void
limits_who(char *text, size_t size, const struct conf_account *account,
    const struct conf_limit *limit, const struct limits_message *message)
{
	(void)snprintf(text, size, "%s %s", limits_scope_name(limit->scope),
	    subject(account, limit->scope, message));
}
