/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_TRANSPORT_H
#define POSTOAK_CHECK_TRANSPORT_H

#include "check_postfix.h"

/*
 * check_transport - whether the transport that an account's mail takes logs in
 * as the account, trusts only the right server, and keeps its limits. What is
 * right is what postoak mta would set. Called by check_mta.
 */
void check_transport(const struct checkup *checkup,
    const struct check_postfix *postfix, const struct check_postfix_way *way,
    const struct checkup_target *target);

#endif
