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

/* For whom the limit counts, in words: "account relay@contoso.com". */
void limits_who(char *text, size_t size, const struct conf_account *account,
    const struct conf_limit *limit, const struct limits_message *message);

/* 1 for scopes that only a message has: login, client, sender. */
int limits_needs_message(enum conf_scope scope);

/* As written in the configuration. */
const char *limits_scope_name(enum conf_scope scope);
const char *limits_unit_name(enum conf_unit unit);

#endif
