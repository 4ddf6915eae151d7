/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_SERVER_H
#define POSTOAK_CHECK_SERVER_H

#include "checkup.h"

/*
 * check_server - log in to the account's mail servers. Called by check.
 */

/* Seconds that check_server may take: tokend, then three servers. */
#define CHECK_SERVER_LIMIT_S 80

/*
 * SMTP by submission; IMAP and POP where the token allows them. A login that is
 * refused for what account_* calls a FAIL is a warning here, so is an outage
 * that ends by itself. With send_to, a message goes to that address, from this
 * connection and not through the host's mail server.
 * Findings: server_smtp, server_imap, server_pop, server_send.
 */
void check_server(const struct checkup *checkup);

#endif
