/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_MILTERS_H
#define POSTOAK_CHECK_MILTERS_H

#include "check_postfix.h"

/*
 * check_milters - whether Postfix shows all mail to our milter, before a DKIM
 * signer sees it, and waits while the milter is away; and what else of main.cf
 * the milter needs. What is right is what postoak mta would set. Called by
 * check_mta.
 */
void check_milters(const struct checkup *checkup,
    const struct check_postfix *postfix, const struct postfix_plan *plan);

#endif
