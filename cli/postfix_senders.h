/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_SENDERS_H
#define POSTOAK_POSTFIX_SENDERS_H

#include "postfix_member.h"

/*
 * postfix_senders - which senders, as the milter leaves them, are which
 * account's. Pure. Called by postfix_plan and postfix_transport.
 */

/* address is in lower case, as Postfix looks it up; "@domain" is possible. */
typedef void (*postfix_senders_take)(
    void *arg, const char *address, const struct postfix_member *member);

/*
 * Hand over each address of the members of that transport (NULL: of all) once:
 * the first account that names an address has it.
 */
void postfix_senders_each(const struct postfix_members *members,
    const char *transport, postfix_senders_take take, void *arg);

#endif
