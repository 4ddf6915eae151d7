/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_transport - the transport of one account. See postfix_transport.h.
 */
#include "postfix_transport.h"

#include <string.h>

#include "buf.h"
#include "mem.h"
#include "postfix_senders.h"

#define PORT_TLS 465  /* TLS from the first byte, RFC 8314 */
#define CONCURRENCY 2 /* Exchange takes three sessions; one is for others */
#define RECIPIENTS_DEFAULT 100	/* what every server must take, RFC 5321 */
#define SPREAD_WINDOW_MAX_S 300 /* longer windows are the milter's alone */
#define CONCURRENCY_SHARED 20	/* of all accounts together: Postfix's own */
#define TEXT_MAX (64 * 1024 * 1024)

/*
 * Seconds between two messages that keep inside the account's short limits,
 * 0 if Postfix's whole seconds are too coarse to help.
 */
static long long
rate_delay(const struct conf_account *account)
{
	const struct conf_limit *limit;
	long long delay, most = 0;
	size_t i;

	for (i = 0; i < account->limit_count; i++) {
		limit = &account->limits[i];
		if (limit->scope != CONF_SCOPE_ACCOUNT ||
		    limit->unit != CONF_UNIT_MESSAGES || limit->max <= 0 ||
		    limit->window_s > SPREAD_WINDOW_MAX_S ||
		    limit->max > limit->window_s)
			continue;
		delay = (limit->window_s + limit->max - 1) / limit->max;
		if (delay > most)
			most = delay;
	}
	return most;
}

/* One message stays one message: no envelope the milter let pass is split. */
static long long
recipient_limit(const struct conf_account *account)
{
	return account->max_recipients > 1 ? account->max_recipients
					   : RECIPIENTS_DEFAULT;
}

/* Of accounts that share a transport the smallest. */
static long long
recipients(
    const struct postfix_members *members, const struct postfix_member *member)
{
	long long limit, least = recipient_limit(member->account);
	size_t i;

	for (i = 0; member->is_shared && i < members->count; i++) {
		limit = recipient_limit(members->items[i].account);
		if (limit < least &&
		    strcmp(members->items[i].transport, member->transport) == 0)
			least = limit;
	}
	return least;
}

static void
plan_limits(struct postfix_plan *plan, const struct postfix_members *members,
    const struct postfix_member *member)
{
	long long delay = rate_delay(member->account);

	postfix_settings_transport(plan, member->transport,
	    "destination_concurrency_limit",
	    mem_printf(
		"%d", member->is_shared ? CONCURRENCY_SHARED : CONCURRENCY));
	postfix_settings_transport(plan, member->transport,
	    "destination_recipient_limit",
	    mem_printf("%lld", recipients(members, member)));
	/* Mailboxes share the transport, not the limit. */
	if (delay > 0 && !member->is_domain && !member->is_shared)
		postfix_settings_transport(plan, member->transport,
		    "destination_rate_delay", mem_printf("%llds", delay));
}

static void
set_option(struct postfix_service *service, const char *name, char *value)
{
	postfix_settings_add(&service->options, NULL, name, value);
}

/* Exchange and Gmail take XOAUTH2; only others may know the newer one. */
static const char *
mechanisms(const struct conf_application *application)
{
	return strcmp(application->provider, "custom") == 0
		   ? "xoauth2,oauthbearer"
		   : "xoauth2";
}

/*
 * Without TLS and with a server that is not verified, "noplaintext" leaves no
 * mechanism over: a token goes to a server whose certificate matched, or the
 * mail waits. A policy map could weaken that and is switched off.
 */
static void
plan_tls(const struct postfix_host *host, const struct postfix_member *member,
    struct postfix_service *service)
{
	const char *ca_file = member->account->application->ca_file;

	set_option(service, "smtp_tls_security_level", mem_strdup("secure"));
	set_option(service, "smtp_tls_policy_maps", mem_strdup(""));
	set_option(service, "smtp_tls_wrappermode",
	    mem_strdup(member->port == PORT_TLS ? "yes" : "no"));
	set_option(service, "smtp_tls_CAfile",
	    mem_strdup(ca_file != NULL ? ca_file : host->ca_file));
	set_option(service, "smtp_tls_loglevel", mem_strdup("1"));
}

