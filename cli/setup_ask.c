/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_ask - see setup_ask.h.
 */
#include "setup_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "clock.h"
#include "conf_value.h"
#include "mem.h"
#include "preset.h"
#include "prompt.h"
#include "setup_choices.h"

#define KEEP(field, text) snprintf(field, sizeof(field), "%s", text)

#define OVERVIEW                                                               \
	"Entra admin center (entra.microsoft.com; once portal.azure.com, "     \
	"Azure Active Directory) > App registrations > your application > "    \
	"Overview: "

/* --- checks as prompt wants them ------------------------------------------ */

static int
check_tenant(const char *text, char *out, void *arg, struct err *err)
{
	(void)arg;
	return identity_tenant(text, out, err);
}

static int
check_client(const char *text, char *out, void *arg, struct err *err)
{
	const struct setup_draft *draft = arg;

	if (identity_guid(text, "Client ID", out, err) == -1)
		return -1;
	if (strcmp(out, draft->tenant_id) == 0)
		return err_set(err, ERR_CONFIG, "value",
		    "that is the tenant's ID again; the Application (client) "
		    "ID stands beside it");
	return 0;
}

static int
check_object(const char *text, char *out, void *arg, struct err *err)
{
	const struct setup_draft *draft = arg;

	if (identity_guid(text, "Object ID", out, err) == -1)
		return -1;
	if (strcmp(out, draft->client_id) == 0)
		return err_set(err, ERR_CONFIG, "value",
		    "that is the client ID; the Object ID stands beside it "
		    "under Enterprise applications");
	return 0;
}

static int
check_mailbox(const char *text, char *out, void *arg, struct err *err)
{
	struct conf_value value = {.text = text + 1};

	if (text[0] != '@')
		return identity_mailbox(text, arg, out, err);
	if (conf_value_domain(&value) == -1)
		return err_set(err, ERR_CONFIG, "value", "\"%.200s\" %s",
		    text + 1, value.problem);
	snprintf(out, PROMPT_MAX, "%s", text);
	return 0;
}

static int
check_day(const char *text, char *out, void *arg, struct err *err)
{
	(void)arg;
	return identity_date(text, clock_wall_s(), out, err);
}

static int
check_secret(const char *text, char *out, void *arg, struct err *err)
{
	(void)arg;
	out[0] = '\0';
	return identity_secret(text, err);
}

static int
check_password(const char *text, char *out, void *arg, struct err *err)
{
	const struct setup_draft *draft = arg;

	out[0] = '\0';
	return identity_password(text, draft->user, NULL, err);
}

static int
check_file(const char *text, char *out, void *arg, struct err *err)
{
	(void)arg;
	snprintf(out, PROMPT_MAX, "%s", text);
	if (text[0] != '/')
		return err_set(err, ERR_CONFIG, "value",
		    "write the whole path, from the /");
	if (access(text, R_OK) == -1)
		return err_set(
		    err, ERR_CONFIG, "value", "%s cannot be read", text);
	return 0;
}

/* --- lines ---------------------------------------------------------------- */

/* Ask for a field of the draft; what it holds is the preset. */
static int
ask_field(struct prompt prompt, char *field, size_t size, struct err *err)
{
	char answer[PROMPT_MAX];

	prompt.preset = field[0] != '\0' ? field : NULL;
	if (prompt_line(&prompt, answer, err) == -1)
		return -1;
	if (strlen(answer) >= size)
		return err_set(err, ERR_CONFIG, "value",
		    "%s is longer than it can be; nothing was changed",
		    prompt.label);
	memcpy(field, answer, strlen(answer) + 1);
	return 0;
}

#define ASK(field, err, ...)                                                   \
	ask_field((struct prompt){__VA_ARGS__}, field, sizeof(field), err)

static char mailbox_word[] = "the mailbox";
static char user_word[] = "the login";
static char sender_word[] = "the sender";

