/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_plan - what Postfix has to be told. See postfix_plan.h.
 */
#include "postfix_plan.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "postfix_member.h"
#include "postfix_replies.h"
#include "postfix_senders.h"

#define MAILBOX_SIZE_DEFAULT 51200000 /* Postfix's mailbox_size_limit */
#define TEXT_MAX (64 * 1024 * 1024)
#define SENDERS "postoak_senders"

struct work {
	const struct conf *conf;
	const struct postfix_host *host;
	struct postfix_plan *plan;
	struct postfix_members members;
};

static void
set_main(struct work *work, const char *comment, const char *name, char *value)
{
	postfix_settings_add(&work->plan->main, comment, name, value);
}

/* --- by sender ------------------------------------------------------------ */

static void
add_inline(void *arg, const char *address, const struct postfix_member *member)
{
	struct buf *text = arg;

	buf_addf(text, "%s{ %s = %s:%s }", text->len > 0 ? ", " : " ", address,
	    member->transport, member->nexthop);
}

static void
add_line(void *arg, const char *address, const struct postfix_member *member)
{
	buf_addf(
	    arg, "%s\t%s:%s\n", address, member->transport, member->nexthop);
}

/* What main.cf can hold, or a table of its own. */
static char *
routes(struct work *work)
{
	struct postfix_file *file;
	struct buf text;
	char *value;

	buf_init(&text, TEXT_MAX);
	if (!work->members.is_crowd) {
		postfix_senders_each(&work->members, NULL, add_inline, &text);
		value = mem_printf("inline:{%s }", text.data);
		buf_clear(&text);
		return value;
	}
	postfix_senders_each(&work->members, NULL, add_line, &text);
	file = postfix_settings_file(work->plan,
	    mem_printf("%s/" SENDERS, work->host->config_directory),
	    buf_take(&text));
	file->is_indexed = 1;
	return mem_strdup("$default_database_type:$config_directory/" SENDERS);
}

static void
plan_by_sender(struct work *work)
{
	size_t i;

	set_main(work,
	    "The sender, as the milter leaves it, decides the account; other "
	    "mail goes as before.",
	    "sender_dependent_default_transport_maps", routes(work));
	for (i = 0; i < work->members.count; i++)
		if (work->members.items[i].account->on_sender ==
		    CONF_SENDER_PASS)
			postfix_settings_note(work->plan,
			    mem_printf("account %s has on_sender = \"pass\": "
				       "only mail from its own addresses, "
				       "send_as and senders finds its "
				       "transport",
				work->members.items[i].account->name));
}

/* --- all of it ------------------------------------------------------------ */

static void
plan_routes(struct work *work)
{
	const struct postfix_member *only = &work->members.items[0];

	if (work->members.count > 1 || only->is_domain) {
		plan_by_sender(work);
		return;
	}
	set_main(work, "All mail that leaves goes through the account.",
	    "relayhost", mem_strdup(only->nexthop));
	set_main(work, NULL, "default_transport", mem_strdup(only->transport));
}

/* The path as seen from inside the queue directory, NULL if it is outside. */
static const char *
inside_queue(const struct postfix_host *host, const char *path)
{
	size_t len = strlen(host->queue_directory);

	while (len > 0 && host->queue_directory[len - 1] == '/')
		len--;
	if (strncmp(path, host->queue_directory, len) != 0 || path[len] != '/')
		return NULL;
	return path + len + 1;
}

/* libmilter's "inet:PORT@HOST" is Postfix's "inet:HOST:PORT". */
static char *
milter_inet(const char *scheme, const char *rest)
{
	const char *at = strchr(rest, '@');
	const char *host = at != NULL ? at + 1 : "127.0.0.1";
	size_t port_len = at != NULL ? (size_t)(at - rest) : strlen(rest);
	int brackets = strcmp(scheme, "inet6") == 0 && host[0] != '[' &&
		       strchr(host, ':') != NULL;

	return mem_printf("inet:%s%s%s:%.*s", brackets ? "[" : "", host,
	    brackets ? "]" : "", (int)port_len, rest);
}

