/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_ACCOUNT_H
#define POSTOAK_CHECK_ACCOUNT_H

#include "checkup.h"

/*
 * check_account - an account as tokend sees it. Called by check.
 */

/*
 * Is there a token, is it for the mail servers and the mailbox, what does it
 * allow by each protocol, what of it ends when, and whom has the provider seen?
 * Findings: account_token, account_renewal, account_audience,
 * account_permission(s), account_tenant, account_user, account_refresh_token,
 * account_unsaved, account_client_secret, account_certificate, account_address,
 * and the warnings of tokend as account_CODE.
 */
void check_account(const struct checkup *checkup);

#endif