static int
ask_name(struct setup_draft *draft, const char *name, struct err *err)
{
	char answer[IDENTITY_NAME_SIZE] = "", out[PROMPT_MAX];

	if (name != NULL && check_mailbox(name, out, mailbox_word, err) == -1)
		return -1;
	if (name == NULL &&
	    ASK(answer, err, .label = "Mailbox",
		.help = "The address mail is sent from; or "
			"@domain for all mailboxes of one.",
		.check = check_mailbox, .arg = mailbox_word) == -1)
		return -1;
	setup_draft_account(draft, name != NULL ? out : answer);
	return 0;
}

/* The client of a Google application is no GUID and has no tenant. */
static int
ask_ids(struct setup_draft *draft, struct err *err)
{
	const struct preset *preset = preset_find(draft->provider);

	if (draft->grant == CONF_GRANT_JWT_BEARER)
		return ASK(draft->service_account_file, err,
		    .label = "Key file",
		    .help = "The service account's key in JSON, as Google's "
			    "console gave it: a file that only the user "
			    "postoak can read.",
		    .check = check_file);
	if (preset->flags & PRESET_TENANT &&
	    ASK(draft->tenant_id, err, .label = "Tenant ID",
		.help = OVERVIEW "Directory (tenant) ID.",
		.check = check_tenant) == -1)
		return -1;
	if ((preset->flags & PRESET_GUID_CLIENT) == 0)
		return ASK(draft->client_id, err, .label = "Client ID",
		    .help = "console.cloud.google.com > APIs & Services > "
			    "Credentials > the OAuth client: Client ID.");
	return ASK(draft->client_id, err, .label = "Client ID",
	    .help = OVERVIEW "Application (client) ID.", .check = check_client,
	    .arg = draft);
}

static int
ask_object_id(struct setup_draft *draft, struct err *err)
{
	if (draft->grant != CONF_GRANT_CLIENT_CREDENTIALS)
		return 0;
	return ASK(draft->object_id, err, .label = "Object ID (may be empty)",
	    .help = "Entra admin center > Enterprise applications > your "
		    "application: Object ID. The one under App registrations "
		    "is another. It is only needed for the steps printed at "
		    "the end.",
	    .may_be_empty = 1, .check = check_object, .arg = draft);
}

/* --- secrets -------------------------------------------------------------- */

static int
ask_secret(struct setup_draft *draft, int may_be_empty, struct err *err)
{
	const struct prompt prompt = {.label = "Client secret",
	    .help = strcmp(draft->provider, "google") == 0
			? "Credentials > the OAuth client: Client secret."
		    : may_be_empty
			? "Your application > Certificates & secrets > Client "
			  "secrets: its Value, not its Secret ID. Empty keeps "
			  "the one there is."
			: "Your application > Certificates & secrets > Client "
			  "secrets: its Value, not its Secret ID.",
	    .may_be_empty = may_be_empty,
	    .check = check_secret};

	return prompt_secret(&prompt, &draft->client_secret, err);
}

static int
ask_expires(struct setup_draft *draft, struct err *err)
{
	if (!setup_draft_is_microsoft(draft) ||
	    secret_empty(&draft->client_secret))
		return 0;
	draft->expires[0] = '\0';
	return ASK(draft->expires, err, .label = "It expires on (may be empty)",
	    .help = "The column Expires beside it; postoak warns 60, 30, 7 and "
		    "1 days before. Write 2028-10-31.",
	    .may_be_empty = 1, .check = check_day);
}

static int
ask_password(struct setup_draft *draft, int may_be_empty, struct err *err)
{
	const struct prompt prompt = {.label = "Password",
	    .help = may_be_empty
			? "Of the login above. Empty keeps the one there is."
			: "Of the login above.",
	    .may_be_empty = may_be_empty,
	    .check = check_password,
	    .arg = draft};

	return prompt_secret(&prompt, &draft->password, err);
}

static int
make_certificate(struct setup_draft *draft, struct err *err)
{
	char *name = mem_printf("postoak %.50s", draft->name);
	int rc;

	prompt_say("\nMaking a key of 3072 bits and a certificate for two "
		   "years...");
	rc = certificate_make(
	    name, clock_wall_s(), &draft->key, &draft->certificate, err);
	free(name);
	return rc;
}

