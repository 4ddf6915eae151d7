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
#include "phrase.h"

#define VALUE_MAX 16384 /* of a value that is made here */

/* Everything known while deciding. */
struct decision {
	const struct rewrite_policy *policy;
	const struct address *mailbox;
	const struct rewrite_input *input;
	struct rewrite_result *result;
	struct address_list from; /* of the first From field */
	int from_read;		  /* there is one, and it could be read */
	int from_kept;		  /* From stays as it is, byte for byte */
	struct address sender;	  /* envelope */
	int sender_read;	  /* 1 an address, 0 null, -1 not understood */
	const struct address *target; /* what From will hold */
	int from_replaced;	      /* by another address */
	int failed;		      /* out of memory or room */
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

static struct rewrite_edit *
new_edit(
    struct decision *d, enum rewrite_edit_kind kind, enum rewrite_name name)
{
	struct rewrite_edit *edit = &d->result->edits[d->result->count++];

	edit->kind = kind;
	edit->name = name;
	return edit;
}

/* Delete the fields of that name from number "first" on, if there are any. */
static void
edit_delete(struct decision *d, enum rewrite_name name, size_t first)
{
	size_t count = d->input->fields[name].count;
	struct rewrite_edit *edit;

	if (count < first)
		return;
	edit = new_edit(d, REWRITE_EDIT_DELETE, name);
	edit->first = first;
	edit->last = count;
}

/* Takes what was written into value. */
static void
edit_value(struct decision *d, enum rewrite_edit_kind kind,
    enum rewrite_name name, struct buf *value)
{
	struct rewrite_edit *edit = new_edit(d, kind, name);

	if (value->truncated || value->data == NULL)
		d->failed = 1;
	else
		edit->value = buf_take(value);
	buf_clear(value);
}

static void
edit_text(struct decision *d, enum rewrite_edit_kind kind,
    enum rewrite_name name, const char *text)
{
	struct buf value;

