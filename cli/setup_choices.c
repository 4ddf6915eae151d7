/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_choices - see setup_choices.h.
 */
#include "setup_choices.h"

#include <stdio.h>
#include <string.h>

#include "prompt.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define KEEP(field, text) snprintf(field, sizeof(field), "%s", text)
#define CHOICES_MAX 10

/* --- what is to change ---------------------------------------------------- */

int
setup_choose_changes(
    const struct setup_draft *draft, unsigned *asked, struct err *err)
{
	static const struct {
		struct prompt_choice choice;
		unsigned asked;
		int only_for; /* a grant, or 0 */
	} all[] = {
	    {{"The client secret or certificate", "It expires, or is to be of "
						  "the other kind."},
		SETUP_ASK_PROOF, 0},
	    {{"The password", NULL}, SETUP_ASK_PASSWORD, CONF_GRANT_PASSWORD},
	    {{"How it logs in", NULL},
		SETUP_ASK_GRANT | SETUP_ASK_PROOF | SETUP_ASK_PASSWORD |
		    SETUP_ASK_OBJECT,
		0},
	    {{"The address mail is sent from", NULL}, SETUP_ASK_SENDER, 0},
	    {{"Whether mail is fetched, too", NULL}, SETUP_ASK_FETCH, 0},
	    {{"Tenant and application", NULL}, SETUP_ASK_IDS, 0},
	    {{"All of it", NULL}, SETUP_ASK_ALL, 0},
	};
	struct prompt_choice choices[N_OF(all)];
	unsigned bits[N_OF(all)];
	size_t i, count = 0, chosen = 0;

	for (i = 0; i < N_OF(all); i++) {
		if (all[i].only_for != 0 &&
		    all[i].only_for != (int)draft->grant)
			continue;
		choices[count] = all[i].choice;
		bits[count++] = all[i].asked;
	}
	if (prompt_choose("To change",
		"This account is configured already. "
		"What of it is to change?",
		choices, count, &chosen, err) == -1)
		return -1;
	*asked = bits[chosen];
	return 0;
}

/* --- the service ---------------------------------------------------------- */

static const struct {
	struct prompt_choice choice;
	const char *provider;
} services[] = {
    {{"Microsoft 365 (Exchange Online), worldwide", NULL}, "office365"},
    {{"Microsoft 365, US government, GCC High", NULL}, "office365-gcc-high"},
    {{"Microsoft 365, US government, DoD", NULL}, "office365-dod"},
    {{"Microsoft 365 in China (21Vianet)", NULL}, "office365-china"},
    {{"Microsoft 365 High Volume Email",
	 "For much mail to people of the own tenant."},
	"office365-hve"},
    {{"outlook.com, hotmail.com: a personal account", NULL}, "outlook"},
    {{"Google Workspace or Gmail", NULL}, "google"},
};

/* By the mailbox's domain, unless something is configured. */
static const char *
likely_provider(const struct setup_draft *draft)
{
	if (draft->app != NULL)
		return draft->provider;
	switch (identity_kind(draft->name)) {
	case IDENTITY_MICROSOFT:
		return "outlook";
	case IDENTITY_GOOGLE:
		return "google";
	case IDENTITY_WORK:
	case IDENTITY_OTHER:
		break;
	}
	return draft->provider;
}

int
setup_choose_provider(struct setup_draft *draft, struct err *err)
{
	struct prompt_choice choices[N_OF(services)];
	const char *likely = likely_provider(draft);
	size_t i, chosen = N_OF(services);

	for (i = 0; i < N_OF(services); i++) {
		choices[i] = services[i].choice;
		if (strcmp(services[i].provider, likely) == 0)
			chosen = i;
	}
	if (chosen == N_OF(services))
		return 0; /* "custom": somebody knows what he does */
	if (prompt_choose("Service", "Where is the mailbox?", choices,
		N_OF(services), &chosen, err) == -1)
		return -1;
	KEEP(draft->provider, services[chosen].provider);
	return 0;
}

/* --- the grant ------------------------------------------------------------ */

#define MICROSOFT 1
#define PERSONAL 2
#define GOOGLE 4

static const struct {
	struct prompt_choice choice;
	enum conf_grant grant;
	int where;
} grants[] = {
    {{"The application by itself, with a certificate or secret (recommended)",
	 "client_credentials: nobody signs in, no password, and multi-factor "
	 "authentication does not matter. An administrator allows the "
	 "application in Exchange once."},
	CONF_GRANT_CLIENT_CREDENTIALS, MICROSOFT},
    {{"Somebody signs in once, with a code on any device (recommended)",
	 "device_code: with multi-factor authentication, too. Some tenants "
	 "block it by Conditional Access."},
	CONF_GRANT_DEVICE_CODE, MICROSOFT | PERSONAL},
    {{"Somebody signs in once, in a browser",
	 "authorization_code: with multi-factor authentication, too."},
	CONF_GRANT_AUTHORIZATION_CODE, MICROSOFT | PERSONAL | GOOGLE},
    {{"User name and password",
	 "password: fails as soon as multi-factor authentication is asked for "
	 "(security defaults, Conditional Access), and Microsoft advises "
	 "against it."},
	CONF_GRANT_PASSWORD, MICROSOFT},
    {{"A service account with its key file",
	 "jwt_bearer: for Google Workspace with domain-wide delegation."},
	CONF_GRANT_JWT_BEARER, GOOGLE},
    {{"A refresh token from another program", "refresh_token"},
	CONF_GRANT_REFRESH_TOKEN, MICROSOFT | PERSONAL | GOOGLE},
};

