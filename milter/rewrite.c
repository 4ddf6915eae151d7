/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite - see rewrite.h.
 *
 * The order of decisions: who does the message say it is from (read), may the
 * account send so (allowed), and, if not, which fields become what (edit_*).
 * Whatever the fields hold, the result of the edits is one From field with one
 * allowed address and an allowed envelope sender.
 */
#include "rewrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dkim.h"
#include "name.h"
#include "notice.h"
#include "phrase.h"

/* Everything known while deciding. */
struct decision {
	const struct rewrite_policy *policy;
	const struct address *mailbox;
	const struct rewrite_input *input;
	const struct rewrite_senders *read;
	struct rewrite_result *result;
	int from_kept;		      /* From stays as it is, byte for byte */
	int notice;		      /* no person wrote it */
	const struct address *target; /* what From will hold */
	int from_replaced;	      /* by another address */
};

int
rewrite_allow(struct rewrite_policy *policy, const char *send_as)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX], key[ADDRESS_TEXT_MAX];
	int domain = send_as[0] == '@';

	if (strlen(send_as) > ADDRESS_TEXT_MAX - 2)
		return -1;
	text[0] = 'x';
	memcpy(text + domain, send_as, strlen(send_as) + 1);
	if (address_parse_path(text, strlen(text), &address) != 1)
		return -1;
	if (domain)
		address_domain_key(&address, key);
	else
		address_key(&address, key);
	(void)map_puts(&policy->send_as, key, 1);
	return 0;
}

static int
allowed(const struct decision *d, const struct address *address)
{
	char key[ADDRESS_TEXT_MAX], own[ADDRESS_TEXT_MAX];

	if (!d->input->utf8 && !address_is_ascii(address))
		return 0;
	address_key(address, key);
	address_key(d->mailbox, own);
	if (strcmp(key, own) == 0 ||
	    map_gets(&d->policy->send_as, key) != MAP_NONE)
		return 1;
	/* A whole domain means its mailboxes, not all that can be written. */
	if (!address_is_plain(address))
		return 0;
	address_domain_key(address, key);
	return map_gets(&d->policy->send_as, key) != MAP_NONE;
}

/* --- building the result ------------------------------------------------- */

static void
edit_delete(struct decision *d, enum rewrite_name name)
{
	rewrite_edit_delete(
	    &d->result->edits, name, 1, d->input->fields[name].count);
}

static void
edit_replace(struct decision *d, enum rewrite_name name, struct buf *value)
{
	rewrite_edit_replace(
	    &d->result->edits, name, d->input->fields[name].count, value);
}

static void
refuse(struct decision *d, const char *what)
{
	char own[ADDRESS_TEXT_MAX];

	d->result->refused = 1;
	address_format(d->mailbox, own);
	(void)snprintf(d->result->reason, sizeof(d->result->reason),
	    "%.360s; send as %.60s%.80s", what, own, d->policy->send_as_text);
}

/* --- reading the input --------------------------------------------------- */

void
rewrite_read(const struct rewrite_input *input, struct rewrite_senders *senders)
{
	const struct rewrite_field *from = &input->fields[REWRITE_FROM];
	const char *sender = input->sender;

	senders->sender_read =
	    address_parse_path(sender, strlen(sender), &senders->sender);
	senders->from_read = from->count > 0 && !from->kept[0].cut &&
			     address_parse(from->kept[0].data,
				 from->kept[0].len, &senders->from) == 0;
}

/*
 * One mailbox, written so that everybody reads it alike. Bytes above ASCII
 * belong into a header only where the message was declared so (RFC 6532).
 */
static int
is_plain(const struct decision *d, const struct rewrite_value *value,
    const struct address_list *list)
{
	unsigned harmless = d->input->utf8 ? SCAN_UTF8 : 0;
	size_t i;

	if (list->count != 1 || (list->flags & ~harmless) != 0)
		return 0;
	for (i = 0; !d->input->utf8 && i < value->len; i++)
		if ((unsigned char)value->data[i] >= 0x80)
			return 0;
	return name_is_harmless(&list->kept[0]);
}

