/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_transport - the transport that an account's mail takes. See
 * check_transport.h.
 */
#include "check_transport.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ca_bundle.h"
#include "mem.h"
#include "postfix_table.h"

#define SESSIONS_MAX 3 /* Exchange Online's, for a mailbox */

struct transport {
	const struct checkup *checkup;
	const struct check_postfix *postfix;
	const struct check_postfix_way *way;
	const struct checkup_target *target;
	const struct postfix_look_service *service;
	int faults;
};

/* --- what is right -------------------------------------------------------- */

static int
is_equal(const char *value, const char *planned)
{
	return strcasecmp(value, planned) == 0;
}

/* The server's certificate is matched, whatever else. */
static int
is_verified(const char *value, const char *planned)
{
	static const char *const levels[] = {
	    "secure", "verify", "fingerprint", "dane-only"};
	size_t i;

	(void)planned;
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(value, levels[i]) == 0)
			return 1;
	return 0;
}

static int
has_mechanism(const char *value, const char *planned)
{
	(void)planned;
	return *value == '\0' || postfix_table_has(value, "xoauth2") ||
	       postfix_table_has(value, "oauthbearer");
}

static int
is_narrow(const char *value, const char *planned)
{
	(void)planned;
	return *value != '\0';
}

static int
allows_plaintext(const char *value, const char *planned)
{
	(void)planned;
	return !postfix_table_has(value, "noplaintext");
}

static int
forbids_plaintext(const char *value, const char *planned)
{
	(void)planned;
	return postfix_table_has(value, "noplaintext");
}

static int
is_few(const char *value, const char *planned)
{
	long long sessions = atoll(value);

	(void)planned;
	return sessions > 0 && sessions <= SESSIONS_MAX;
}

static int
is_at_most(const char *value, const char *planned)
{
	return atoll(value) > 0 && atoll(value) <= atoll(planned);
}

/* If the sender decides, whom it logs in as shows whether it decides well. */
static int
is_as_planned_or_yes(const char *value, const char *planned)
{
	return is_equal(value, planned) || is_equal(value, "yes");
}

