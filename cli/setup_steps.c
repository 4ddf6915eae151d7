/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_steps - see setup_steps.h.
 */
#include "setup_steps.h"

#include <string.h>
#include <strings.h>

#include "show.h"

#define OBJECT_ID_PLACE "OBJECT-ID"

/* The list while it is made. */
struct steps {
	struct buf *out;
	const struct setup_draft *draft;
	int number;
	int shell_is_open; /* Connect-ExchangeOnline was said */
};

/* A step in words; a line for a shell or a browser below it is not wrapped. */
static void
step(struct steps *steps, const char *text)
{
	buf_addf(steps->out, "%3d. ", ++steps->number);
	show_wrapped(steps->out, text, 5);
}

#define LINE(steps, ...) buf_addf((steps)->out, "       " __VA_ARGS__)

static int
is_app_only(const struct setup_draft *draft)
{
	return draft->grant == CONF_GRANT_CLIENT_CREDENTIALS;
}

static const char *
portal(const struct setup_draft *draft)
{
	if (strcmp(draft->provider, "office365-china") == 0)
		return "https://portal.azure.cn";
	if (strcmp(draft->provider, "office365-gcc-high") == 0 ||
	    strcmp(draft->provider, "office365-dod") == 0)
		return "https://portal.azure.us";
	return "https://entra.microsoft.com";
}

static const char *
login_host(const struct setup_draft *draft)
{
	if (strcmp(draft->provider, "office365-china") == 0)
		return "https://login.partner.microsoftonline.cn";
	if (strcmp(draft->provider, "office365-gcc-high") == 0 ||
	    strcmp(draft->provider, "office365-dod") == 0)
		return "https://login.microsoftonline.us";
	return "https://login.microsoftonline.com";
}

static int
is_hve(const struct setup_draft *draft)
{
	return strcmp(draft->provider, "office365-hve") == 0;
}

/* --- the app registration ------------------------------------------------- */

static void
step_certificate(
    struct steps *steps, const char *certificate, const char *thumbprint)
{
	if (certificate == NULL)
		return;
	step(steps, "Certificates & secrets > Certificates > Upload "
		    "certificate: this file (the key stays here). Compare the "
		    "thumbprint the portal then shows.");
	LINE(steps, "%s\n", certificate);
	LINE(steps, "thumbprint %s\n", thumbprint);
}

static void
step_platform(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;

	if (draft->grant == CONF_GRANT_AUTHORIZATION_CODE)
		step(steps,
		    draft->proof == CONF_PROOF_NONE
			? "Authentication > Add a platform > Mobile and "
			  "desktop applications: redirect URI http://localhost"
			: "Authentication > Add a platform > Web: redirect URI "
			  "http://localhost");
	else if (!is_app_only(draft) && draft->proof == CONF_PROOF_NONE)
		step(steps, "Authentication > Allow public client flows: Yes "
			    "(else error 7000218).");
}

static void
step_permissions(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;
	struct buf text;

	buf_init(&text, 1024);
	if (is_hve(draft) && is_app_only(draft))
		buf_adds(&text,
		    "API permissions > Add a permission > APIs my organization "
		    "uses > Office 365 Exchange Online > Application "
		    "permissions: Mail.Send");
	else if (is_app_only(draft))
		buf_addf(&text,
		    "API permissions > Add a permission > APIs my organization "
		    "uses > Office 365 Exchange Online > Application "
		    "permissions: SMTP.SendAsApp%s%s",
		    draft->fetch != SETUP_FETCH_NONE ? ", IMAP.AccessAsApp"
						     : "",
		    draft->fetch == SETUP_FETCH_POP ? ", POP.AccessAsApp" : "");
	else
		buf_addf(&text,
		    "API permissions > Add a permission > Microsoft Graph > "
		    "Delegated permissions: SMTP.Send%s%s, offline_access",
		    draft->fetch != SETUP_FETCH_NONE ? ", IMAP.AccessAsUser.All"
						     : "",
		    draft->fetch == SETUP_FETCH_POP ? ", POP.AccessAsUser.All"
						    : "");
	step(steps, text.data);
	buf_clear(&text);
	step(steps, "Grant admin consent: the button above that list, or this "
		    "address (the page behind it may not open; the Status "
		    "column has to say \"Granted\").");
	LINE(steps, "%s/%s/adminconsent?client_id=%s\n", login_host(draft),
	    draft->tenant_id, draft->client_id);
}

/* --- Exchange Online ------------------------------------------------------ */

static void
open_shell(struct steps *steps)
{
	if (steps->shell_is_open)
		return;
	steps->shell_is_open = 1;
	LINE(steps, "Install-Module ExchangeOnlineManagement\n");
	LINE(steps, "Connect-ExchangeOnline -Organization %s\n",
	    steps->draft->tenant_id);
}

static const char *
object_id(const struct setup_draft *draft)
{
	return draft->object_id[0] != '\0' ? draft->object_id : OBJECT_ID_PLACE;
}

