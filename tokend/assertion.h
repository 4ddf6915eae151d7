/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ASSERTION_H
#define POSTOAK_ASSERTION_H

#include <stdint.h>

#include "err.h"
#include "keypair.h"
#include "secret.h"

/*
 * assertion - a signed statement of who one is, in place of a secret (RFC 7515,
 * RFC 7519, RFC 7523). Called by proof; calls keypair.
 */

#define ASSERTION_LIFE_S 300
#define ASSERTION_THUMBPRINT_LEN 44 /* base64url of SHA-256, with NUL */

struct assertion {
	enum keypair_algorithm algorithm;
	const char *issuer;
	const char *subject;
	const char *audience; /* the token endpoint that is asked */
	const char *scope;    /* NULL: no such claim */
	const char *key_id;   /* NULL: the certificate's thumbprints instead */
	int64_t now_s;	      /* wall clock */
};

/*
 * The JWT into *jwt: header with x5t#S256 and x5t, or kid; claims with a jti
 * that was never used before; good for five minutes from now.
 */
int assertion_make(const struct assertion *assertion,
    const struct keypair *pair, struct secret *jwt, struct err *err);

/* The certificate's x5t#S256, its name in messages. */
int assertion_thumbprint(const struct keypair *pair,
    char text[ASSERTION_THUMBPRINT_LEN], struct err *err);

/* Append base64url of RFC 4648 section 5, without padding. 0 or -1. */
int assertion_base64url(struct buf *out, const void *data, size_t len);

#endif