static int
ask_proof(struct setup_draft *draft, struct err *err)
{
	int is_new_certificate, may_be_empty;

	if (draft->grant == CONF_GRANT_JWT_BEARER)
		return 0;
	may_be_empty = draft->app != NULL &&
		       draft->app->proof == CONF_PROOF_SECRET &&
		       draft->app->client_secret_files.count > 0;
	if (setup_choose_proof(draft, &is_new_certificate, err) == -1)
		return -1;
	if (is_new_certificate)
		return make_certificate(draft, err);
	if (draft->proof != CONF_PROOF_SECRET)
		return 0;
	if (ask_secret(draft, may_be_empty, err) == -1)
		return -1;
	return ask_expires(draft, err);
}

/* --- who ------------------------------------------------------------------ */

static int
ask_login(struct setup_draft *draft, struct err *err)
{
	int may_be_empty =
	    draft->account != NULL && draft->account->password_file != NULL;

	if (draft->grant != CONF_GRANT_PASSWORD)
		return 0;
	if (ASK(draft->user, err, .label = "Login",
		.help = "The user principal name whose mailbox it is.",
		.check = check_mailbox, .arg = user_word) == -1)
		return -1;
	return ask_password(draft, may_be_empty, err);
}

static int
ask_sender(struct setup_draft *draft, struct err *err)
{
	if (draft->name[0] == '@')
		return 0;
	if (ASK(draft->from_account, err, .label = "Sent from",
		.help = "The address of all mail that names no other one the "
			"login may send as.",
		.check = check_mailbox, .arg = sender_word) == -1)
		return -1;
	if (identity_is_foreign(
		draft->from_account, draft->user, draft->tenant_id))
		prompt_say("  note: another domain than the login's: Exchange "
			   "refuses it unless both are the tenant's and the "
			   "login may send as it.");
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

/* One tenant has one application as a rule: the first one is offered. */
static void
offer_application(struct setup_draft *draft)
{
	const struct conf *conf = draft->conf;
	enum conf_proof proof = draft->proof;

	if (draft->account != NULL || conf == NULL ||
	    conf->application_count == 0 ||
	    strcmp(conf->applications[0].provider, draft->provider) != 0)
		return;
	setup_draft_application(draft, &conf->applications[0]);
	draft->proof = proof;
}

static int
ask_provider(struct setup_draft *draft, struct err *err)
{
	if (setup_choose_provider(draft, err) == -1)
		return -1;
	offer_application(draft);
	return 0;
}

int
setup_ask(struct setup_draft *draft, const char *name, struct err *err)
{
	static const struct {
		unsigned bit;
		int (*ask)(struct setup_draft *draft, struct err *err);
	} questions[] = {
	    {SETUP_ASK_PROVIDER, ask_provider},
	    {SETUP_ASK_GRANT, setup_choose_grant},
	    {SETUP_ASK_IDS, ask_ids},
	    {SETUP_ASK_PROOF, ask_proof},
	    {SETUP_ASK_PASSWORD, ask_login},
	    {SETUP_ASK_SENDER, ask_sender},
	    {SETUP_ASK_FETCH, setup_choose_fetch},
	    {SETUP_ASK_OBJECT, ask_object_id},
	};
	unsigned asked = SETUP_ASK_ALL;
	size_t i;

	if (ask_name(draft, name, err) == -1)
		return -1;
	if (draft->account != NULL &&
	    setup_choose_changes(draft, &asked, err) == -1)
		return -1;
	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if ((asked & questions[i].bit) != 0 &&
		    questions[i].ask(draft, err) == -1)
			return -1;
	return 0;
}

int
setup_ask_secrets(struct setup_draft *draft, struct err *err)
{
	int has_password =
	    draft->account != NULL && draft->account->password_file != NULL;
	int has_secret =
	    draft->app != NULL && draft->app->client_secret_files.count > 0;

	if (draft->grant == CONF_GRANT_PASSWORD && !has_password &&
	    secret_empty(&draft->password) && ask_password(draft, 0, err) == -1)
		return -1;
	if (draft->proof == CONF_PROOF_SECRET && !has_secret &&
	    secret_empty(&draft->client_secret))
		return ask_secret(draft, 0, err);
	return 0;
}