/* Those that the plan does not set are not looked at. */
static const struct rule {
	const char *name; /* "*" stands for the transport's name */
	const char *id;
	enum findings_verdict verdict;
	int (*is_good)(const char *value, const char *planned);
	const char *why;
	const char *remedy; /* NULL: the command that sets what is planned */
} rules[] = {
    {"smtp_sasl_auth_enable", "sasl_auth", FINDINGS_FAIL, is_equal,
	"it does not log in, and the server takes no mail from strangers",
	NULL},
    {"smtp_sasl_type", "sasl_type", FINDINGS_FAIL, is_equal,
	"the plugin that brings the token is one of Cyrus SASL", NULL},
    {"smtp_sasl_mechanism_filter", "sasl_mechanism", FINDINGS_FAIL,
	has_mechanism, "the mechanism XOAUTH2 is left out", NULL},
    {"smtp_sasl_mechanism_filter", "sasl_mechanism", FINDINGS_WARN, is_narrow,
	"it may log in with PLAIN or LOGIN and no password, where the server "
	"offers those",
	NULL},
    {"smtp_sasl_tls_verified_security_options", "sasl_options", FINDINGS_FAIL,
	allows_plaintext,
	"that leaves no mechanism over, for a token is plain text inside of "
	"TLS",
	NULL},
    {"smtp_sasl_tls_security_options", "sasl_options_tls", FINDINGS_WARN,
	forbids_plaintext,
	"a token may go to a server whose certificate was not matched, once "
	"the TLS level lets it",
	NULL},
    {"smtp_sasl_security_options", "sasl_options_plain", FINDINGS_WARN,
	forbids_plaintext,
	"a token may go over a connection without TLS, once the TLS level "
	"lets it",
	NULL},
    {"smtp_tls_wrappermode", "tls_wrapper", FINDINGS_FAIL, is_equal,
	"port 465 wants TLS from the first byte, and no other port does", NULL},
    {"smtp_sasl_auth_soft_bounce", "soft_bounce", FINDINGS_FAIL, is_equal,
	"a login that is refused once returns mail to its sender, instead of "
	"waiting for the next token",
	NULL},
    {"smtp_sasl_auth_cache_name", "auth_cache", FINDINGS_WARN, is_equal,
	"Postfix remembers a refused login by the password in its table, "
	"which never changes, and does not try the next token",
	NULL},
    {"smtp_sender_dependent_authentication", "sender_login", FINDINGS_FAIL,
	is_as_planned_or_yes,
	"the sender does not decide who logs in, and each mailbox of this "
	"account has a login of its own",
	NULL},
    {"*_destination_concurrency_limit", "concurrency", FINDINGS_WARN, is_few,
	"Exchange takes three sessions of a mailbox and defers the mail of "
	"more",
	NULL},
    {"*_destination_recipient_limit", "recipients", FINDINGS_WARN, is_at_most,
	"the server takes fewer recipients in one message", NULL},
    {"smtp_reply_filter", "reply_filter", FINDINGS_WARN, is_narrow,
	"a reply that means \"not now\" but has a permanent code returns mail "
	"to its sender",
	"postoak mta postfix prints the table of such replies, and the line "
	"that names it"},
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

/* --- comparing ------------------------------------------------------------ */

static void
add(struct transport *transport, enum findings_verdict verdict, const char *id,
    const char *name, const char *value, const char *why)
{
	transport->faults++;
	findings_add(transport->checkup->findings, verdict, id,
	    transport->way->name, "transport %s has %s = %s: %s",
	    transport->service->name, name,
	    *value != '\0' ? value : "(nothing)", why);
}

/* The command that mends it. A transport's limits are in main.cf. */
static void
remedy(struct transport *transport, const char *name, const char *value,
    int in_main)
{
	char *command = check_postfix_command(transport->postfix,
	    in_main ? NULL : transport->service, name, value);

	findings_remedy(transport->checkup->findings,
	    "%s && postfix%s%s reload", command,
	    transport->postfix->directory != NULL ? " -c " : "",
	    transport->postfix->directory != NULL
		? transport->postfix->directory
		: "");
	free(command);
}

/* With many accounts those of an application share a transport, whose sessions
 * are of all mailboxes together: see postfix_transport. The planned one is for
 * this account alone. */
static int
is_shared(const struct transport *transport)
{
	return transport->target->account->name[0] != '@' &&
	       strcmp(postfix_look_option(transport->postfix->look,
			  transport->service,
			  "smtp_sender_dependent_authentication"),
		   "yes") == 0;
}

static void
check_rule(struct transport *transport, const struct rule *rule)
{
	const struct postfix_plan *plan = transport->way->plan;
	const struct postfix_look *look = transport->postfix->look;
	int in_main = rule->name[0] == '*';
	char *name, *planned_name;
	const char *value, *planned;

	name = mem_printf("%s%s", in_main ? transport->service->name : "",
	    rule->name + in_main);
	planned_name = mem_printf("%s%s", in_main ? plan->services[0].name : "",
	    rule->name + in_main);
	planned = postfix_settings_find(
	    in_main ? &plan->main : &plan->services[0].options, planned_name);
	value = in_main ? postfix_look_main(look, name)
			: postfix_look_option(look, transport->service, name);
	if (planned != NULL && !rule->is_good(value, planned)) {
		add(transport, rule->verdict, rule->id, name, value, rule->why);
		if (rule->remedy != NULL)
			findings_remedy(
			    transport->checkup->findings, "%s", rule->remedy);
		else
			remedy(transport, name, planned, in_main);
	}
	free(name);
	free(planned_name);
}

/* --- TLS ------------------------------------------------------------------ */

/* A policy table's entry for this server counts instead of the level. */
static void
check_level(struct transport *transport)
{
	static const char level_name[] = "smtp_tls_security_level";
	static const char policy_name[] = "smtp_tls_policy_maps";
	const struct postfix_look *look = transport->postfix->look;
	const char *policies =
	    postfix_look_option(look, transport->service, policy_name);
	const char *level =
	    postfix_look_option(look, transport->service, level_name);
	struct err err;
	char *policy;
	int rc;

	rc = postfix_table_ask(transport->postfix->directory, policies,
	    transport->way->way.nexthop, &policy, &err);
	if (rc == 1)
		policy[strcspn(policy, " \t")] = '\0';
	if (rc < 0) {
		add(transport, FINDINGS_FAIL, "tls_policy", policy_name,
		    policies, err.text);
		remedy(transport, policy_name, "", 0);
	} else if (rc == 1 && !is_verified(policy, NULL)) {
		add(transport, FINDINGS_FAIL, "tls_policy", policy_name,
		    policies,
		    "its entry for this server does not have the certificate "
		    "matched, and a token must not go to anybody else");
		remedy(transport, policy_name, "", 0);
	} else if (rc == 0 && !is_verified(level, NULL)) {
		add(transport, FINDINGS_FAIL, "tls_level", level_name, level,
		    "the server's certificate is not matched, and a token "
		    "must not go to anybody else");
		remedy(transport, level_name, "secure", 0);
	}
	free(policy);
}

/* By what the server's certificate is matched. */
static void
check_ca(struct transport *transport)
{
	static const char file_name[] = "smtp_tls_CAfile";
	const struct postfix_look *look = transport->postfix->look;
	const char *own = transport->target->account->application->ca_file;
	const char *file =
	    postfix_look_option(look, transport->service, file_name);
	const char *path =
	    postfix_look_option(look, transport->service, "smtp_tls_CApath");
	const char *fallback = postfix_look_option(
	    look, transport->service, "tls_append_default_CA");
	const char *planned = own != NULL ? own : ca_bundle_find();

	if (*file != '\0' && access(file, R_OK) != 0 && access(file, F_OK) != 0)
		add(transport, FINDINGS_FAIL, "tls_ca", file_name, file,
		    "there is no such file, so no certificate can be matched");
	else if (*file == '\0' && *path == '\0' && strcmp(fallback, "no") == 0)
		add(transport, FINDINGS_FAIL, "tls_ca", file_name, file,
		    "it knows no certificate authority, so no certificate can "
		    "be matched");
	else if (own != NULL && strcmp(file, own) != 0)
		add(transport, FINDINGS_FAIL, "tls_ca", file_name, file,
		    "the configuration has this server's authorities in "
		    "another file, ca_file of its application");
	else
		return;
	remedy(transport, file_name, planned, 0);
}

/* --- who logs in ---------------------------------------------------------- */

/* As smtp(8) looks: the sender if it decides, the host, the next hop. */
static int
find_login(const struct transport *transport, char **login, struct err *err)
{
	const struct postfix_look *look = transport->postfix->look;
	const char *directory = transport->postfix->directory;
	const char *tables = postfix_look_option(
	    look, transport->service, "smtp_sasl_password_maps");
	const char *by_sender = postfix_look_option(
	    look, transport->service, "smtp_sender_dependent_authentication");
	char *host = postfix_way_host(&transport->way->way);
	int rc = 0;

	*login = NULL;
	if (strcmp(by_sender, "yes") == 0)
		rc = postfix_table_ask_address(
		    directory, tables, transport->way->sender, login, err);
	if (rc == 0)
		rc = postfix_table_ask(directory, tables, host, login, err);
	if (rc == 0)
		rc = postfix_table_ask(
		    directory, tables, transport->way->way.nexthop, login, err);
	free(host);
	return rc;
}

static void
check_login(struct transport *transport)
{
	struct findings *findings = transport->checkup->findings;
	const struct check_postfix_way *way = transport->way;
	struct err err;
	char *login;
	int rc = find_login(transport, &login, &err);

	if (rc == 1)
		login[strcspn(login, ":")] = '\0';
	if (rc == 1 && strcasecmp(login, way->mailbox) == 0) {
		free(login);
		return;
	}
	transport->faults++;
	if (rc < 0)
		findings_add(findings, FINDINGS_FAIL, "password_table",
		    way->name,
		    "transport %s cannot read its password table: %s",
		    transport->service->name, err.text);
	else if (rc == 0)
		findings_add(findings, FINDINGS_FAIL, "password_table",
		    way->name,
		    "the password table of transport %s has no entry for %s, "
		    "so "
		    "it does not log in",
		    transport->service->name, way->way.nexthop);
	else
		findings_add(findings, FINDINGS_FAIL, "password_table",
		    way->name,
		    "by the password table of transport %s it logs in to %s as "
		    "\"%s\", which is not this account",
		    transport->service->name, way->way.nexthop, login);
	findings_remedy(findings,
	    "put \"%s %s:-\" into the table that smtp_sasl_password_maps of "
	    "this transport names (the password is never looked at), run "
	    "postmap on it if it is a hash, and postfix reload",
	    way->way.nexthop, way->mailbox);
	free(login);
}

/* tokend gives a token for the application's own servers only. */
static void
check_host(struct transport *transport)
{
	const struct conf_list *hosts =
	    &transport->target->account->application->hosts;
	char *host = postfix_way_host(&transport->way->way);
	size_t i = 0;

	while (i < hosts->count && strcasecmp(hosts->items[i], host) != 0)
		i++;
	if (i == hosts->count) {
		transport->faults++;
		findings_add(transport->checkup->findings, FINDINGS_FAIL,
		    "relay_host", transport->way->name,
		    "its mail goes to %s, which is not among the hosts of "
		    "application %s: tokend gives no token for that server",
		    host, transport->target->account->application->name);
		findings_remedy(transport->checkup->findings,
		    "correct %s in main.cf, or add the server to hosts of the "
		    "application if it is the provider's",
		    transport->way->way.by);
	}
	free(host);
}

void
check_transport(const struct checkup *checkup,
    const struct check_postfix *postfix, const struct check_postfix_way *way,
    const struct checkup_target *target)
{
	struct transport transport = {.checkup = checkup,
	    .postfix = postfix,
	    .way = way,
	    .target = target,
	    .service = way->way.service};
	size_t i;

	check_host(&transport);
	for (i = 0; i < N_RULES; i++)
		if (rules[i].is_good != is_few || !is_shared(&transport))
			check_rule(&transport, &rules[i]);
	check_level(&transport);
	check_ca(&transport);
	check_login(&transport);
	if (transport.faults == 0)
		findings_add(checkup->findings, FINDINGS_OK, "transport",
		    way->name,
		    "goes by transport %s to %s (%s) and logs in as itself; "
		    "its token goes to a verified server only",
		    transport.service->name, way->way.nexthop, way->way.by);
}
