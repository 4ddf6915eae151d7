/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_DOMAIN_H
#define POSTOAK_CHECK_DOMAIN_H

#include "checkup.h"

/*
 * check_domain - what the DNS says of the domains that mail is from. Called by
 * check.
 */

#define CHECK_DOMAIN_LIMIT_S 60

/*
 * SPF, DKIM and DMARC of each domain of from_account and send_as, each domain
 * once: do they let the provider's servers send? What DMARC has receivers
 * refuse is a FAIL of domain_dmarc; what costs mail its standing a warning.
 * Findings: domain_spf, domain_dkim, domain_dmarc; domain_dns.
 */
void check_domain(const struct checkup *checkup);

#endif
