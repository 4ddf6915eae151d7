/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LIMITS_H
#define POSTOAK_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "counters_ops.h"

/*
 * limits - from the limits an account is configured with to what is counted:
 * under which key and how much. Pure.
 */

/* What of a message limits are about. */
struct limits_message {
	const char *who; /* account, or mailbox of a domain account */
	const char *login;
	const char *client;
	const char *sender;
	uint64_t recipients;
	uint64_t external_recipients;
	uint64_t bytes;
};

/* Fill in key, window, max and amount (which may be 0). */
void limits_item(struct counters_item *item, const struct conf_account *account,
    const struct conf_limit *limit, const struct limits_message *message);

/* All limits of an account as one message touches them. */
struct limits_items {
	const struct conf_limit *limits[COUNTERS_ITEMS_MAX];
	struct counters_item items[COUNTERS_ITEMS_MAX];
	size_t count;
};

/*
 * Fill in *all, without limits that the message does not touch. The same thing
 * limited twice is counted once, against the smaller number.
 */
void limits_collect(struct limits_items *all,
    const struct conf_account *account, const struct limits_message *message);

/* Of a message that was looked at: which of the items has to be waited for
 * longest; one that is never met before all others. */
size_t limits_worst(const struct counters_item *items, size_t count);

/* For whom the limit counts, in words: "account relay@contoso.com". */
void limits_who(char *text, size_t size, const struct conf_account *account,
    const struct conf_limit *limit, const struct limits_message *message);

/* 1 for scopes that only a message has: login, client, sender. */
int limits_needs_message(enum conf_scope scope);

/* As written in the configuration. */
const char *limits_scope_name(enum conf_scope scope);
const char *limits_unit_name(enum conf_unit unit);

#endif
