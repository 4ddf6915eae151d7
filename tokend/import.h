/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_IMPORT_H
#define POSTOAK_IMPORT_H

#include "conf.h"
#include "err.h"
#include "grant.h"
#include "store.h"

/*
 * import - a refresh token that a person obtained elsewhere and brings in.
 * Called by account and credential.
 */

#define IMPORT_MAX 8192 /* bytes of a refresh token */

/*
 * 0 if this account's grant can use a refresh token and the text can be one.
 * Else ERR_CONFIG code "grant", or ERR_PROTOCOL code "value".
 */
int import_check(const struct conf_account *account, const char *refresh_token,
    struct err *err);

/*
 * Put it on disk in place of the one that is there, which becomes the
 * generation before. A password's refusal is kept: it still holds. -1: what was
 * on disk still is.
 */
int import_save(const struct grant_order *order, struct store *store,
    const char *refresh_token, struct err *err);

#endif
