/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DMARC_H
#define POSTOAK_DMARC_H

/*
 * dmarc - a DMARC record (RFC 7489 section 6.3). Pure. Called by check_domain.
 */

enum dmarc_policy { DMARC_NO_POLICY, DMARC_QUARANTINE, DMARC_REJECT };

struct dmarc {
	enum dmarc_policy policy;     /* p */
	enum dmarc_policy subdomains; /* sp, else p */
	int strict_spf;		      /* aspf=s */
	int strict_dkim;	      /* adkim=s */
	int percent;		      /* pct, 0 to 100 */
};

/* 1 if a TXT record claims to be one. */
int dmarc_is_record(const char *text);

/* Read it. 0, or -1: receivers ignore it, it has no policy that is one. */
int dmarc_read(struct dmarc *dmarc, const char *text);

/* "none", "quarantine", "reject". */
const char *dmarc_policy_name(enum dmarc_policy policy);

#endif
