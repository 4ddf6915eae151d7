/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_PLAN_H
#define POSTOAK_POSTFIX_PLAN_H

#include <stddef.h>

#include "conf.h"
#include "err.h"
#include "postfix_settings.h"
#include "postfix_transport.h"

/*
 * postfix_plan - what Postfix has to be told for the configured accounts.
 *
 * Each account gets a transport of its own: queue manager limits, connection
 * cache and login are then one account's, and no other mail is touched by
 * them. One ordinary account takes all mail that leaves; several are chosen by
 * the envelope sender, as the milter leaves it. Pure: the configuration and
 * facts about the host in, settings out. Called by mta.
 */

/*
 * The plan for the named accounts, all if count is 0. NULL with ERR_CONFIG as
 * postfix_member_gather says. postfix_plan_free gives it back.
 */
struct postfix_plan *postfix_plan_new(const struct conf *conf,
    const struct postfix_host *host, char **names, size_t count,
    struct err *err);

#endif
