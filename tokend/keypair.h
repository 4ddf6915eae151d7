/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_KEYPAIR_H
#define POSTOAK_KEYPAIR_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

/*
 * keypair - an RSA key, the certificate it belongs to, and signatures with it
 * (RFC 7518 sections 3.3 and 3.5). With crypto the door to OpenSSL. Called by
 * assertion.
 *
 * What is wrong with a file is ERR_CONFIG, code "certificate", in words that
 * follow the file's name.
 */

#define KEYPAIR_SHA256_LEN 32
#define KEYPAIR_SHA1_LEN 20
#define KEYPAIR_BITS_MIN 2048

enum keypair_algorithm {
	KEYPAIR_PS256, /* RSASSA-PSS, SHA-256, a salt as long as the hash */
	KEYPAIR_RS256, /* RSASSA-PKCS1-v1_5, SHA-256 */
};

struct keypair;

/* An empty pair. keypair_free wipes the key; NULL is allowed. */
struct keypair *keypair_new(void);
void keypair_free(struct keypair *pair);

/*
 * Take the first certificate of a PEM text, or that of a PKCS#12 file, whose
 * key is taken with it. passphrase: NULL or empty: none.
 */
int keypair_take_certificate(struct keypair *pair, const struct secret *data,
    const struct secret *passphrase, struct err *err);

/* The same for the key: PEM (PKCS#8, PKCS#1, encrypted or not) or PKCS#12. */
int keypair_take_key(struct keypair *pair, const struct secret *data,
    const struct secret *passphrase, struct err *err);

/* 1 if data holds a private key: others must not read such a file. */
int keypair_is_private(const struct secret *data);

int keypair_has_key(const struct keypair *pair);

/* 0 if the key and, if there is one, the certificate belong together. */
int keypair_check(const struct keypair *pair, struct err *err);

/* Of the certificate: its end in Unix seconds. */
int64_t keypair_not_after_s(const struct keypair *pair);
int64_t keypair_not_before_s(const struct keypair *pair);

/* Digests of the DER certificate, as x5t#S256 and x5t have them. */
int keypair_thumbprints(const struct keypair *pair,
    unsigned char sha256[KEYPAIR_SHA256_LEN],
    unsigned char sha1[KEYPAIR_SHA1_LEN], struct err *err);

/* Append the signature of text to out. */
int keypair_sign(const struct keypair *pair, enum keypair_algorithm algorithm,
    const struct buf *text, struct buf *out, struct err *err);

#endif
