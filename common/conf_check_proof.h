/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_CHECK_PROOF_H
#define POSTOAK_CONF_CHECK_PROOF_H

#include "conf_account.h"
#include "conf_parse.h"
#include "err.h"

/*
 * conf_check_proof - how an application proves who it is: by one thing only,
 * and what belongs to that. Called by conf_check.
 *
 * Sets proof and where_proof. 0, or -1 with ERR_CONFIG at the line to blame.
 */
int conf_check_proof(struct conf_application *app,
    const struct conf_source *source, struct err *err);

#endif
