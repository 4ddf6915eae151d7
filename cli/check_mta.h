/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_MTA_H
#define POSTOAK_CHECK_MTA_H

#include "checkup.h"

/*
 * check_mta - what "postoak check" looks at in the mail server. A check as
 * checkup.h has it. Called by check.
 */

/* Postfix: the way of each account, the milter, what else main.cf needs; or
 * sendmail, if that is the mail server here. */
void check_mta(const struct checkup *checkup);

#endif