static char *
milter_address(struct work *work)
{
	const char *listen = work->conf->milter.listen;
	const char *path, *inside;

	if (strncmp(listen, "inet:", 5) == 0)
		return milter_inet("inet", listen + 5);
	if (strncmp(listen, "inet6:", 6) == 0)
		return milter_inet("inet6", listen + 6);
	path = strchr(listen, ':') != NULL ? strchr(listen, ':') + 1 : listen;
	inside = inside_queue(work->host, path);
	if (inside == NULL && work->host->chroot)
		postfix_settings_note(work->plan,
		    mem_printf("the milter's socket %s is outside of %s: a "
			       "chrooted smtpd cannot reach it; change listen "
			       "in section milter",
			path, work->host->queue_directory));
	return mem_printf("unix:%s", inside != NULL ? inside : path);
}

/* tempfail: without the milter mail would leave with senders that Exchange
 * refuses, and past the limits. */
static void
plan_milter(struct work *work)
{
	char *address = milter_address(work);

	set_main(work,
	    "Mail from clients and from this host; a DKIM signer, if there is "
	    "one, comes behind.",
	    "smtpd_milters", mem_strdup(address));
	set_main(work, NULL, "non_smtpd_milters", address);
	set_main(work, NULL, "milter_default_action", mem_strdup("tempfail"));
	set_main(work,
	    "Mail is counted by its queue id: short ones come again too soon.",
	    "enable_long_queue_ids", mem_strdup("yes"));
	set_main(work,
	    "Exchange refuses the empty sender: bounces get the account's.",
	    "internal_mail_filter_classes", mem_strdup("bounce"));
}

static void
plan_size(struct work *work)
{
	long long size, most = 0;
	size_t i;

	for (i = 0; i < work->members.count; i++) {
		size = work->members.items[i].account->max_message_size;
		if (size == 0)
			return; /* this account has no limit */
		if (size > most)
			most = size;
	}
	set_main(work, "What the server takes; larger mail is refused at once.",
	    "message_size_limit", mem_printf("%lld", most));
	if (most > MAILBOX_SIZE_DEFAULT)
		set_main(work, NULL, "mailbox_size_limit", mem_strdup("0"));
}

/* The plugin tries one path unless it is told another. */
static void
note_token_socket(struct work *work)
{
	static const char path[] = POSTOAK_RUNSTATEDIR "/postoak/tokend.sock";
	const struct conf_list *listen = &work->conf->tokend.listen;
	const char *inside;
	size_t i;

	for (i = 0; i < listen->count; i++) {
		inside = inside_queue(work->host, listen->items[i]);
		if (work->host->chroot
			? inside != NULL && strcmp(inside, path + 1) == 0
			: strcmp(listen->items[i], path) == 0)
			return;
	}
	postfix_settings_note(work->plan,
	    mem_printf("the plugin looks for %s%s%s, which is not in tokend's "
		       "listen; add it there, or put POSTOAK_SOCKET=PATH into "
		       "import_environment",
		work->host->chroot ? work->host->queue_directory : "", path,
		work->host->chroot ? " (inside the jail)" : ""));
}

/* A file, not inline: that is readable, and known to Postfix before 3.7. */
static void
plan_replies(struct work *work)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	postfix_replies_table(&text);
	postfix_settings_file(work->plan,
	    mem_printf("%s/%s", work->host->config_directory,
		POSTFIX_TRANSPORT_REPLIES),
	    buf_take(&text));
}

struct postfix_plan *
postfix_plan_new(const struct conf *conf, const struct postfix_host *host,
    char **names, size_t count, struct err *err)
{
	struct work work = {.conf = conf, .host = host};
	size_t i;

	if (postfix_member_gather(
		&work.members, conf, host->relay, names, count, err) == 0) {
		work.plan = mem_zalloc(1, sizeof(*work.plan));
		plan_routes(&work);
		for (i = 0; i < work.members.count; i++)
			if (work.members.items[i].is_first)
				postfix_transport_plan(work.plan, host,
				    &work.members, &work.members.items[i]);
		plan_replies(&work);
		plan_milter(&work);
		plan_size(&work);
		note_token_socket(&work);
	}
	postfix_member_clear(&work.members);
	return work.plan;
}
