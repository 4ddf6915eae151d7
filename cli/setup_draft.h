/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SETUP_DRAFT_H
#define POSTOAK_SETUP_DRAFT_H

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "identity.h"
#include "secret.h"

/*
 * setup_draft - one account as it is to be: what the questions or a hand-over
 * text fill in, what is written, and what the steps left to do are made of.
 * Called by all of setup. Pure.
 */

#define SETUP_PATH_MAX 512
#define SETUP_ENDPOINT_MAX 2048

enum setup_fetch { SETUP_FETCH_NONE, SETUP_FETCH_IMAP, SETUP_FETCH_POP };

struct setup_draft {
	/* As configured, borrowed; each NULL if there is none. */
	const struct conf *conf;
	const struct conf_account *account;
	const struct conf_application *app;
	/* Of a new section: another one of the same application. */
	const struct conf_application *like;

	char name[IDENTITY_NAME_SIZE]; /* of the account: its mailbox */
	char application[IDENTITY_NAME_SIZE];
	char provider[32];
	enum conf_grant grant;
	enum conf_proof proof;
	int proof_is_new; /* another kind, or one there was none of */
	char tenant_id[IDENTITY_NAME_SIZE];
	char client_id[IDENTITY_NAME_SIZE];
	char object_id[IDENTITY_GUID_SIZE];
	char user[IDENTITY_NAME_SIZE];
	char from_account[IDENTITY_NAME_SIZE];
	char expires[IDENTITY_DATE_SIZE];
	enum setup_fetch fetch;
	int fetch_is_known; /* else the scope stays as it is */

	/* Beside the preset's; "": as configured, or the preset's. */
	char authorization_endpoint[SETUP_ENDPOINT_MAX];
	char token_endpoint[SETUP_ENDPOINT_MAX];
	char server[IDENTITY_NAME_SIZE];
	char proxy[SETUP_PATH_MAX];
	char ca_file[SETUP_PATH_MAX];

	/* To be written; empty: nothing new. */
	struct secret client_secret;
	struct secret password;
	struct secret key;
	struct buf certificate;

	/* Where, as it stands in the configuration. */
	char client_secret_file[SETUP_PATH_MAX];
	char password_file[SETUP_PATH_MAX];
	char certificate_file[SETUP_PATH_MAX];
	char key_file[SETUP_PATH_MAX];
	char service_account_file[SETUP_PATH_MAX];
};

/* conf is borrowed and may be NULL. */
void setup_draft_init(struct setup_draft *draft, const struct conf *conf);
void setup_draft_clear(struct setup_draft *draft);

/* The account of that name: take over what is configured of it, if anything. */
void setup_draft_account(struct setup_draft *draft, const char *name);

/* Take over IDs and endpoints of a configured application. */
void setup_draft_application(
    struct setup_draft *draft, const struct conf_application *app);

/*
 * Once IDs, grant and proof are known: which application section it is to be
 * (the account's own; one with the same IDs and proof; a new name), and the
 * names of the files.
 */
void setup_draft_place(struct setup_draft *draft);

/* How many accounts of the configuration use the application. */
size_t setup_draft_users(
    const struct setup_draft *draft, const struct conf_application *app);

/* Does somebody sign in for this grant? */
int setup_draft_signs_in(const struct setup_draft *draft);

/* Is it one of Microsoft's clouds, and the account a work account? */
int setup_draft_is_microsoft(const struct setup_draft *draft);

#endif