/* From names exactly one mailbox, and the account may send as it. */
static int
from_allowed(const struct decision *d)
{
	return d->input->fields[REWRITE_FROM].count == 1 &&
	       d->read->from_read && d->read->from.count == 1 &&
	       d->read->from.groups == 0 && allowed(d, &d->read->from.kept[0]);
}

/* --- refusing ------------------------------------------------------------ */

/* on_sender = reject. 1 if the message was refused. */
static int
check_reject(struct decision *d)
{
	const struct rewrite_field *from = &d->input->fields[REWRITE_FROM];
	char what[400];

	if (d->read->sender_read < 0 ||
	    (d->read->sender_read == 1 && !allowed(d, &d->read->sender)))
		(void)snprintf(what, sizeof(what),
		    "the envelope sender %.300s is not this account's",
		    d->input->sender);
	else if (from_allowed(d))
		return 0;
	else if (from->count != 1)
		(void)snprintf(what, sizeof(what),
		    "the message has %zu From fields instead of one",
		    from->count);
	else if (!d->read->from_read)
		(void)snprintf(what, sizeof(what),
		    "the From field cannot be read: %s",
		    from->kept[0].cut ? "it is too long"
				      : d->read->from.problem);
	else if (d->read->from.count != 1 || d->read->from.groups > 0)
		(void)snprintf(what, sizeof(what),
		    "the From field holds more than one address");
	else
		(void)snprintf(what, sizeof(what),
		    "the From address %.300s is not this account's",
		    d->result->was);
	refuse(d, what);
	return 1;
}

/*
 * What the next server reads as a field of its own is not ours to know; no
 * program writes such a header in earnest.
 */
static int
check_broken(struct decision *d)
{
	if (!d->input->broken)
		return 0;
	d->result->refused = 1;
	(void)snprintf(d->result->reason, sizeof(d->result->reason),
	    "a header field holds a bare carriage return or line feed, behind "
	    "which other programs may read another sender");
	return 1;
}

/*
 * A field repeated without end costs the MTA a pass over the message for each
 * deletion; nobody writes such a message by mistake.
 */
static int
check_repeated(struct decision *d)
{
	char what[120];
	enum rewrite_name i;

	for (i = 0; i < REWRITE_NAMES; i++) {
		if (d->input->fields[i].count <= REWRITE_REPEATED_MAX)
			continue;
		(void)snprintf(what, sizeof(what),
		    "the message has %zu %s fields", d->input->fields[i].count,
		    rewrite_field_name(i));
		refuse(d, what);
		return 1;
	}
	return 0;
}

/* on_bounce, and loops. 1 if this ends it. */
static int
check_notice(struct decision *d)
{
	struct rewrite_result *result = d->result;
	const char *what = "it is a delivery notice or an automatic reply";

	if (d->policy->on_bounce == CONF_BOUNCE_REJECT) {
		result->refused = 1;
		(void)snprintf(result->reason, sizeof(result->reason),
		    "%s, which this relay does not send", what);
	} else if (d->policy->on_bounce == CONF_BOUNCE_DISCARD) {
		result->discarded = 1;
		(void)snprintf(
		    result->reason, sizeof(result->reason), "%s", what);
	} else if (d->policy->on_sender != CONF_SENDER_PASS &&
		   notice_loops(d->input)) {
		/* Refused, it would come back as the next notice. */
		result->discarded = 1;
		(void)snprintf(result->reason, sizeof(result->reason),
		    "%s in a loop: it has passed %zu times", what,
		    d->input->fields[REWRITE_TRACE].count);
	}
	return result->refused || result->discarded;
}

/* --- rewriting ----------------------------------------------------------- */

