/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_sendmail - sendmail as the mail server. See check_sendmail.h.
 */
#include "check_sendmail.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "milter_kind.h"
#include "postfix_table.h"
#include "sendmail_cf.h"

struct sendmail {
	const struct checkup *checkup;
	const char *path;
	struct sendmail_cf cf;
	int faults;
};

char *
check_sendmail_find(const struct checkup *checkup)
{
	const char *directory = checkup->request->config_directory;
	char *path;

	path = mem_printf(
	    "%s/sendmail.cf", directory != NULL ? directory : "/etc/mail");
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static void
fault(struct sendmail *sendmail, enum findings_verdict verdict, const char *id,
    const char *seen, const char *remedy)
{
	sendmail->faults++;
	findings_add(sendmail->checkup->findings, verdict, id, NULL, "%s: %s",
	    sendmail->path, seen);
	findings_remedy(sendmail->checkup->findings, "%s", remedy);
}

static void
check_login(struct sendmail *sendmail)
{
	const struct sendmail_cf *cf = &sendmail->cf;
	struct stat st;
	char *table;

	if (cf->mechanisms == NULL ||
	    (!postfix_table_has(cf->mechanisms, "XOAUTH2") &&
		!postfix_table_has(cf->mechanisms, "OAUTHBEARER")))
		fault(sendmail, FINDINGS_FAIL, "sasl_mechanism",
		    "AuthMechanisms has no XOAUTH2, so it does not log in with "
		    "a token",
		    "define(`confAUTH_MECHANISMS', `XOAUTH2')dnl in "
		    "sendmail.mc, and make it anew");
	if (cf->authinfo == NULL) {
		fault(sendmail, FINDINGS_FAIL, "password_table",
		    "there is no authinfo, so it does not know as whom to log "
		    "in",
		    "FEATURE(`authinfo')dnl in sendmail.mc, and in "
		    "/etc/mail/authinfo: AuthInfo:SERVER \"U:ACCOUNT\" \"P:-\" "
		    "\"M:XOAUTH2\"");
		return;
	}
	table = mem_printf("%s.db", cf->authinfo);
	if (stat(table, &st) != 0)
		fault(sendmail, FINDINGS_FAIL, "password_table",
		    "the table that authinfo names has not been made",
		    "makemap hash /etc/mail/authinfo < /etc/mail/authinfo, or "
		    "make -C /etc/mail");
	free(table);
}

/* Ours, by its socket. */
static int
is_ours(const struct sendmail *sendmail, const struct sendmail_filter *filter)
{
	const char *listen = sendmail->checkup->conf->milter.listen;
	const char *path = strchr(listen, ':');
	const char *theirs =
	    filter->socket != NULL ? strchr(filter->socket, ':') : NULL;

	if (path == NULL || theirs == NULL)
		return 0;
	return strcmp(path, theirs) == 0;
}

static void
check_action(struct sendmail *sendmail, const struct sendmail_filter *filter)
{
	if (filter->action == 'T')
		return;
	fault(sendmail, FINDINGS_FAIL, "milter_action",
	    filter->action == 'R'
		? "while the milter is away, mail is refused for good"
		: "while the milter is away, mail leaves past it, with senders "
		  "that Exchange refuses",
	    "write F=T into its INPUT_MAIL_FILTER in sendmail.mc: mail waits");
}

static void
check_filters(struct sendmail *sendmail)
{
	const char *list = sendmail->cf.filters;
	const struct sendmail_filter *filter, *ours = NULL;
	int behind = 0;
	char *name;

	while (ours == NULL && list != NULL &&
	       (name = postfix_table_item(&list)) != NULL) {
		filter = sendmail_cf_filter(&sendmail->cf, name);
		if (filter != NULL && is_ours(sendmail, filter))
			ours = filter;
		else if (filter != NULL)
			behind |= milter_kind_signs(filter->name) ||
				  milter_kind_signs(filter->socket);
		free(name);
	}
	if (ours == NULL) {
		fault(sendmail, FINDINGS_FAIL, "milter_smtpd",
		    "the milter is not among its mail filters, so mail keeps "
		    "its sender and is not counted",
		    "INPUT_MAIL_FILTER(`postoak', `S=SOCKET, F=T')dnl in "
		    "sendmail.mc, with listen of section milter as the socket");
		return;
	}
	if (behind)
		fault(sendmail, FINDINGS_FAIL, "milter_order",
		    "a DKIM signer comes before the milter, which then changes "
		    "what was signed",
		    "put its INPUT_MAIL_FILTER before the signer's in "
		    "sendmail.mc");
	check_action(sendmail, ours);
}

void
check_sendmail(const struct checkup *checkup, const char *path)
{
	struct sendmail sendmail = {.checkup = checkup, .path = path};
	struct err err;

	err_clear(&err);
	if (sendmail_cf_read(&sendmail.cf, path, &err) != 0) {
		findings_add(checkup->findings, FINDINGS_NOTE, "sendmail", NULL,
		    "%s", err.text);
		sendmail_cf_clear(&sendmail.cf);
		return;
	}
	if (sendmail_cf_cuts(&sendmail.cf))
		fault(&sendmail, FINDINGS_WARN, "sendmail_version",
		    "before 8.18.2 sendmail cuts a token of more than about "
		    "1,500 bytes, as Microsoft's often are; the plugin then "
		    "refuses, and mail waits",
		    "use sendmail 8.18.2 or newer, or Postfix");
	if (*sendmail.cf.smart_host == '\0')
		fault(&sendmail, FINDINGS_FAIL, "no_relay",
		    "there is no smart host: mail goes straight to the "
		    "recipients' own servers",
		    "define(`SMART_HOST', `relay:[smtp.office365.com]')dnl and "
		    "define(`RELAY_MAILER_ARGS', `TCP $h 587')dnl in "
		    "sendmail.mc");
	check_login(&sendmail);
	check_filters(&sendmail);
	if (sendmail.faults == 0)
		findings_add(checkup->findings, FINDINGS_OK, "sendmail", NULL,
		    "sendmail %s relays to %s with a token, and shows mail to "
		    "the milter",
		    sendmail.cf.version != NULL ? sendmail.cf.version : "",
		    sendmail.cf.smart_host);
	sendmail_cf_clear(&sendmail.cf);
}
