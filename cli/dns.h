/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DNS_H
#define POSTOAK_DNS_H

#include <stddef.h>

#include "err.h"

/*
 * dns - TXT and CNAME records. The door to libresolv. Called by check_domain.
 *
 * The name servers are those of resolv.conf(5), or the one that the environment
 * variable POSTOAK_NAMESERVER names ("192.0.2.53", "127.0.0.1:5353",
 * "[::1]:53"): inside a company names may look otherwise than for the receivers
 * of its mail.
 */

#define DNS_RECORDS_MAX 32 /* of one name; further ones are left out */
#define DNS_TEXT_MAX 4096  /* bytes of one text; a longer one is cut */

enum dns_status {
	DNS_FOUND,
	DNS_NONE,   /* no such name, or it has no such record */
	DNS_FAILED, /* not known: no answer, or the server could not say */
};

struct dns_answer {
	size_t count;
	char *texts[DNS_RECORDS_MAX]; /* without control characters */
};

struct dns; /* a resolver */

/* NULL with ERR_CONFIG if POSTOAK_NAMESERVER cannot be understood. */
struct dns *dns_open(struct err *err);
void dns_close(struct dns *dns);

/*
 * The TXT records of a name, each one's strings joined (RFC 7208 section 3.3);
 * aliases are followed. *answer is emptied first and is to be cleared unless
 * nothing was found. A question takes at most eight seconds; once twelve
 * went by without answers, no more are asked.
 */
enum dns_status dns_txt(
    struct dns *dns, const char *name, struct dns_answer *answer);

/* What the name is an alias of, in lower case and without the closing dot. */
enum dns_status dns_cname(
    struct dns *dns, const char *name, struct dns_answer *answer);

void dns_clear(struct dns_answer *answer);

#endif
