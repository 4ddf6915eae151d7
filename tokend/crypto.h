/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CRYPTO_H
#define POSTOAK_CRYPTO_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

/*
 * crypto - the only door to OpenSSL: start-up, random bytes, SHA-256, sealing
 * with AES-256-GCM (NIST SP 800-38D). An error here is ERR_BUG or ERR_TEMPORARY
 * (no memory); what cannot be opened is ERR_CONFIG, code "seal".
 */

#define CRYPTO_KEY_LEN 32
#define CRYPTO_HASH_LEN 32
#define CRYPTO_HEX_LEN 65    /* of a hash, with NUL */
#define CRYPTO_ID_LEN 17     /* of a fingerprint, with NUL */
#define CRYPTO_SEAL_EXTRA 28 /* nonce and tag around the plain text */

/*
 * Start OpenSSL and prove that a TLS context can be made. Before libcurl: it
 * ignores a failure of OpenSSL's own start and crashes later.
 */
int crypto_start(struct err *err);

int crypto_random(void *out, size_t len, struct err *err);

/* SHA-256 over len bytes. */
int crypto_digest(const void *data, size_t len,
    unsigned char digest[CRYPTO_HASH_LEN], struct err *err);

/* SHA-256 in lower-case hex over len bytes. */
int crypto_hash(
    const void *data, size_t len, char hex[CRYPTO_HEX_LEN], struct err *err);

/* The first 16 hex digits of a secret's SHA-256: its name in logs. */
int crypto_fingerprint(
    const struct secret *secret, char id[CRYPTO_ID_LEN], struct err *err);

/* Append base64 (RFC 4648 section 4), padded, without line ends. 0 or -1. */
int crypto_base64(
    const void *data, size_t len, struct buf *out, struct err *err);

/* The reverse; anything else is ERR_CONFIG, code "base64". */
int crypto_unbase64(
    const char *text, size_t len, struct buf *out, struct err *err);

/*
 * A key of CRYPTO_KEY_LEN bytes from a passphrase: scrypt (RFC 7914) with
 * N = 2^log_n, r = 8, p = 1, which takes 2^log_n KiB of memory.
 */
int crypto_stretch(const struct secret *passphrase, const struct buf *salt,
    int log_n, struct secret *key, struct err *err);

/*
 * Append nonce, cipher text and tag to out. aad is protected, not encrypted;
 * key has CRYPTO_KEY_LEN bytes.
 */
int crypto_seal(const struct secret *key, const struct buf *aad,
    const struct buf *plain, struct buf *out, struct err *err);

/* The reverse; plain is empty when it fails. */
int crypto_open(const struct secret *key, const struct buf *aad,
    const char *sealed, size_t len, struct buf *plain, struct err *err);

#endif