static void
plan_sasl(const struct postfix_member *member, struct postfix_service *service)
{
	set_option(service, "smtp_sasl_auth_enable", mem_strdup("yes"));
	set_option(service, "smtp_sasl_type", mem_strdup("cyrus"));
	set_option(service, "smtp_sasl_password_maps",
	    mem_printf("$%s_password_maps", member->transport));
	set_option(service, "smtp_sasl_mechanism_filter",
	    mem_strdup(mechanisms(member->account->application)));
	/* A login refused once may be good with the next token: the password in
	 * the table, by which Postfix would remember it, does not change. */
	set_option(service, "smtp_sasl_auth_cache_name", mem_strdup(""));
	set_option(service, "smtp_sasl_auth_soft_bounce", mem_strdup("yes"));
	set_option(service, "smtp_sasl_security_options",
	    mem_strdup("noplaintext,noanonymous"));
	set_option(service, "smtp_sasl_tls_security_options",
	    mem_strdup("noplaintext,noanonymous"));
	set_option(service, "smtp_sasl_tls_verified_security_options",
	    mem_strdup("noanonymous"));
	/* Mailboxes that share the transport log in each as itself. */
	set_option(service, "smtp_sender_dependent_authentication",
	    mem_strdup(member->is_domain || member->is_shared ? "yes" : "no"));
}

static void
plan_service(struct postfix_plan *plan, const struct postfix_host *host,
    const struct postfix_member *member)
{
	struct postfix_service *service =
	    postfix_settings_service(plan, member->transport, host->chroot);

	set_option(service, "syslog_name",
	    mem_printf("postfix/%s", member->transport));
	plan_sasl(member, service);
	plan_tls(host, member, service);
	set_option(service, "smtp_reply_filter",
	    mem_strdup("regexp:$config_directory/" POSTFIX_TRANSPORT_REPLIES));
}

/* A regular expression for one domain's addresses, dots taken literally. */
static void
add_domain_pattern(struct buf *text, const char *domain)
{
	const char *p;

	buf_adds(text, "/^([^@]+");
	for (p = domain; *p != '\0'; p++)
		buf_addf(text, "%s%c", *p == '.' ? "\\" : "", *p);
	buf_adds(text, ")$/ ${1}:-\n");
}

static void
add_user(void *arg, const char *address, const struct postfix_member *member)
{
	buf_addf(arg, "%s\t%s:-\n", address, member->account->name);
}

/* Put the table of a transport into a file, and have it used. */
static void
plan_table(struct postfix_plan *plan, const struct postfix_host *host,
    const struct postfix_member *member, const char *type, char *text)
{
	struct postfix_file *file;

	postfix_settings_transport(plan, member->transport, "password_maps",
	    mem_printf(
		"%s:$config_directory/%s_users", type, member->transport));
	file = postfix_settings_file(plan,
	    mem_printf(
		"%s/%s_users", host->config_directory, member->transport),
	    text);
	file->is_private = 1;
	file->is_indexed = member->is_shared;
}

/*
 * The password table says which account to log in as; the password itself is
 * never looked at. "$1" cannot stand in main.cf, so patterns are in a file.
 */
static void
plan_passwords(struct postfix_plan *plan, const struct postfix_host *host,
    const struct postfix_members *members, const struct postfix_member *member)
{
	struct buf text;

	if (!member->is_domain && !member->is_shared) {
		postfix_settings_transport(plan, member->transport,
		    "password_maps",
		    mem_printf("inline:{ { %s = %s:- } }", member->nexthop,
			member->account->name));
		return;
	}
	buf_init(&text, TEXT_MAX);
	buf_addf(&text,
	    "# %s: each mailbox logs in as itself; made by postoak\n",
	    member->transport);
	if (member->is_domain) {
		add_domain_pattern(&text, member->account->name);
		plan_table(plan, host, member, "regexp", buf_take(&text));
	} else {
		postfix_senders_each(
		    members, member->transport, add_user, &text);
		plan_table(plan, host, member, "$default_database_type",
		    buf_take(&text));
	}
}

void
postfix_transport_plan(struct postfix_plan *plan,
    const struct postfix_host *host, const struct postfix_members *members,
    const struct postfix_member *member)
{
	plan_passwords(plan, host, members, member);
	plan_limits(plan, members, member);
	plan_service(plan, host, member);
}
