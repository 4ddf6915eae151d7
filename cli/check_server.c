/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_server - what the mail servers say to the account's token. See
 * check_server.h.
 *
 * Exchange answers 535 5.7.3 to a dozen faults. Which one it is, the token and
 * the configuration know better than the reply.
 */
#include "check_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check_token.h"
#include "clock.h"
#include "diagnose.h"
#include "mailprobe.h"
#include "show.h"

#define SERVER_MS 13000 /* connecting, logging in, looking in */
#define SERVER_MAX 256
#define ADDRESS_MAX 320

/* One login: whose, where, how it went. */
struct login {
	const struct checkup *checkup;
	const struct check_token *token;
	enum mailserver_protocol protocol;
	const char *id;
	char host[SERVER_MAX];
	int port;
	struct mailprobe_result result;
	int smtp_refused; /* the same login was refused before, by SMTP */
};

static void add(const struct login *login, enum findings_verdict verdict,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
add(const struct login *login, enum findings_verdict verdict, const char *fmt,
    ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	findings_add(login->checkup->findings, verdict, login->id,
	    login->checkup->target->name, "%s: %s port %d: %s",
	    mailserver_permission(login->protocol)->protocol, login->host,
	    login->port, text);
}

/* IMAP and POP matter where the token is meant for them. */
static enum findings_verdict
failure(const struct login *login)
{
	if (login->protocol != MAILSERVER_SMTP &&
	    check_token_allows(login->token, login->protocol) != 1)
		return FINDINGS_NOTE;
	return FINDINGS_FAIL;
}

/* --- no connection -------------------------------------------------------- */

static void
tell_connect(const struct login *login)
{
	static const struct {
		const char *code;
		const char *remedy;
	} remedies[] = {
	    {"resolve", "look at hosts in the application for a slip, and at "
			"/etc/resolv.conf"},
	    {"certificate",
		"the token was not sent; if a firewall looks into TLS, exempt "
		"this server from that, or name the certificate of its "
		"authority as ca_file of the application; else look at hosts "
		"for a slip"},
	    {"ca_file", "mend ca_file of the application"},
	    {"starttls",
		"the token was not sent; a firewall or mail gateway in between "
		"hides STARTTLS (\"SMTP inspection\"): exempt this server "
		"from it"},
	    {"tls",
		"the server must speak TLS 1.2 on this port; look at the port, "
		"and for a firewall that looks into TLS"},
	    {"proxy", "look at proxy in the application, and into its log"},
	    {"greeting",
		"the server is out of service just now, or refuses this "
		"host's address; its words say which"},
	};
	const struct err *err = &login->result.err;
	size_t i;

	add(login, failure(login), "%s", err->text);
	for (i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (strcmp(err->code, remedies[i].code) == 0) {
			findings_remedy(
			    login->checkup->findings, "%s", remedies[i].remedy);
			return;
		}
	findings_remedy(login->checkup->findings,
	    "have the firewall let this host connect to %s, TCP port %d; the "
	    "server's addresses change, so allow its name",
	    login->host, login->port);
}

/* --- a refused login ------------------------------------------------------ */

/* What the server's words mean; NULL: they are in no table. */
static const struct finding *
understand(struct diagnosis *diagnosis, const char *reply)
{
	diagnose(diagnosis, reply, strlen(reply));
	return diagnosis->count > 0 ? &diagnosis->findings[0] : NULL;
}

/* The words of a setting say all; 5.7.3 and its like in IMAP and POP nothing.
 */
static int
says_why(const struct finding *found)
{
	return found != NULL && found->words != NULL;
}

static void
advise_app(const struct login *login)
{
	const struct conf_account *account = login->checkup->target->account;
	const char *roles = check_token_fault(login->token, "warn", NULL);

	findings_remedy(login->checkup->findings,
	    "%s%sin Exchange Online PowerShell register the application and "
	    "give it the mailbox: New-ServicePrincipal -AppId %s -ObjectId "
	    "OBJECT-ID (of Enterprise applications, not of App "
	    "registrations); Add-MailboxPermission -Identity \"%s\" -User "
	    "OBJECT-ID -AccessRights FullAccess; and switch Authenticated "
	    "SMTP on for the mailbox. It takes up to an hour to work",
	    roles != NULL ? roles : "", roles != NULL ? "; and " : "",
	    account->application->client_id, login->token->user);
}

/* A remedy that fits the token; the table's own where nothing better is known.
 */
static void
advise(const struct login *login, const struct finding *found)
{
	const char *user = check_token_fault(login->token, "warn", "user");
	const char *remedy = user != NULL ? strstr(user, "; ") : NULL;

	if (says_why(found))
		findings_remedy(
		    login->checkup->findings, "%s", found->advice.remedy);
	else if (user != NULL)
		findings_remedy(login->checkup->findings, "%s%s",
		    remedy != NULL ? "" : user,
		    remedy != NULL ? remedy + 2 : "");
	else if (login->checkup->target->account->grant ==
		 CONF_GRANT_CLIENT_CREDENTIALS)
		advise_app(login);
	else if (found != NULL)
		findings_remedy(
		    login->checkup->findings, "%s", found->advice.remedy);
	else
		findings_remedy(login->checkup->findings,
		    "see that the mailbox %s exists, has a licence, and that "
		    "%s is switched on for it: admin center, Users, the user, "
		    "Mail, Manage email apps",
		    login->token->user,
		    login->protocol == MAILSERVER_SMTP
			? "Authenticated SMTP"
			: mailserver_permission(login->protocol)->protocol);
}

static void
tell_refusal(const struct login *login)
{
	const char *cause = check_token_fault(login->token, "fail", NULL);
	const char *reply = login->result.reply;
	struct diagnosis diagnosis;
	const struct finding *found = understand(&diagnosis, reply);

	if (found != NULL && diagnose_ends(&found->advice)) {
		add(login, FINDINGS_WARN, "the login of %s was put off: %s",
		    login->token->user, reply);
		findings_remedy(login->checkup->findings, "%s; %s",
		    found->advice.meaning, found->advice.remedy);
	} else if (cause != NULL && !says_why(found)) {
		add(login, FINDINGS_WARN,
		    "the login of %s was refused, as was to be expected: %s",
		    login->token->user, reply);
		findings_remedy(login->checkup->findings, "%s", cause);
	} else if (login->smtp_refused) {
		add(login, FINDINGS_WARN,
		    "the login of %s was refused, too: %s", login->token->user,
		    reply);
		findings_remedy(login->checkup->findings,
		    "mend what SMTP was refused for first");
	} else {
		add(login, failure(login), "the login of %s was refused: %s",
		    login->token->user, reply);
		advise(login, found);
	}
}

/* --- all is well, or was until here --------------------------------------- */

static void
tell_sent(struct login *login)
{
	const char *to = login->checkup->request->send_to;

	login->id = "server_send";
	add(login, FINDINGS_OK,
	    "the test message to %s was handed over from here, not through "
	    "this host's mail server: %s",
	    to, login->result.reply);
}

static void
tell_unsent(struct login *login)
{
	struct diagnosis diagnosis;
	const struct finding *found =
	    understand(&diagnosis, login->result.reply);
	int ends = found != NULL && diagnose_ends(&found->advice);

	login->id = "server_send";
	add(login, ends ? FINDINGS_WARN : FINDINGS_FAIL,
	    "the test message to %s was refused: %s",
	    login->checkup->request->send_to, login->result.reply);
	if (found != NULL)
		findings_remedy(login->checkup->findings, "%s; %s",
		    found->advice.meaning, found->advice.remedy);
	else
		findings_remedy(login->checkup->findings,
		    "the server's words are all there is to go by");
}

static void
tell_login(struct login *login)
{
	const struct mailprobe_result *result = &login->result;
	const char *user = login->token->user;

	switch (login->protocol) {
	case MAILSERVER_SMTP:
		if (result->address[0] != '\0')
			add(login, FINDINGS_OK,
			    "%s has logged in; the server sees this host as %s",
			    user, result->address);
		else
			add(login, FINDINGS_OK, "%s has logged in", user);
		break;
	case MAILSERVER_IMAP:
		add(login, FINDINGS_OK,
		    "%s has logged in: %lld folder%s, %lld message%s in INBOX",
		    user, (long long)result->folders,
		    result->folders == 1 ? "" : "s",
		    (long long)result->messages,
		    result->messages == 1 ? "" : "s");
		break;
	case MAILSERVER_POP:
		add(login, FINDINGS_OK, "%s has logged in: %lld message%s",
		    user, (long long)result->messages,
		    result->messages == 1 ? "" : "s");
	}
}

static void
tell(struct login *login)
{
	switch (login->result.stage) {
	case MAILPROBE_CONNECT:
		tell_connect(login);
		break;
	case MAILPROBE_OFFER:
		add(login, failure(login), "the server does not offer XOAUTH2");
		findings_remedy(login->checkup->findings,
		    "look at hosts in the application: this server takes no "
		    "tokens, or a gateway in between hides that it does");
		break;
	case MAILPROBE_LOGIN:
	case MAILPROBE_MAILBOX:
		tell_refusal(login);
		break;
	case MAILPROBE_SENDER:
	case MAILPROBE_RECIPIENT:
	case MAILPROBE_DATA:
		tell_login(login);
		tell_unsent(login);
		break;
	case MAILPROBE_BROKEN:
		add(login, failure(login), "in the middle of it, %s",
		    login->result.err.text);
		findings_remedy(login->checkup->findings,
		    "try again; if it stays so, look for a firewall or proxy "
		    "that ends connections");
		break;
	case MAILPROBE_DONE:
		tell_login(login);
		if (login->protocol == MAILSERVER_SMTP &&
		    login->checkup->request->send_to != NULL)
			tell_sent(login);
	}
}

/* --- which servers -------------------------------------------------------- */

/* A mailbox, in characters that cannot end a command. */
static int
is_address(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p == 0x7f || *p == '<' || *p == '>')
			return 0;
	return strlen(text) < ADDRESS_MAX && strchr(text, '@') != NULL &&
	       strchr(text, '@') != text && p[-1] != '@';
}

static void
run(struct login *login)
{
	const struct checkup *checkup = login->checkup;
	const struct conf_account *account = checkup->target->account;
	const struct mailprobe_message message = {
	    .from = account->name[0] == '@' ? checkup->target->name
					    : account->from_account,
	    .to = checkup->request->send_to,
	    .now_s = clock_wall_s(),
	};
	static const enum mailwire_protocol wires[] = {
	    [MAILSERVER_SMTP] = MAILWIRE_SMTP,
	    [MAILSERVER_IMAP] = MAILWIRE_IMAP,
	    [MAILSERVER_POP] = MAILWIRE_POP,
	};
	const struct mailprobe probe = {
	    .server = {.protocol = wires[login->protocol],
		.host = login->host,
		.port = login->port,
		.proxy = account->application->proxy,
		.ca_file = account->application->ca_file},
	    .user = login->token->user,
	    .token = login->token->token,
	    .message = message.to != NULL && is_address(message.to) &&
			       login->protocol == MAILSERVER_SMTP
			   ? &message
			   : NULL,
	};

	mailprobe_run(&probe, SERVER_MS, &login->result);
	tell(login);
}

/* IMAP and POP are tried where the token may be meant for them. */
static void
look_at(struct login *login)
{
	static const char *const ids[] = {
	    [MAILSERVER_SMTP] = "server_smtp",
	    [MAILSERVER_IMAP] = "server_imap",
	    [MAILSERVER_POP] = "server_pop",
	};
	const struct conf_application *application =
	    login->checkup->target->account->application;
	const char *server = mailserver_of(application, login->protocol);
	const struct mailserver_permission *permission =
	    mailserver_permission(login->protocol);

	login->id = ids[login->protocol];
	if (server == NULL ||
	    mailserver_split(server, login->protocol, login->host,
		sizeof(login->host), &login->port) != 0)
		return;
	if (login->protocol != MAILSERVER_SMTP &&
	    check_token_allows(login->token, login->protocol) == 0)
		findings_add(login->checkup->findings, FINDINGS_NOTE, login->id,
		    login->checkup->target->name,
		    "%s: not tried, for the token does not allow it; sending "
		    "does not need it",
		    permission->protocol);
	else
		run(login);
}

void
check_server(const struct checkup *checkup)
{
	const char *to = checkup->request->send_to;
	struct login login = {.checkup = checkup};
	struct check_token token;
	int i;

	if (to != NULL && !is_address(to)) {
		findings_add(checkup->findings, FINDINGS_FAIL, "server_send",
		    checkup->target->name, "\"%s\" is not an address", to);
		findings_remedy(checkup->findings,
		    "write it like --send somebody@example.com");
		return;
	}
	login.token = &token;
	if (check_token_get(&token, checkup, "server_smtp") == 0 &&
	    token.token != NULL) {
		for (i = 0; i < MAILSERVER_PROTOCOLS; i++) {
			login.protocol = (enum mailserver_protocol)i;
			look_at(&login);
			if (login.result.stage == MAILPROBE_LOGIN && i == 0)
				login.smtp_refused = 1;
		}
	} else if (token.err.kind != ERR_NONE) {
		findings_add(checkup->findings, FINDINGS_NOTE, "server_smtp",
		    checkup->target->name,
		    "not tried, for there is no token to log in with");
	}
	check_token_clear(&token);
}
