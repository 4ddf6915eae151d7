/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide - see decide.h. One function a step, each of which may end it.
 */
#include "decide.h"

#include <stdio.h>
#include <string.h>

#include "budget.h"
#include "held.h"
#include "limits.h"
#include "log.h"

/* A message while it is decided about. */
struct step {
	const struct message *message;
	struct verdict *verdict;
	struct rewrite_input input;
	struct rewrite_senders read;
	char sender_text[ADDRESS_TEXT_MAX];
	const struct config_account *account;
	struct address mailbox; /* to send as */
	size_t exempt;		/* recipients that do not count */
	struct limits_message counted;
};

static void
begin(struct step *s, const struct message *message, struct verdict *verdict)
{
	s->message = message;
	s->verdict = verdict;
	s->account = NULL;
	s->exempt = 0;
	message_input(message, &s->input);
	rewrite_read(&s->input, &s->read);
}

/* Note the outcome; always 1, "this was the last step". */
static int
done(struct step *s, const char *action)
{
	s->verdict->action = action;
	if (s->verdict->reply.code != NULL)
		(void)snprintf(s->verdict->reason, sizeof(s->verdict->reason),
		    "%s", s->verdict->reply.text);
	return 1;
}

/* --- whose mail ---------------------------------------------------------- */

static size_t
find_account(const struct step *s, const char **by)
{
	const struct message *m = s->message;
	struct route_query query = {.login = m->login,
	    .sender = s->read.sender_read == 1 ? &s->read.sender : NULL,
	    .from = s->read.from_read ? &s->read.from.kept[0] : NULL,
	    .client = &m->client};
	size_t number = route_find(&m->config->route, &query, by);

	if (number == ROUTE_NONE && m->config->unmatched != ROUTE_NONE) {
		*by = "unmatched";
		number = m->config->unmatched;
	}
	return number;
}

static int
step_route(struct step *s)
{
	const struct message *m = s->message;
	size_t number;

	number = find_account(s, &s->verdict->by);
	if (number != ROUTE_NONE) {
		s->account = &m->config->accounts[number];
		s->verdict->account = s->account;
		return 0;
	}
	if (!m->config->unmatched_reject) {
		(void)snprintf(s->verdict->reason, sizeof(s->verdict->reason),
		    "it is no account's mail");
		return done(s, "passed");
	}
	reply_set(&s->verdict->reply, "550", "5.7.1",
	    "the sender %.300s belongs to no account of this relay", m->sender);
	return done(s, "refused");
}

static int
in_domain(const struct step *s, const struct address *address)
{
	char key[ADDRESS_TEXT_MAX];

	address_domain_key(address, key);
	return address_is_plain(address) &&
	       strcmp(key, s->account->domain) == 0;
}

/* exempt_recipients are delivered elsewhere: the provider never sees them. */
static int
step_exempt(struct step *s)
{
	const struct buf *domains = &s->message->domains;
	size_t at;

	for (at = 0; at < domains->len; at += strlen(domains->data + at) + 1)
		s->exempt +=
		    (size_t)config_is_exempt(s->account, domains->data + at);
	if (s->exempt == 0 || s->exempt < s->message->recipients)
		return 0;
	(void)snprintf(s->verdict->who, sizeof(s->verdict->who), "%s",
	    s->account->conf->name);
	(void)snprintf(s->verdict->reason, sizeof(s->verdict->reason),
	    "all its recipients are exempt");
	return done(s, "passed");
}

/* Which mailbox of a domain account: the one the message names. */
static int
find_mailbox(struct step *s)
{
	const char *login = s->message->login;

	if (!s->account->is_domain) {
		s->mailbox = s->account->own;
		return 1;
	}
	if (s->read.sender_read == 1) {
		s->mailbox = s->read.sender;
		if (in_domain(s, &s->mailbox))
			return 1;
	}
	if (s->read.from_read) {
		s->mailbox = s->read.from.kept[0];
		if (in_domain(s, &s->mailbox))
			return 1;
	}
	return address_parse_path(login, strlen(login), &s->mailbox) == 1 &&
	       in_domain(s, &s->mailbox);
}

