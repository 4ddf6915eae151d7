/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CERTIFICATE_H
#define POSTOAK_CERTIFICATE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

/*
 * certificate - the tool's door to OpenSSL: a key and a self-signed certificate
 * for an application, and what the portal shows of one. Called by setup.
 */

#define CERTIFICATE_DAYS 730 /* Entra ID takes any; two years are usual */
#define CERTIFICATE_SHA1_SIZE 41
#define CERTIFICATE_SHA256_SIZE 65
#define CERTIFICATE_DATE_SIZE 11

/*
 * Make an RSA key and a certificate for it whose common name is name, good from
 * now_s for CERTIFICATE_DAYS: *key is PKCS#8 in PEM, pem is appended to. 0, or
 * -1 with *err.
 */
int certificate_make(const char *name, int64_t now_s, struct secret *key,
    struct buf *pem, struct err *err);

/* What people compare: in hexadecimal digits as the portal shows them. */
struct certificate_face {
	char sha1[CERTIFICATE_SHA1_SIZE];
	char sha256[CERTIFICATE_SHA256_SIZE];
	char ends[CERTIFICATE_DATE_SIZE]; /* YYYY-MM-DD, UTC */
};

/* Read the first certificate of a PEM text. 0, or -1 with ERR_CONFIG. */
int certificate_read(
    const char *pem, struct certificate_face *face, struct err *err);

#endif
