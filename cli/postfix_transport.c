/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_transport - the transport of one account. See postfix_transport.h.
 */
#include "postfix_transport.h"

#include <string.h>

#include "buf.h"
#include "mem.h"

#define PORT_TLS 465  /* TLS from the first byte, RFC 8314 */
#define CONCURRENCY 2 /* Exchange takes three sessions; one is for others */
#define RECIPIENTS_DEFAULT 100	/* what every server must take, RFC 5321 */
#define SPREAD_WINDOW_MAX_S 300 /* longer windows are the milter's alone */
#define TEXT_MAX (1024 * 1024)

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

static void
plan_limits(struct postfix_plan *plan, const struct postfix_member *member)
{
	long long delay = rate_delay(member->account);

	postfix_settings_transport(plan, member->transport,
	    "destination_concurrency_limit", mem_printf("%d", CONCURRENCY));
	postfix_settings_transport(plan, member->transport,
	    "destination_recipient_limit",
	    mem_printf("%lld", recipient_limit(member->account)));
	/* The mailboxes of a domain share the transport, not the limit. */
	if (delay > 0 && !member->is_domain)
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
	/* A domain's mailboxes log in as the sender each. */
	set_option(service, "smtp_sender_dependent_authentication",
	    mem_strdup(member->is_domain ? "yes" : "no"));
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

/*
 * The password table says which account to log in as; the password itself is
 * never looked at. "$1" cannot stand in main.cf, so patterns are in a file.
 */
static void
plan_passwords(struct postfix_plan *plan, const struct postfix_host *host,
    const struct postfix_member *member)
{
	struct buf text;

	if (!member->is_domain) {
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
	add_domain_pattern(&text, member->account->name);
	postfix_settings_transport(plan, member->transport, "password_maps",
	    mem_printf("regexp:$config_directory/%s_users", member->transport));
	postfix_settings_file(plan,
	    mem_printf(
		"%s/%s_users", host->config_directory, member->transport),
	    buf_take(&text));
}

void
postfix_transport_plan(struct postfix_plan *plan,
    const struct postfix_host *host, const struct postfix_member *member)
{
	plan_passwords(plan, host, member);
	plan_limits(plan, member);
	plan_service(plan, host, member);
}