static int
where_of(const struct setup_draft *draft)
{
	if (strcmp(draft->provider, "google") == 0)
		return GOOGLE;
	return strcmp(draft->provider, "outlook") == 0 ? PERSONAL : MICROSOFT;
}

int
setup_choose_grant(struct setup_draft *draft, struct err *err)
{
	struct prompt_choice choices[N_OF(grants)];
	enum conf_grant which[N_OF(grants)];
	size_t i, count = 0, chosen = 0;

	for (i = 0; i < N_OF(grants); i++) {
		if ((grants[i].where & where_of(draft)) == 0)
			continue;
		/* One grant alone can log in for each mailbox of a domain. */
		if (draft->name[0] == '@' &&
		    grants[i].grant != CONF_GRANT_CLIENT_CREDENTIALS)
			continue;
		if (grants[i].grant == draft->grant)
			chosen = count;
		choices[count] = grants[i].choice;
		which[count++] = grants[i].grant;
	}
	if (prompt_choose("Login", "How does the mailbox log in?", choices,
		count, &chosen, err) == -1)
		return -1;
	draft->grant = which[chosen];
	return 0;
}

/* --- the proof ------------------------------------------------------------ */

enum answer { ANSWER_NEW_CERTIFICATE, ANSWER_SECRET, ANSWER_NONE, ANSWER_KEEP };

static const struct prompt_choice proofs[] = {
    [ANSWER_NEW_CERTIFICATE] = {"A certificate, made here now (recommended)",
	"The key never leaves this host; the certificate is uploaded to "
	"the application."},
    [ANSWER_SECRET] = {"A client secret",
	"Its Value is shown once, when it is made: Certificates & secrets "
	"> Client secrets > New client secret."},
    [ANSWER_NONE] = {"Nothing: a public client",
	"For applications with \"Allow public client flows\", or the "
	"platform \"Mobile and desktop applications\"."},
    [ANSWER_KEEP] = {"What is configured now", NULL},
};

/* Which of them can be, the recommended one first. */
static size_t
possible(const struct setup_draft *draft, enum answer out[CHOICES_MAX])
{
	int google = where_of(draft) == GOOGLE;
	size_t count = 0;

	switch (draft->grant) {
	case CONF_GRANT_CLIENT_CREDENTIALS:
		out[count++] = ANSWER_NEW_CERTIFICATE;
		out[count++] = ANSWER_SECRET;
		break;
	case CONF_GRANT_PASSWORD:
		out[count++] = ANSWER_SECRET;
		out[count++] = ANSWER_NONE;
		break;
	case CONF_GRANT_AUTHORIZATION_CODE:
	case CONF_GRANT_REFRESH_TOKEN:
		if (!google)
			out[count++] = ANSWER_NONE;
		out[count++] = ANSWER_SECRET;
		break;
	case CONF_GRANT_DEVICE_CODE:
	case CONF_GRANT_JWT_BEARER:
	case CONF_GRANT_NONE:
		out[count++] = ANSWER_NONE;
		break;
	}
	if (draft->app != NULL && draft->app->proof != CONF_PROOF_NONE &&
	    draft->grant != CONF_GRANT_DEVICE_CODE)
		out[count++] = ANSWER_KEEP;
	return count;
}

int
setup_choose_proof(
    struct setup_draft *draft, int *is_new_certificate, struct err *err)
{
	struct prompt_choice choices[CHOICES_MAX];
	enum answer answers[CHOICES_MAX];
	size_t i, chosen = 0, count = possible(draft, answers);

	*is_new_certificate = 0;
	for (i = 0; i < count; i++) {
		choices[i] = proofs[answers[i]];
		if (answers[i] == ANSWER_SECRET &&
		    draft->proof == CONF_PROOF_SECRET)
			chosen = i;
	}
	if (count > 1 && prompt_choose("Proof",
			     "How does the application show that it is itself?",
			     choices, count, &chosen, err) == -1)
		return -1;
	switch (answers[chosen]) {
	case ANSWER_NEW_CERTIFICATE:
		draft->proof = CONF_PROOF_CERTIFICATE;
		*is_new_certificate = 1;
		break;
	case ANSWER_SECRET:
		draft->proof = CONF_PROOF_SECRET;
		break;
	case ANSWER_NONE:
		draft->proof = CONF_PROOF_NONE;
		break;
	case ANSWER_KEEP:
		draft->proof = draft->app->proof;
		break;
	}
	return 0;
}

/* --- fetching ------------------------------------------------------------- */

int
setup_choose_fetch(struct setup_draft *draft, struct err *err)
{
	static const struct prompt_choice choices[] = {
	    [SETUP_FETCH_NONE] = {"No, it only sends", NULL},
	    [SETUP_FETCH_IMAP] = {"Yes, with IMAP", NULL},
	    [SETUP_FETCH_POP] = {"Yes, with POP",
		"The steps at the end tell how to move to IMAP."},
	};
	size_t chosen = draft->fetch;

	if (draft->name[0] == '@' || where_of(draft) == GOOGLE)
		return 0;
	if (prompt_choose("Fetching",
		"Does an application on this host also fetch the mailbox's "
		"mail?",
		choices, N_OF(choices), &chosen, err) == -1)
		return -1;
	draft->fetch = (enum setup_fetch)chosen;
	draft->fetch_is_known = 1;
	return 0;
}