/* All From fields as they were, for people. */
static void
edit_original_from(struct decision *d)
{
	const struct rewrite_field *from = &d->input->fields[REWRITE_FROM];
	struct phrase_line line;
	struct buf all, value;
	size_t i;

	edit_delete(d, REWRITE_ORIGINAL_FROM);
	if (d->from_kept || from->count == 0)
		return;
	buf_init(&all, REWRITE_KEPT_MAX * (REWRITE_VALUE_MAX + 2));
	for (i = 0; i < from->count && i < REWRITE_KEPT_MAX; i++) {
		if (i > 0)
			(void)buf_adds(&all, ", ");
		(void)buf_add(&all, from->kept[i].data, from->kept[i].len);
	}
	buf_init(&value, REWRITE_MADE_MAX);
	phrase_begin(&line, &value, rewrite_field_name(REWRITE_ORIGINAL_FROM));
	if (all.data != NULL)
		phrase_text(&line, all.data, all.len);
	if (value.len > 0)
		rewrite_edit_value(&d->result->edits, REWRITE_EDIT_ADD,
		    REWRITE_ORIGINAL_FROM, &value);
	buf_clear(&all);
	buf_clear(&value);
}

static void
edit_from(struct decision *d)
{
	struct phrase_line line;
	struct buf value;
	char text[ADDRESS_TEXT_MAX];
	const struct address *named = NULL;
	const char *pattern = d->policy->from_name;

	address_format(d->target, d->result->now);
	if (d->from_kept)
		return;
	if (d->read->from_read)
		named = &d->read->from.kept[0];
	/* An allowed sender that is only written anew keeps its own name. */
	if (named == d->target)
		pattern = "%n";
	else if (named == NULL && d->read->sender_read == 1)
		named = &d->read->sender;
	address_format(d->target, text);
	buf_init(&value, REWRITE_MADE_MAX);
	phrase_begin(&line, &value, rewrite_field_name(REWRITE_FROM));
	phrase_mailbox(&line, pattern, named, text);
	edit_replace(d, REWRITE_FROM, &value);
	d->from_replaced = named != d->target;
	d->result->changed |= d->from_replaced;
}

static void
write_originals(struct decision *d, struct phrase_line *line)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < d->read->from.count; i++) {
		if (i > 0)
			phrase_comma(line);
		address_format(&d->read->from.kept[i], text);
		phrase_mailbox(line, "%n", &d->read->from.kept[i], text);
	}
}

/* Names somebody. One too long to be looked at is given the benefit. */
static int
names_somebody(const struct rewrite_value *value)
{
	struct address_list list;

	return value->cut ||
	       (address_parse(value->data, value->len, &list) == 0 &&
		   list.count > 0);
}

/*
 * 1 if a reader will find whom to answer in a Reply-To of the message. Fields
 * before it that name nobody are deleted: readers look at the first one.
 */
static int
keep_reply_to(struct decision *d)
{
	const struct rewrite_field *field = &d->input->fields[REWRITE_REPLY_TO];
	size_t i;

	for (i = 0; i < field->count && i < REWRITE_KEPT_MAX; i++)
		if (names_somebody(&field->kept[i]))
			break;
	if (i == field->count || i == REWRITE_KEPT_MAX)
		return 0;
	rewrite_edit_delete(&d->result->edits, REWRITE_REPLY_TO, 1, i);
	return 1;
}

/*
 * Replies go where they went: to an existing Reply-To (an empty one or one that
 * cannot be read is none: the reader would answer the account), else to whom
 * From named, else (no From at all) to the envelope sender.
 */
static void
edit_reply_to(struct decision *d)
{
	struct phrase_line line;
	struct buf value;
	char text[ADDRESS_TEXT_MAX];

	if (!d->from_replaced || strcmp(d->policy->reply_to, "none") == 0 ||
	    keep_reply_to(d))
		return;
	buf_init(&value, REWRITE_MADE_MAX);
	phrase_begin(&line, &value, rewrite_field_name(REWRITE_REPLY_TO));
	if (strcmp(d->policy->reply_to, "original") != 0) {
		(void)buf_adds(&value, d->policy->reply_to);
	} else if (d->read->from_read &&
		   d->read->from.count <= ADDRESS_KEPT_MAX) {
		write_originals(d, &line);
	} else if (d->input->fields[REWRITE_FROM].count == 0 &&
		   d->read->sender_read == 1) {
		address_format(&d->read->sender, text);
		phrase_mailbox(&line, "", NULL, text);
	}
	if (value.len > 0)
		edit_replace(d, REWRITE_REPLY_TO, &value);
	buf_clear(&value);
}

