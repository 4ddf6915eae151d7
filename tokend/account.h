/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ACCOUNT_H
#define POSTOAK_ACCOUNT_H

#include <stdint.h>

#include "config.h"
#include "err.h"
#include "grant.h"
#include "handout.h"
#include "json.h"
#include "store.h"

/*
 * account - the accounts of the configuration, each with its credential. Called
 * by server, control and main.
 */

/* Once, before anything else; store is borrowed. */
void account_start(struct store *store);

/*
 * Work with this configuration from now on. Credentials that mean the same as
 * before keep tokens, state and those who wait.
 */
void account_apply(struct config *config);

/* The configuration in force; borrowed. */
const struct config *account_config(void);

/*
 * The account a name or mailbox belongs to, NULL if there is none. *user is
 * who the token is used for: its user, or the mailbox of a domain account.
 */
const struct conf_account *account_find(const char *name, const char **user);

/*
 * A token is for one mailbox: -1 with ERR_CONFIG if name is that of an account
 * for a whole domain.
 */
int account_check_mailbox(const char *name, struct err *err);

/*
 * As credential_ask, credential_refresh, credential_import, which is refused
 * (ERR_CONFIG, ERR_PROTOCOL) for a grant or value that cannot be; and
 * credential_rejected.
 */
int account_ask(const struct conf_account *account, int64_t wait_ms,
    handout_done *done, void *arg, struct handout *token,
    struct handout_wait **wait, struct err *err);
int account_refresh(const struct conf_account *account, int64_t wait_ms,
    handout_done *done, void *arg, struct handout_wait **wait, struct err *err);
int account_import(const struct conf_account *account,
    const char *refresh_token, int64_t wait_ms, handout_done *done, void *arg,
    struct handout_wait **wait, struct err *err);

/*
 * The text that another host's account_restore takes, sealed under a passphrase
 * (parcel.h), appended to out. account_restore is an account_import of what is
 * in it, if it is this account's.
 */
int account_export(const struct conf_account *account, const char *passphrase,
    struct buf *out, struct err *err);
int account_restore(const struct conf_account *account, const char *text,
    const char *passphrase, int64_t wait_ms, handout_done *done, void *arg,
    struct handout_wait **wait, struct err *err);

struct grant *account_sign_in(const struct conf_account *account,
    const struct grant_sign_in *sign_in, grant_done *done, void *arg,
    struct grant_failure *failure);
void account_take(
    const struct conf_account *account, struct grant_token *token);

/* What verdict says of the token there is, after a person brought it about. */
struct json *account_findings(const struct conf_account *account);
int account_logout(const struct conf_account *account, struct err *err);
void account_rejected(const struct conf_account *account, const char *token_id);

/* One object as common/PROTOCOL 2.1 has it; to be freed. */
struct json *account_status(const struct conf_account *account);

/* Exchanges under way. */
size_t account_busy(void);

/* The end is near: those who wait are answered. */
void account_dismiss(const struct err *reason);

void account_stop(const struct err *reason);

#endif