static int
step_mailbox(struct step *s)
{
	if (find_mailbox(s)) {
		if (s->account->is_domain)
			address_format(&s->mailbox, s->verdict->who);
		else
			(void)snprintf(s->verdict->who, sizeof(s->verdict->who),
			    "%s", s->account->conf->name);
		return 0;
	}
	(void)snprintf(s->verdict->who, sizeof(s->verdict->who), "%s",
	    s->account->conf->name);
	reply_set(&s->verdict->reply, "550", "5.7.1",
	    "neither the envelope sender %.200s nor the From field is an "
	    "address of %.200s",
	    s->message->sender, s->account->domain + 1);
	return done(s, "refused");
}

/* --- size ---------------------------------------------------------------- */

static void
too_large(struct reply *reply, const char *who, long long size, long long max)
{
	reply_set(reply, "552", "5.3.4",
	    "the message has %lld bytes and account %.300s may send %lld at "
	    "once",
	    size, who, max);
}

static int
step_size(struct step *s)
{
	const struct message *m = s->message;
	const struct conf_account *conf = s->account->conf;
	long long size = m->bytes > m->size ? m->bytes : m->size;
	size_t recipients = m->recipients - s->exempt;

	if (conf->max_message_size > 0 && size > conf->max_message_size) {
		too_large(&s->verdict->reply, s->verdict->who, size,
		    conf->max_message_size);
		return done(s, "refused");
	}
	if (conf->max_recipients > 0 &&
	    recipients > (unsigned long long)conf->max_recipients) {
		reply_set(&s->verdict->reply, "550", "5.5.3",
		    "the message has %zu recipients and account %.300s may "
		    "send to %lld at once; without max_recipients Postfix can "
		    "split it: smtp_destination_recipient_limit = %lld",
		    recipients, s->verdict->who, conf->max_recipients,
		    conf->max_recipients);
		return done(s, "refused");
	}
	return 0;
}

/* --- sender -------------------------------------------------------------- */

static int
step_rewrite(struct step *s)
{
	if (rewrite_decide(&s->account->policy, &s->mailbox, &s->input,
		&s->read, &s->verdict->rewrite) < 0) {
		reply_set(&s->verdict->reply, "451", "4.3.0",
		    "the sender could not be rewritten; try again later");
		return done(s, "failed");
	}
	if (s->verdict->rewrite.refused) {
		reply_set(&s->verdict->reply, "550", "5.7.1", "%s",
		    s->verdict->rewrite.reason);
		return done(s, "refused");
	}
	if (s->verdict->rewrite.discarded) {
		(void)snprintf(s->verdict->reason, sizeof(s->verdict->reason),
		    "%s", s->verdict->rewrite.reason);
		return done(s, "discarded");
	}
	if (s->read.sender_read == 0 && s->verdict->rewrite.changed)
		s->verdict->quiet = &s->message->quiet;
	return 0;
}

/* --- limits -------------------------------------------------------------- */

static size_t
external_recipients(const struct step *s)
{
	const struct buf *domains = &s->message->domains;
	size_t at, external = s->message->unlisted;

	for (at = 0; at < domains->len; at += strlen(domains->data + at) + 1)
		if (!config_is_internal(s->account, domains->data + at) &&
		    !config_is_exempt(s->account, domains->data + at))
			external++;
	return external;
}

static void
count_in(struct step *s)
{
	const struct message *m = s->message;

	/* However it is written, it is one sender. */
	if (s->read.sender_read == 1)
		address_format(&s->read.sender, s->sender_text);
	s->counted = (struct limits_message){
	    .who = s->verdict->who,
	    .login = m->login,
	    .client = m->client_text,
	    .sender = s->read.sender_read == 1 ? s->sender_text : m->sender,
	    .recipients = m->recipients - s->exempt,
	    .external_recipients = external_recipients(s),
	    .bytes = (uint64_t)(m->bytes > m->size ? m->bytes : m->size),
	};
}