/* Sender and the Resent fields: kept when allowed beyond doubt, else gone. */
static void
edit_other(struct decision *d, enum rewrite_name name)
{
	const struct rewrite_field *field = &d->input->fields[name];
	struct address_list list;

	if (field->count == 1 && !field->kept[0].cut &&
	    address_parse(field->kept[0].data, field->kept[0].len, &list) ==
		0 &&
	    is_plain(d, &field->kept[0], &list) && allowed(d, &list.kept[0]) &&
	    d->from_kept)
		return;
	edit_delete(d, name);
}

/* An allowed one is written anew if it is not written plainly (a route). */
static void
edit_sender(struct decision *d)
{
	char text[ADDRESS_TEXT_MAX + 2];
	const struct address *target = d->target;
	const char *now = d->input->sender;
	size_t len;

	if (d->read->sender_read == 1 && allowed(d, &d->read->sender))
		target = &d->read->sender;
	else if (d->read->sender_read == 0)
		target = d->mailbox;
	text[0] = '<';
	address_format(target, text + 1);
	strcat(text, ">");
	len = strlen(text);
	if (target == &d->read->sender &&
	    (strcmp(now, text) == 0 ||
		(strlen(now) == len - 2 &&
		    strncmp(now, text + 1, len - 2) == 0)))
		return;
	rewrite_edit_text(
	    &d->result->edits, REWRITE_EDIT_SENDER, REWRITE_NAMES, text);
	d->result->changed |= target != &d->read->sender;
}

static void
edit_all(struct decision *d)
{
	char own[ADDRESS_TEXT_MAX];

	address_format(d->mailbox, own);
	d->target = from_allowed(d) ? &d->read->from.kept[0] : d->mailbox;
	d->from_kept = d->target != d->mailbox &&
		       is_plain(d, &d->input->fields[REWRITE_FROM].kept[0],
			   &d->read->from);
	edit_sender(d);
	edit_from(d);
	edit_other(d, REWRITE_SENDER);
	edit_reply_to(d);
	edit_other(d, REWRITE_RESENT_FROM);
	edit_other(d, REWRITE_RESENT_SENDER);
	edit_original_from(d);
	if (d->notice)
		notice_mark(&d->result->edits, d->input, own);
	edit_delete(d, REWRITE_BCC);
	edit_delete(d, REWRITE_RESENT_BCC);
	edit_delete(d, REWRITE_RETURN_PATH);
	dkim_drop_stale(&d->result->edits, d->input);
}

int
rewrite_decide(const struct rewrite_policy *policy,
    const struct address *mailbox, const struct rewrite_input *input,
    const struct rewrite_senders *senders, struct rewrite_result *result)
{
	struct decision d = {.policy = policy,
	    .mailbox = mailbox,
	    .input = input,
	    .read = senders,
	    .result = result};

	memset(result, 0, sizeof(*result));
	if (senders->from_read)
		address_format(&senders->from.kept[0], result->was);
	memcpy(result->now, result->was, sizeof(result->now));
	d.notice = notice_is(input, senders->sender_read == 0);
	if ((d.notice && check_notice(&d)) ||
	    policy->on_sender == CONF_SENDER_PASS || check_broken(&d) ||
	    check_repeated(&d))
		return 0;
	/* Nobody is there to read why a notice was refused. */
	if (policy->on_sender == CONF_SENDER_REJECT && !d.notice &&
	    check_reject(&d))
		return 0;
	edit_all(&d);
	return result->edits.failed ? -1 : 0;
}

void
rewrite_clear(struct rewrite_result *result)
{
	rewrite_edit_clear(&result->edits);
	memset(result, 0, sizeof(*result));
}
