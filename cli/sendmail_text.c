/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendmail_text - lines for sendmail. See sendmail_text.h.
 */
#include "sendmail_text.h"

#include <string.h>

#include "postfix_member.h"

#define PORT_TLS 465 /* TLS from the first byte, RFC 8314 */

static int
check(const struct postfix_members *members, struct err *err)
{
	const struct postfix_member *member = &members->items[0];

	if (members->count > 1)
		return err_set(err, ERR_CONFIG, "count",
		    "sendmail logs in to a server as one user, and these are "
		    "%zu accounts; name one: postoak mta sendmail %s",
		    members->count, member->account->name);
	if (member->is_domain)
		return err_set(err, ERR_CONFIG, "account",
		    "account %s: sendmail logs in to a server as one user; "
		    "name an account of one mailbox, or use Postfix",
		    member->account->name);
	if (member->port == PORT_TLS)
		return err_set(err, ERR_CONFIG, "relay",
		    "sendmail begins TLS with STARTTLS; give --relay HOST:587");
	return 0;
}

/* The name in "[smtp.office365.com]:587". */
static int
host_length(const struct postfix_member *member)
{
	return (int)strcspn(member->nexthop + 1, "]");
}

static void
put_relay(struct buf *out, const struct postfix_member *member)
{
	buf_addf(out,
	    "dnl All mail that leaves goes through the account.\n"
	    "define(`SMART_HOST', `relay:[%.*s]')dnl\n"
	    "define(`RELAY_MAILER_ARGS', `TCP $h %d')dnl\n",
	    host_length(member), member->nexthop + 1, member->port);
	if (member->account->max_message_size > 0)
		buf_addf(out, "define(`confMAX_MESSAGE_SIZE', `%lld')dnl\n",
		    (long long)member->account->max_message_size);
	if (member->account->max_recipients > 1)
		buf_addf(out,
		    "define(`confMAX_RCPTS_PER_MESSAGE', `%lld')dnl\n",
		    (long long)member->account->max_recipients);
}

static const char *
mechanisms(const struct postfix_member *member)
{
	return strcmp(member->account->application->provider, "custom") == 0
		   ? "XOAUTH2 OAUTHBEARER"
		   : "XOAUTH2";
}

static void
put_login(struct buf *out, const struct sendmail_host *host,
    const struct postfix_member *member)
{
	const char *ca_file = member->account->application->ca_file;
	const char *slash;

	if (ca_file == NULL)
		ca_file = host->ca_file;
	slash = strrchr(ca_file, '/');
	buf_addf(out,
	    "dnl Whom to log in as; if clients log in here, add their "
	    "mechanisms.\n"
	    "define(`confAUTH_MECHANISMS', `%s')dnl\n"
	    "FEATURE(`authinfo', `hash %s/authinfo')dnl\n"
	    "dnl Which certificates the server's is checked with.\n"
	    "define(`confCACERT', `%s')dnl\n"
	    "define(`confCACERT_PATH', `%.*s')dnl\n"
	    "dnl Where it is to be checked: leave this out if access_db is "
	    "there already.\n"
	    "FEATURE(`access_db', `hash -T<TMPF> %s/access')dnl\n",
	    mechanisms(member), host->config_directory, ca_file,
	    slash > ca_file ? (int)(slash - ca_file) : 1, ca_file,
	    host->config_directory);
}

/* T: mail waits while the milter is away, as with Postfix. */
static void
put_milter(struct buf *out, const struct conf *conf)
{
	const char *listen = conf->milter.listen;

	buf_addf(out,
	    "dnl Before the filter of a DKIM signer.\n"
	    "INPUT_MAIL_FILTER(`postoak', `S=%s%s, F=T, "
	    "T=S:30s;R:2m;E:5m')dnl\n",
	    strchr(listen, ':') == NULL ? "unix:" : "", listen);
	if (strstr(listen, "/var/spool/postfix/") != NULL)
		buf_adds(out,
		    "dnl That is in the directory of Postfix, where sendmail "
		    "may not want to look:\n"
		    "dnl set listen = \"unix:/run/postoak-milter/milter.sock\" "
		    "in section milter.\n");
}

