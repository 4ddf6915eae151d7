/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - see message.h.
 */
#include "message.h"

#include <string.h>

void
message_init(struct message *message)
{
	memset(message, 0, sizeof(*message));
	buf_init(&message->domains, MESSAGE_DOMAINS_MAX);
	buf_init(&message->quiet, MESSAGE_QUIET_MAX);
	buf_init(&message->values, MESSAGE_VALUES_MAX);
}

/* A large message's buffers are given back, a usual one's are used again. */
static void
empty(struct buf *buf)
{
	if (buf->size > 16 * 1024)
		buf_clear(buf);
	buf->len = 0;
	buf->truncated = 0;
}

/* Strings end with their NUL, so that none runs into the next. */
static void
digest_add(struct message *message, const char *text)
{
	message->digest = map_mix(message->digest, text, strlen(text) + 1);
}

void
message_reset(struct message *message)
{
	config_put(message->config);
	message->config = NULL;
	message->sender[0] = '\0';
	message->login[0] = '\0';
	message->utf8 = 0;
	message->broken = 0;
	message->size = 0;
	message->bytes = 0;
	message->recipients = 0;
	message->digest = MAP_HASH_START;
	message->unlisted = 0;
	empty(&message->domains);
	empty(&message->quiet);
	empty(&message->values);
	memset(message->fields, 0, sizeof(message->fields));
}

void
message_clear(struct message *message)
{
	message_reset(message);
	buf_clear(&message->domains);
	buf_clear(&message->quiet);
	buf_clear(&message->values);
}

void
message_mail(struct message *message, struct config *config, const char *sender,
    const char *login, long long size)
{
	size_t len = strlen(sender);

	message_reset(message);
	message->config = config;
	message->size = size;
	message->utf8 = sender[0] != '<';
	digest_add(message, sender);
	/* A sender that does not fit is no address: kept as one that cannot
	 * be read, so that it is replaced. */
	if (len >= sizeof(message->sender))
		memcpy(message->sender, "?", 2);
	else
		memcpy(message->sender, sender, len + 1);
	len = login != NULL ? strlen(login) : 0;
	if (len > 0 && len < sizeof(message->login))
		memcpy(message->login, login, len + 1);
}

void
message_utf8(struct message *message)
{
	message->utf8 = 1;
}

/* All of them or none. */
static void
keep_quiet(struct message *message, const char *recipient)
{
	if (message->sender[0] != '\0' && strcmp(message->sender, "<>") != 0)
		return;
	if (buf_add(&message->quiet, recipient, strlen(recipient) + 1) < 0 ||
	    message->quiet.truncated)
		message->quiet.len = 0;
}

void
message_rcpt(struct message *message, const char *recipient)
{
	struct address address;
	char key[ADDRESS_TEXT_MAX];

	message->recipients++;
	digest_add(message, recipient);
	keep_quiet(message, recipient);
	/* One without a domain is local; it counts as one not known. */
	if (address_parse_path(recipient, strlen(recipient), &address) == 1) {
		address_domain_key(&address, key);
		if (buf_add(&message->domains, key, strlen(key) + 1) == 0)
			return;
	}
	message->unlisted++;
}

/* A line break that folds nothing: some readers begin another field there. */
static int
has_bare_break(const char *text)
{
	/* Most have none; both searches are fast. */
	if (strchr(text, '\n') == NULL && strchr(text, '\r') == NULL)
		return 0;
	for (text = strpbrk(text, "\r\n"); text != NULL;
	     text = strpbrk(text, "\r\n")) {
		if (*text == '\r')
			text++;
		if (text[0] != '\n' || (text[1] != ' ' && text[1] != '\t'))
			return 1;
		text++;
	}
	return 0;
}

void
message_header(struct message *message, const char *name, const char *value)
{
	enum rewrite_name field = rewrite_field_find(name);
	size_t i, len = strlen(value);

	message->bytes += (long long)(strlen(name) + len + 4);
	digest_add(message, name);
	digest_add(message, value);
	if (rewrite_field_stays(field) &&
	    (has_bare_break(name) || has_bare_break(value)))
		message->broken = 1;
	if (field == REWRITE_NAMES)
		return;
	i = message->fields[field].count++;
	if (i >= REWRITE_KEPT_MAX)
		return;
	message->fields[field].kept[i].start = message->values.len;
	if (len > REWRITE_VALUE_MAX) {
		len = REWRITE_VALUE_MAX;
		message->fields[field].kept[i].cut = 1;
	}
	if (buf_add(&message->values, value, len) < 0) {
		len = 0;
		message->fields[field].kept[i].cut = 1;
	}
	message->fields[field].kept[i].len = len;
}

void
message_body(struct message *message, size_t len)
{
	message->bytes += (long long)len;
}

void
message_input(const struct message *message, struct rewrite_input *input)
{
	const char *values = message->values.data;
	enum rewrite_name i;
	size_t k;

	input->sender = message->sender;
	input->utf8 = message->utf8;
	input->broken = message->broken;
	for (i = 0; i < REWRITE_NAMES; i++) {
		struct rewrite_field *field = &input->fields[i];

		field->count = message->fields[i].count;
		for (k = 0; k < REWRITE_KEPT_MAX; k++) {
			field->kept[k].data =
			    values != NULL
				? values + message->fields[i].kept[k].start
				: "";
			field->kept[k].len = message->fields[i].kept[k].len;
			field->kept[k].cut = message->fields[i].kept[k].cut;
		}
	}
}