	buf_init(&value, VALUE_MAX);
	(void)buf_adds(&value, text);
	edit_value(d, kind, name, &value);
}

/* Leave one field of that name, with the value. */
static void
edit_replace(struct decision *d, enum rewrite_name name, struct buf *value)
{
	int there = d->input->fields[name].count > 0;

	edit_delete(d, name, 2);
	edit_value(
	    d, there ? REWRITE_EDIT_CHANGE : REWRITE_EDIT_ADD, name, value);
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

static void
read_senders(struct decision *d)
{
	const struct rewrite_field *from = &d->input->fields[REWRITE_FROM];
	const char *sender = d->input->sender;

	d->sender_read = address_parse_path(sender, strlen(sender), &d->sender);
	if (from->count > 0 && !from->kept[0].cut)
		d->from_read = address_parse(from->kept[0].data,
				   from->kept[0].len, &d->from) == 0;
	if (d->from_read)
		address_format(&d->from.kept[0], d->result->was);
}

/* From names exactly one mailbox, and the account may send as it. */
static int
from_allowed(const struct decision *d)
{
	return d->input->fields[REWRITE_FROM].count == 1 && d->from_read &&
	       d->from.count == 1 && d->from.groups == 0 &&
	       allowed(d, &d->from.kept[0]);
}

/* --- refusing ------------------------------------------------------------ */

/* on_sender = reject. 1 if the message was refused. */
static int
check_reject(struct decision *d)
{
	const struct rewrite_field *from = &d->input->fields[REWRITE_FROM];
	char what[400];

	if (d->sender_read < 0 ||
	    (d->sender_read == 1 && !allowed(d, &d->sender)))
		(void)snprintf(what, sizeof(what),
		    "the envelope sender %.300s is not this account's",
		    d->input->sender);
	else if (from_allowed(d))
		return 0;
	else if (from->count != 1)
		(void)snprintf(what, sizeof(what),
		    "the message has %zu From fields instead of one",
		    from->count);
	else if (!d->from_read)
		(void)snprintf(what, sizeof(what),
		    "the From field cannot be read: %s",
		    from->kept[0].cut ? "it is too long" : d->from.problem);
	else if (d->from.count != 1 || d->from.groups > 0)
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

/* --- rewriting ----------------------------------------------------------- */

/* All From fields as they were, for people. */
static void
edit_original_from(struct decision *d)
{
	const struct rewrite_field *from = &d->input->fields[REWRITE_FROM];
	struct phrase_line line;
	struct buf all, value;
	size_t i;

	edit_delete(d, REWRITE_ORIGINAL_FROM, 1);
	if (d->from_kept || from->count == 0)
		return;
	buf_init(&all, REWRITE_KEPT_MAX * (REWRITE_VALUE_MAX + 2));
	for (i = 0; i < from->count && i < REWRITE_KEPT_MAX; i++) {
		if (i > 0)
			(void)buf_adds(&all, ", ");
		(void)buf_add(&all, from->kept[i].data, from->kept[i].len);
	}
	buf_init(&value, VALUE_MAX);
	phrase_begin(&line, &value, rewrite_field_name(REWRITE_ORIGINAL_FROM));
	if (all.data != NULL)
		phrase_text(&line, all.data, all.len);
	if (value.len > 0)
		edit_value(d, REWRITE_EDIT_ADD, REWRITE_ORIGINAL_FROM, &value);
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
	if (d->from_read)
		named = &d->from.kept[0];
	/* An allowed sender that is only written anew keeps its own name. */
	if (named == d->target)
		pattern = "%n";
	else if (named == NULL && d->sender_read == 1)
		named = &d->sender;
	address_format(d->target, text);
	buf_init(&value, VALUE_MAX);
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

	for (i = 0; i < d->from.count; i++) {
		if (i > 0)
			phrase_comma(line);
		address_format(&d->from.kept[i], text);
		phrase_mailbox(line, "%n", &d->from.kept[i], text);
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
	struct rewrite_edit *edit;
	size_t i;

	for (i = 0; i < field->count && i < REWRITE_KEPT_MAX; i++)
		if (names_somebody(&field->kept[i]))
			break;
	if (i == field->count || i == REWRITE_KEPT_MAX)
		return 0;
	if (i > 0) {
		edit = new_edit(d, REWRITE_EDIT_DELETE, REWRITE_REPLY_TO);
		edit->first = 1;
		edit->last = i;
	}
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
	buf_init(&value, VALUE_MAX);
	phrase_begin(&line, &value, rewrite_field_name(REWRITE_REPLY_TO));
	if (strcmp(d->policy->reply_to, "original") != 0) {
		(void)buf_adds(&value, d->policy->reply_to);
	} else if (d->from_read && d->from.count <= ADDRESS_KEPT_MAX) {
		write_originals(d, &line);
	} else if (d->input->fields[REWRITE_FROM].count == 0 &&
		   d->sender_read == 1) {
		address_format(&d->sender, text);
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
	    list.count == 1 && list.flags == 0 && allowed(d, &list.kept[0]) &&
	    d->from_kept)
		return;
	edit_delete(d, name, 1);
}

static void
edit_sender(struct decision *d)
{
	char text[ADDRESS_TEXT_MAX + 2];
	const struct address *target = d->target;

	if (d->sender_read == 1 && allowed(d, &d->sender))
		return;
	if (d->sender_read == 0)
		target = d->mailbox;
	text[0] = '<';
	address_format(target, text + 1);
	strcat(text, ">");
	edit_text(d, REWRITE_EDIT_SENDER, REWRITE_NAMES, text);
	d->result->changed = 1;
}

/*
 * A notice must not be answered by another robot, now that it has a sender
 * (RFC 3834 section 5); "no" would say that a person wrote it.
 */
static void
edit_auto_submitted(struct decision *d)
{
	const struct rewrite_field *field =
	    &d->input->fields[REWRITE_AUTO_SUBMITTED];
	const char *value = field->kept[0].data;
	size_t len = field->kept[0].len;
	struct buf auto_generated;

	if (d->sender_read != 0)
		return;
	for (; len > 0 && *value <= ' '; len--)
		value++;
	if (field->count == 1 && len > 5 && strncasecmp(value, "auto-", 5) == 0)
		return;
	buf_init(&auto_generated, VALUE_MAX);
	(void)buf_adds(&auto_generated, "auto-generated");
	edit_replace(d, REWRITE_AUTO_SUBMITTED, &auto_generated);
}

static void
edit_all(struct decision *d)
{
	d->target = from_allowed(d) ? &d->from.kept[0] : d->mailbox;
	d->from_kept = d->target != d->mailbox && d->from.flags == 0;
	edit_sender(d);
	edit_from(d);
	edit_other(d, REWRITE_SENDER);
	edit_reply_to(d);
	edit_other(d, REWRITE_RESENT_FROM);
	edit_other(d, REWRITE_RESENT_SENDER);
	edit_original_from(d);
	edit_auto_submitted(d);
	edit_delete(d, REWRITE_BCC, 1);
	edit_delete(d, REWRITE_RESENT_BCC, 1);
	edit_delete(d, REWRITE_RETURN_PATH, 1);
}

int
rewrite_decide(const struct rewrite_policy *policy,
    const struct address *mailbox, const struct rewrite_input *input,
    struct rewrite_result *result)
{
	struct decision d = {.policy = policy,
	    .mailbox = mailbox,
	    .input = input,
	    .result = result};

	memset(result, 0, sizeof(*result));
	read_senders(&d);
	memcpy(result->now, result->was, sizeof(result->now));
	if (policy->on_sender == CONF_SENDER_PASS || check_repeated(&d))
		return 0;
	if (policy->on_sender == CONF_SENDER_REJECT && check_reject(&d))
		return 0;
	edit_all(&d);
	return d.failed ? -1 : 0;
}

void
rewrite_clear(struct rewrite_result *result)
{
	size_t i;

	for (i = 0; i < result->count; i++)
		free(result->edits[i].value);
	memset(result, 0, sizeof(*result));
}
