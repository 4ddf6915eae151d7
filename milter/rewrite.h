/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REWRITE_H
#define POSTOAK_REWRITE_H

#include <stddef.h>

#include "address.h"
#include "conf.h"
#include "map.h"
#include "rewrite_edit.h"
#include "rewrite_input.h"

/*
 * rewrite - from the senders a message names and what its account may send as
 * to the edits that make it one the account may send. Pure: message collects
 * the input, session carries the edits out.
 */

/* What an account allows. */
struct rewrite_policy {
	const char *from_name; /* pattern, "%n" by default */
	const char *reply_to;  /* "original", "none" or an address */
	enum conf_on_sender on_sender;
	enum conf_on_bounce on_bounce;
	struct map send_as;	  /* by address_key and address_domain_key */
	const char *send_as_text; /* ", sales@contoso.com, ..." or "" */
};

/* Whom the message names: the envelope sender and the first From field. */
struct rewrite_senders {
	struct address sender;
	int sender_read; /* 1 an address, 0 null, -1 not understood */
	struct address_list from;
	int from_read; /* there is one, and it could be read */
};

/* Read them; *senders borrows from the input. */
void rewrite_read(
    const struct rewrite_input *input, struct rewrite_senders *senders);

struct rewrite_result {
	int refused;   /* reason says why, for a 550 reply */
	int discarded; /* accepted and forgotten; reason says why */
	int changed;   /* From or envelope sender will be another address */
	struct rewrite_edits edits; /* to be carried out in this order */
	char reason[512];
	char was[ADDRESS_TEXT_MAX]; /* From before, for the log; "" if unread */
	char now[ADDRESS_TEXT_MAX]; /* From after */
};

/*
 * Decide. "senders" is what rewrite_read made of the input; "mailbox" is the
 * address to send as (for a domain account the one of its mailboxes that this
 * is). *result is overwritten; rewrite_clear frees it. 0, or -1 when the result
 * could not be built (ours to answer with 4xx).
 */
int rewrite_decide(const struct rewrite_policy *policy,
    const struct address *mailbox, const struct rewrite_input *input,
    const struct rewrite_senders *senders, struct rewrite_result *result);
void rewrite_clear(struct rewrite_result *result);

/* Enter an address or "@domain" of send_as. 0, or -1 if it is neither. */
int rewrite_allow(struct rewrite_policy *policy, const char *send_as);

#endif