/* sendmail keeps nothing of its own environment. */
static void
put_environment(struct buf *out, const struct conf *conf)
{
	static const char path[] = POSTOAK_RUNSTATEDIR "/postoak/tokend.sock";
	const struct conf_list *listen = &conf->tokend.listen;
	size_t i;

	buf_adds(out, "LOCAL_CONFIG\n"
		      "# From 8.18.2 on, without the first character:\n"
		      "#EPOSTOAK_LONG_LINES=1\n");
	for (i = 0; i < listen->count; i++)
		if (strcmp(listen->items[i], path) == 0)
			return;
	if (listen->count > 0)
		buf_addf(out, "EPOSTOAK_SOCKET=%s\n", listen->items[0]);
}

static void
put_caveats(struct buf *out)
{
	buf_adds(out,
	    "# Look at this:\n"
	    "# sendmail before 8.18.2 cuts the line with the token at 2,047 "
	    "bytes, and most of\n"
	    "# Microsoft's are longer. The plugin then sends nothing, says so "
	    "in the log, and\n"
	    "# the mail waits. \"sendmail -d0.1 -bv root\" shows the version.\n"
	    "#\n"
	    "# When the server refuses the login, sendmail goes on without "
	    "one and the mail\n"
	    "# bounces; so it does with a used-up quota, since there is no "
	    "reply filter as in\n"
	    "# Postfix. Set limits and on_limit = { \"hold\", \"tempfail\" } "
	    "for the account.\n"
	    "#\n"
	    "# sendmail's own bounces pass no filter: to other hosts they go "
	    "with the empty\n"
	    "# sender, which Exchange refuses.\n\n");
}

static void
put_tables(struct buf *out, const struct sendmail_host *host,
    const struct postfix_member *member)
{
	const char *dir = host->config_directory;
	const char *name = member->account->name;
	int len = host_length(member);
	const char *server = member->nexthop + 1;

	buf_addf(out,
	    "\n# --- %s/authinfo, mode 600; the password is never looked at\n\n"
	    "AuthInfo:%.*s \"U:%s\" \"I:%s\" \"P:-\" \"M:%s\"\n",
	    dir, len, server, name, name, mechanisms(member));
	buf_addf(out,
	    "\n# --- %s/access: no token to a server whose certificate does "
	    "not match\n\nTLS_Srv:%.*s VERIFY\n",
	    dir, len, server);
	buf_addf(out,
	    "\n# --- then\n\n"
	    "chmod 600 %s/authinfo\n"
	    "makemap hash %s/authinfo <%s/authinfo\n"
	    "makemap hash %s/access <%s/access\n"
	    "m4 %s/sendmail.mc >%s/sendmail.cf\n"
	    "# On Debian \"make -C /etc/mail\" does the last three; then "
	    "restart sendmail.\n",
	    dir, dir, dir, dir, dir, dir, dir);
}

int
sendmail_text(struct buf *out, const struct conf *conf,
    const struct sendmail_host *host, char **names, size_t count,
    struct err *err)
{
	struct postfix_members members;
	const struct postfix_member *member;
	int rc = postfix_member_gather(
	    &members, conf, host->relay, names, count, err);

	if (rc == 0)
		rc = check(&members, err);
	if (rc == 0) {
		member = &members.items[0];
		put_caveats(out);
		buf_addf(out,
		    "# --- %s/sendmail.mc, above the first line with "
		    "MAILER\n\n",
		    host->config_directory);
		put_relay(out, member);
		put_login(out, host, member);
		put_milter(out, conf);
		buf_addf(out, "\n# --- %s/sendmail.mc, at the end\n\n",
		    host->config_directory);
		put_environment(out, conf);
		put_tables(out, host, member);
	}
	postfix_member_clear(&members);
	return rc;
}
