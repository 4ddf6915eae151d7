/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REWRITE_H
#define POSTOAK_REWRITE_H

#include <stddef.h>

#include "address.h"
#include "conf.h"
#include "map.h"
#include "rewrite_field.h"

/*
 * rewrite - from the senders a message names and what its account may send as
 * to the edits that make it one the account may send. Pure: message collects
 * the input, session carries the edits out.
 */

#define REWRITE_KEPT_MAX 4	 /* values of one field that are looked at */
#define REWRITE_REPEATED_MAX 100 /* a sender field more often: refused */
#define REWRITE_EDITS_MAX 16
#define REWRITE_VALUE_MAX 8192 /* bytes of a value; longer is not parsed */

struct rewrite_value {
	const char *data;
	size_t len;
	int cut; /* there was more than REWRITE_VALUE_MAX */
};

struct rewrite_field {
	size_t count; /* in the message, by which edits are addressed */
	struct rewrite_value kept[REWRITE_KEPT_MAX]; /* the first of them */
};

/* What a message says about its sender. */
struct rewrite_input {
	const char *sender; /* envelope, as handed over; "" or "<>" if null */
	struct rewrite_field fields[REWRITE_NAMES];
};

/* What an account allows. */
struct rewrite_policy {
	const char *from_name; /* pattern, "%n" by default */
	const char *reply_to;  /* "original", "none" or an address */
	enum conf_on_sender on_sender;
	struct map send_as;	  /* by address_key and address_domain_key */
	const char *send_as_text; /* ", sales@contoso.com, ..." or "" */
};

enum rewrite_edit_kind {
	REWRITE_EDIT_SENDER, /* envelope sender becomes value */
	REWRITE_EDIT_DELETE, /* all fields of that name from last to first */
	REWRITE_EDIT_CHANGE, /* the first field of that name */
	REWRITE_EDIT_ADD,
};

struct rewrite_edit {
	enum rewrite_edit_kind kind;
	enum rewrite_name name;
	size_t first, last; /* DELETE: indexes from 1, last to first */
	char *value;	    /* owned by the result; NULL for DELETE */
};

struct rewrite_result {
	int refused;  /* reason says why, for a 550 reply */
	int changed;  /* From or envelope sender will be another address */
	size_t count; /* of edits, to be carried out in this order */
	struct rewrite_edit edits[REWRITE_EDITS_MAX];
	char reason[512];
	char was[ADDRESS_TEXT_MAX]; /* From before, for the log; "" if unread */
	char now[ADDRESS_TEXT_MAX]; /* From after */
};

/*
 * Decide. "mailbox" is the address to send as (for a domain account the one of
 * its mailboxes that this is). *result is overwritten; rewrite_clear frees it.
 * 0, or -1 when the result could not be built (ours to answer with 4xx).
 */
int rewrite_decide(const struct rewrite_policy *policy,
    const struct address *mailbox, const struct rewrite_input *input,
    struct rewrite_result *result);
void rewrite_clear(struct rewrite_result *result);

/* Enter an address or "@domain" of send_as. 0, or -1 if it is neither. */
int rewrite_allow(struct rewrite_policy *policy, const char *send_as);

#endif