/*
 * What makes a repeated reservation the same one. Postfix uses queue ids again
 * (they are made of microseconds and an inode, which the next file gets as soon
 * as it is free: of ten thousand messages in ten minutes some fifty share one),
 * so that they are told apart by what the message is, too.
 */
static const char *
reservation_id(const struct step *s, const char *id, char text[COUNTERS_ID_MAX])
{
	if (id[0] == '\0')
		return NULL;
	(void)snprintf(
	    text, COUNTERS_ID_MAX, "%.80s %llx", id, s->message->digest);
	return text;
}

static int
step_limits(struct step *s, struct counters *counters, const char *id)
{
	char text[COUNTERS_ID_MAX];
	struct budget_message message = {
	    .account = s->account->conf,
	    .counted = &s->counted,
	    .queue_id = id,
	    .id = reservation_id(s, id, text),
	    .can_hold = s->message->can_hold,
	    .release_within_s =
		s->message->config->conf->milter.release_within_s,
	};

	count_in(s);
	switch (budget_take(counters, &message, &s->verdict->reply,
	    s->verdict->reason, &s->verdict->receipt)) {
	case BUDGET_GRANTED:
		return 0;
	case BUDGET_HELD:
		s->verdict->held = 1;
		return done(s, "held");
	case BUDGET_OVER:
		return done(s, "limited");
	case BUDGET_FAILED:
		break;
	}
	return done(s, "failed");
}

void
decide_message(const struct message *message, struct counters *counters,
    const char *id, struct verdict *verdict)
{
	struct step s;

	memset(verdict, 0, sizeof(*verdict));
	begin(&s, message, verdict);
	if (step_route(&s) || step_exempt(&s) || step_mailbox(&s) ||
	    step_size(&s) || step_rewrite(&s) || step_limits(&s, counters, id))
		return;
	(void)done(&s, verdict->rewrite.changed ? "rewritten" : "passed");
}

void
decide_clear(struct verdict *verdict)
{
	rewrite_clear(&verdict->rewrite);
	budget_receipt_clear(&verdict->receipt);
}

static void
unhold(struct counters *counters, const char *id)
{
	struct held held;
	struct err err;
	int rc = held_find(counters, id, &held, &err);

	if (rc == 1)
		rc = held_drop(counters, &held, &err);
	if (rc < 0)
		log_warn(id, "cannot forget a held message: %s", err.text);
}

void
decide_undo(struct verdict *verdict, struct counters *counters, const char *id)
{
	if (verdict->reply.code == NULL && !verdict->rewrite.discarded) {
		verdict->action = "failed";
		(void)snprintf(verdict->reason, sizeof(verdict->reason),
		    "the MTA did not take the answer");
	}
	if (counters == NULL)
		return;
	if (verdict->held)
		unhold(counters, id);
	else if (verdict->account != NULL)
		budget_give_back(counters, &verdict->receipt, verdict->who, id);
}

int
decide_too_large(const struct message *message, struct reply *reply)
{
	struct verdict verdict = {.action = NULL};
	struct step s;
	const struct conf_account *conf;
	size_t number;

	begin(&s, message, &verdict);
	number = find_account(&s, &verdict.by);
	if (number == ROUTE_NONE)
		return 0;
	conf = message->config->accounts[number].conf;
	/* Whether anybody beside exempt ones gets it is not known yet. */
	if (conf->exempt_recipients.count > 0 || conf->max_message_size == 0 ||
	    message->size <= conf->max_message_size)
		return 0;
	too_large(reply, conf->name, message->size, conf->max_message_size);
	return 1;
}
