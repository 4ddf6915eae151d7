/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto - the only door to OpenSSL. See crypto.h.
 */
#define _GNU_SOURCE
#include "crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <limits.h>
#include <stdint.h>
#include <string.h>

#define NONCE_LEN 12
#define TAG_LEN 16

int
crypto_start(struct err *err)
{
	SSL_CTX *ctx;

	if (OPENSSL_init_ssl(0, NULL) != 1 ||
	    (ctx = SSL_CTX_new(TLS_client_method())) == NULL)
		return err_set(err, ERR_TEMPORARY, "openssl",
		    "OpenSSL does not start: no memory, or its own "
		    "configuration file is broken");
	SSL_CTX_free(ctx);
	return 0;
}

int
crypto_random(void *out, size_t len, struct err *err)
{
	if (len > INT_MAX || RAND_bytes(out, (int)len) != 1)
		return err_set(err, ERR_TEMPORARY, "openssl",
		    "no random bytes from OpenSSL");
	return 0;
}

int
crypto_digest(const void *data, size_t len,
    unsigned char digest[CRYPTO_HASH_LEN], struct err *err)
{
	if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return err_set(
		    err, ERR_TEMPORARY, "openssl", "no SHA-256 from OpenSSL");
	return 0;
}

int
crypto_hash(
    const void *data, size_t len, char hex[CRYPTO_HEX_LEN], struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[CRYPTO_HASH_LEN];
	size_t i;

	if (crypto_digest(data, len, hash, err) == -1)
		return -1;
	for (i = 0; i < sizeof(hash); i++) {
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	hex[2 * i] = '\0';
	return 0;
}

int
crypto_fingerprint(
    const struct secret *secret, char id[CRYPTO_ID_LEN], struct err *err)
{
	char hex[CRYPTO_HEX_LEN];

	if (crypto_hash(secret_reveal(secret), secret_len(secret), hex, err) ==
	    -1)
		return -1;
	memcpy(id, hex, CRYPTO_ID_LEN - 1);
	id[CRYPTO_ID_LEN - 1] = '\0';
	return 0;
}

static unsigned char *
bytes(char *data)
{
	return (unsigned char *)data;
}

static const unsigned char *
const_bytes(const char *data)
{
	return (const unsigned char *)data;
}

static const unsigned char *
key_bytes(const struct secret *key)
{
	return const_bytes(secret_reveal(key));
}

int
crypto_base64(const void *data, size_t len, struct buf *out, struct err *err)
{
	size_t text_len = (len + 2) / 3 * 4;
	char *room = len > INT_MAX / 2 ? NULL : buf_reserve(out, text_len);

	if (room == NULL)
		return err_set(err, ERR_BUG, "base64", "too long for base64");
	EVP_EncodeBlock(bytes(room), data, (int)len);
	buf_commit(out, text_len);
	return 0;
}

/* OpenSSL takes blanks around it and counts padding as bytes. */
int
crypto_unbase64(const char *text, size_t len, struct buf *out, struct err *err)
{
	size_t pads = 0;
	char *room = NULL;
	int got = -1;

	while (pads < 2 && pads < len && text[len - 1 - pads] == '=')
		pads++;
	if (len % 4 == 0 && len <= INT_MAX / 2 &&
	    memchr(text, '=', len - pads) == NULL &&
	    memchr(text, '\n', len) == NULL && memchr(text, ' ', len) == NULL)
		room = buf_reserve(out, len / 4 * 3);
	if (room != NULL && len > 0)
		got = EVP_DecodeBlock(bytes(room), const_bytes(text), (int)len);
	if (got < (int)pads)
		return err_set(err, ERR_CONFIG, "base64", "this is no base64");
	buf_commit(out, (size_t)got - pads);
	return 0;
}

int
crypto_stretch(const struct secret *passphrase, const struct buf *salt,
    int log_n, struct secret *key, struct err *err)
{
	unsigned char out[CRYPTO_KEY_LEN];
	uint64_t n = (uint64_t)1 << log_n;
	int ok;

	/* The last limit is OpenSSL's own, of memory: a little more than N. */
	ok = EVP_PBE_scrypt(secret_reveal(passphrase), secret_len(passphrase),
		 const_bytes(salt->data), salt->len, n, 8, 1, 2 * 1024 * n, out,
		 sizeof(out)) == 1 &&
	     secret_set(key, (const char *)out, sizeof(out)) == 0;
	explicit_bzero(out, sizeof(out));
	if (ok)
		return 0;
	return err_set(err, ERR_TEMPORARY, "openssl",
	    "no key from the passphrase: OpenSSL has no scrypt, or no memory");
}

/* Cipher text of plain into out[NONCE_LEN..], nonce before, tag behind. */
static int
encrypt(EVP_CIPHER_CTX *ctx, const unsigned char *key, const struct buf *aad,
    const struct buf *plain, char *out)
{
	char *text = out + NONCE_LEN;
	int len;

	return EVP_EncryptInit_ex2(
		   ctx, EVP_aes_256_gcm(), key, bytes(out), NULL) == 1 &&
	       EVP_EncryptUpdate(ctx, NULL, &len, const_bytes(aad->data),
		   (int)aad->len) == 1 &&
	       EVP_EncryptUpdate(ctx, bytes(text), &len,
		   const_bytes(plain->data), (int)plain->len) == 1 &&
	       EVP_EncryptFinal_ex(ctx, bytes(text) + len, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(
		   ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + plain->len) == 1;
}

int
crypto_seal(const struct secret *key, const struct buf *aad,
    const struct buf *plain, struct buf *out, struct err *err)
{
	size_t len = plain->len + CRYPTO_SEAL_EXTRA;
	EVP_CIPHER_CTX *ctx;
	char *room;
	int ok;

	room = buf_reserve(out, len);
	if (room == NULL || plain->len > INT_MAX || aad->len > INT_MAX ||
	    secret_len(key) != CRYPTO_KEY_LEN)
		return err_set(err, ERR_BUG, "seal", "cannot be sealed so");
	if (crypto_random(room, NONCE_LEN, err) == -1)
		return -1;
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx != NULL && encrypt(ctx, key_bytes(key), aad, plain, room);
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return err_set(
		    err, ERR_TEMPORARY, "openssl", "OpenSSL cannot encrypt");
	buf_commit(out, len);
	return 0;
}

static int
decrypt(EVP_CIPHER_CTX *ctx, const unsigned char *key, const struct buf *aad,
    const char *sealed, size_t text_len, char *out)
{
	const char *text = sealed + NONCE_LEN;
	char tag[TAG_LEN];
	int len;

	memcpy(tag, text + text_len, TAG_LEN);
	return EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key,
		   const_bytes(sealed), NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &len, const_bytes(aad->data),
		   (int)aad->len) == 1 &&
	       EVP_DecryptUpdate(ctx, bytes(out), &len, const_bytes(text),
		   (int)text_len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) ==
		   1 &&
	       EVP_DecryptFinal_ex(ctx, bytes(out) + len, &len) == 1;
}

int
crypto_open(const struct secret *key, const struct buf *aad, const char *sealed,
    size_t len, struct buf *plain, struct err *err)
{
	EVP_CIPHER_CTX *ctx;
	size_t text_len;
	char *room;
	int ok;

	if (len < CRYPTO_SEAL_EXTRA || len > INT_MAX)
		return err_set(
		    err, ERR_CONFIG, "seal", "too short to be a sealed file");
	text_len = len - CRYPTO_SEAL_EXTRA;
	room = buf_reserve(plain, text_len);
	ctx = EVP_CIPHER_CTX_new();
	ok = room != NULL && ctx != NULL && secret_len(key) == CRYPTO_KEY_LEN &&
	     decrypt(ctx, key_bytes(key), aad, sealed, text_len, room);
	EVP_CIPHER_CTX_free(ctx);
	if (!ok) {
		buf_clear(plain);
		return err_set(err, ERR_CONFIG, "seal",
		    "the seal is broken: damaged, or of another account");
	}
	buf_commit(plain, text_len);
	return 0;
}