/* Exchange has to know the application, and which mailboxes it may use. */
static void
step_service_principal(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;

	step(steps,
	    draft->object_id[0] != '\0'
		? "Tell Exchange of the application, in PowerShell:"
		: "Tell Exchange of the application, in "
		  "PowerShell. " OBJECT_ID_PLACE
		  " is the Object ID on its page under Enterprise "
		  "applications; the one under App registrations is another "
		  "and fails later with 535 5.7.3.");
	open_shell(steps);
	if (is_hve(draft)) {
		LINE(steps, "Add-HVEAppAccess -Identity \"%s\" -AppIds %s\n",
		    draft->user, object_id(draft));
		return;
	}
	LINE(steps, "New-ServicePrincipal -AppId %s -ObjectId %s\n",
	    draft->client_id, object_id(draft));
	LINE(steps,
	    "Add-MailboxPermission -Identity \"%s\" -User %s -AccessRights "
	    "FullAccess\n",
	    draft->name[0] == '@' ? "MAILBOX" : draft->user, object_id(draft));
}

static void
step_send_as(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;

	if (draft->name[0] == '@' || draft->from_account[0] == '\0' ||
	    strcasecmp(draft->from_account, draft->user) == 0)
		return;
	step(steps, "Let the login send as the sender's address, unless it is "
		    "an alias of the same mailbox:");
	open_shell(steps);
	LINE(steps,
	    "Add-RecipientPermission \"%s\" -Trustee \"%s\" -AccessRights "
	    "SendAs -Confirm:$false\n",
	    draft->from_account,
	    is_app_only(draft) ? object_id(draft) : draft->user);
}

static void
step_smtp_auth(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;

	if (is_hve(draft))
		return;
	step(steps, "Switch Authenticated SMTP on for the mailbox: admin "
		    "center > Users > Active users > the user > Mail > Manage "
		    "email apps, or");
	open_shell(steps);
	LINE(steps,
	    "Set-CASMailbox -Identity \"%s\" -SmtpClientAuthenticationDisabled "
	    "$false\n",
	    draft->name[0] == '@' ? "MAILBOX" : draft->user);
}

static void
step_fetching(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;

	if (draft->fetch == SETUP_FETCH_NONE)
		return;
	if (draft->fetch == SETUP_FETCH_POP)
		step(steps,
		    "Move the application from POP to IMAP when you can: it "
		    "sees the state of each message, and nothing is lost when "
		    "it stops half-way. In its settings: protocol IMAP, server "
		    "outlook.office365.com, port 993 with TLS, folder INBOX. "
		    "POP deletes what it has fetched; with IMAP the "
		    "application has to delete it or move it to a folder, else "
		    "the mailbox fills up.");
	step(steps, "Switch IMAP on for the mailbox:");
	open_shell(steps);
	LINE(steps, "Set-CASMailbox -Identity \"%s\" -ImapEnabled $true\n",
	    draft->user);
}

static void
step_policies(struct steps *steps)
{
	if (steps->draft->grant != CONF_GRANT_PASSWORD)
		return;
	step(steps,
	    "Keep multi-factor authentication away from this account: no "
	    "security defaults, no Conditional Access policy that asks for it. "
	    "A password alone fails there (AADSTS50076, 50079), and nothing "
	    "here can mend that; a certificate or a device login can.");
}

/* --- Google --------------------------------------------------------------- */

static void
google_steps(struct steps *steps)
{
	const struct setup_draft *draft = steps->draft;

	step(steps, "https://console.cloud.google.com > APIs & Services > "
		    "Library: enable the Gmail API.");
	if (draft->grant == CONF_GRANT_JWT_BEARER) {
		step(steps,
		    "https://admin.google.com > Security > Access and data "
		    "control > API controls > Domain-wide delegation > Add "
		    "new: the service account's client ID (\"client_id\" in "
		    "its key file) with this scope:");
		LINE(steps, "https://mail.google.com/\n");
		return;
	}
	step(steps, "OAuth consent screen: publishing status \"In "
		    "production\" or user type \"Internal\". In \"Testing\" a "
		    "sign-in ends after seven days.");
	step(
	    steps, "Credentials: the OAuth client is of type \"Desktop app\".");
}

void
setup_steps(struct buf *out, const struct setup_draft *draft,
    const char *certificate, const char *thumbprint)
{
	struct steps steps = {out, draft, 0, 0};

	if (strcmp(draft->provider, "google") == 0) {
		buf_adds(out, "Steps at Google, unless they are done:\n");
		google_steps(&steps);
		return;
	}
	buf_adds(out, "Steps at Microsoft, unless they are done:\n");
	buf_addf(out,
	    "  %s > Entra ID (once Azure Active Directory)\n"
	    "  > App registrations > the application %s\n",
	    portal(draft), draft->client_id);
	step_certificate(&steps, certificate, thumbprint);
	step_platform(&steps);
	if (!setup_draft_is_microsoft(draft))
		return; /* a personal account consents itself */
	step_permissions(&steps);
	if (is_app_only(draft))
		step_service_principal(&steps);
	step_send_as(&steps);
	step_smtp_auth(&steps);
	step_fetching(&steps);
	step_policies(&steps);
}
