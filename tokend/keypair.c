/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keypair - RSA keys and certificates through OpenSSL. See keypair.h.
 */
#define _GNU_SOURCE
#include "keypair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"

struct keypair {
	EVP_PKEY *key;
	X509 *certificate;
};

struct keypair *
keypair_new(void)
{
	return mem_zalloc(1, sizeof(struct keypair));
}

void
keypair_free(struct keypair *pair)
{
	if (pair == NULL)
		return;
	EVP_PKEY_free(pair->key);
	X509_free(pair->certificate);
	free(pair);
}

static int
refuse(struct err *err, const char *problem)
{
	/* What OpenSSL says of it is for its developers. */
	ERR_clear_error();
	return err_set(err, ERR_CONFIG, "certificate", "%s", problem);
}

static int
broken(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_TEMPORARY, "openssl",
	    "OpenSSL cannot work with the key: no memory, or its own "
	    "configuration file is broken");
}

static BIO *
reader(const struct secret *data)
{
	return BIO_new_mem_buf(secret_reveal(data), (int)secret_len(data));
}

/* --- PKCS#12 (RFC 7292) ----------------------------------------------------
 */

static PKCS12 *
read_pkcs12(const struct secret *data)
{
	PKCS12 *p12;
	BIO *bio;

	/* A DER sequence; PEM is text. */
	if (secret_len(data) < 2 || secret_reveal(data)[0] != 0x30)
		return NULL;
	bio = reader(data);
	if (bio == NULL)
		return NULL;
	p12 = d2i_PKCS12_bio(bio, NULL);
	BIO_free(bio);
	return p12;
}

static void
set_key(struct keypair *pair, EVP_PKEY *key)
{
	EVP_PKEY_free(pair->key);
	pair->key = key;
}

static void
set_certificate(struct keypair *pair, X509 *certificate)
{
	X509_free(pair->certificate);
	pair->certificate = certificate;
}

/* 1: taken, 0: it is none, -1: it is one that does not open. */
static int
take_pkcs12(struct keypair *pair, const struct secret *data,
    const struct secret *passphrase, struct err *err)
{
	const char *phrase =
	    passphrase != NULL ? secret_reveal(passphrase) : "";
	PKCS12 *p12 = read_pkcs12(data);
	X509 *certificate = NULL;
	EVP_PKEY *key = NULL;
	int ok;

	if (p12 == NULL) {
		ERR_clear_error();
		return 0;
	}
	ok = PKCS12_parse(p12, phrase, &key, &certificate, NULL);
	PKCS12_free(p12);
	if (!ok) {
		EVP_PKEY_free(key);
		X509_free(certificate);
		return refuse(err,
		    *phrase == '\0'
			? "is a PKCS#12 file that needs a passphrase, or is "
			  "encrypted in an old way; put the passphrase into a "
			  "file and name that in key_passphrase_file"
			: "is a PKCS#12 file that does not open with the "
			  "passphrase of key_passphrase_file, or is encrypted "
			  "in an old way (RC2); make it anew with openssl "
			  "pkcs12 -export");
	}
	if (key != NULL)
		set_key(pair, key);
	if (certificate != NULL && pair->certificate == NULL)
		set_certificate(pair, certificate);
	else
		X509_free(certificate);
	return 1;
}

/* --- PEM (RFC 7468) --------------------------------------------------------
 */

static int
give_passphrase(char *out, int size, int writing, void *arg)
{
	const struct secret *passphrase = arg;
	size_t len = passphrase != NULL ? secret_len(passphrase) : 0;

	(void)writing;
	if (len == 0 || size < 0 || len > (size_t)size)
		return -1;
	memcpy(out, secret_reveal(passphrase), len);
	return (int)len;
}

int
keypair_is_private(const struct secret *data)
{
	return secret_len(data) > 0 &&
	       (secret_reveal(data)[0] == 0x30 ||
		   strstr(secret_reveal(data), "PRIVATE KEY-----") != NULL);
}

int
keypair_take_certificate(struct keypair *pair, const struct secret *data,
    const struct secret *passphrase, struct err *err)
{
	int rc = take_pkcs12(pair, data, passphrase, err);
	X509 *certificate;
	BIO *bio;

	if (rc == -1)
		return -1;
	if (rc == 1 && pair->certificate == NULL)
		return refuse(err, "is a PKCS#12 file without a certificate");
	if (rc == 1)
		return 0;
	bio = reader(data);
	if (bio == NULL)
		return broken(err);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (certificate == NULL)
		return refuse(err,
		    "holds no certificate; it must be PEM (-----BEGIN "
		    "CERTIFICATE-----) or PKCS#12");
	set_certificate(pair, certificate);
	return 0;
}

int
keypair_take_key(struct keypair *pair, const struct secret *data,
    const struct secret *passphrase, struct err *err)
{
	int rc = take_pkcs12(pair, data, passphrase, err);
	void *phrase = NULL;
	EVP_PKEY *key;
	BIO *bio;

	if (rc == -1)
		return -1;
	if (rc == 1 && pair->key == NULL)
		return refuse(err, "is a PKCS#12 file without a key");
	if (rc == 1)
		return 0;
	bio = reader(data);
	if (bio == NULL)
		return broken(err);
	/* OpenSSL's callback takes what it gets unchanged. */
	memcpy(&phrase, &passphrase, sizeof(phrase));
	key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, phrase);
	BIO_free(bio);
	if (key == NULL && strstr(secret_reveal(data), "ENCRYPTED") != NULL)
		return refuse(err,
		    "holds an encrypted key that the passphrase of "
		    "key_passphrase_file does not open");
	if (key == NULL)
		return refuse(err,
		    "holds no private key; it must be PEM (-----BEGIN PRIVATE "
		    "KEY-----) or PKCS#12");
	set_key(pair, key);
	return 0;
}

/* --- what it is ------------------------------------------------------------
 */

int
keypair_has_key(const struct keypair *pair)
{
	return pair->key != NULL;
}

int
keypair_check(const struct keypair *pair, struct err *err)
{
	if (pair->key == NULL)
		return refuse(err, "holds no private key");
	if (EVP_PKEY_get_base_id(pair->key) != EVP_PKEY_RSA)
		return refuse(err,
		    "holds a key that is not RSA; the provider takes RSA only");
	if (EVP_PKEY_get_bits(pair->key) < KEYPAIR_BITS_MIN)
		return refuse(err, "holds an RSA key shorter than 2048 bits");
	if (pair->certificate != NULL &&
	    X509_check_private_key(pair->certificate, pair->key) != 1)
		return refuse(
		    err, "holds a key that does not belong to the certificate");
	return 0;
}

static int64_t
seconds(const ASN1_TIME *when)
{
	struct tm tm;

	if (when == NULL || ASN1_TIME_to_tm(when, &tm) != 1)
		return 0;
	return timegm(&tm);
}

int64_t
keypair_not_after_s(const struct keypair *pair)
{
	return seconds(X509_get0_notAfter(pair->certificate));
}

int64_t
keypair_not_before_s(const struct keypair *pair)
{
	return seconds(X509_get0_notBefore(pair->certificate));
}

int
keypair_thumbprints(const struct keypair *pair,
    unsigned char sha256[KEYPAIR_SHA256_LEN],
    unsigned char sha1[KEYPAIR_SHA1_LEN], struct err *err)
{
	unsigned int len;

	if (X509_digest(pair->certificate, EVP_sha256(), sha256, &len) != 1 ||
	    X509_digest(pair->certificate, EVP_sha1(), sha1, &len) != 1)
		return broken(err);
	return 0;
}

/* --- signatures ------------------------------------------------------------
 */

/* RFC 7518 section 3.5: the salt is as long as the hash, MGF1 with it. */
static int
set_padding(EVP_PKEY_CTX *ctx, enum keypair_algorithm algorithm)
{
	if (algorithm == KEYPAIR_RS256)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) >
		   0;
}

int
keypair_sign(const struct keypair *pair, enum keypair_algorithm algorithm,
    const struct buf *text, struct buf *out, struct err *err)
{
	const unsigned char *data = (const unsigned char *)text->data;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx = NULL; /* part of ctx */
	unsigned char *room;
	size_t len = 0;
	int ok;

	ok = ctx != NULL &&
	     EVP_DigestSignInit(
		 ctx, &pkey_ctx, EVP_sha256(), NULL, pair->key) == 1 &&
	     set_padding(pkey_ctx, algorithm) &&
	     EVP_DigestSign(ctx, NULL, &len, data, text->len) == 1;
	room = ok ? (unsigned char *)buf_reserve(out, len) : NULL;
	ok = room != NULL &&
	     EVP_DigestSign(ctx, room, &len, data, text->len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return broken(err);
	buf_commit(out, len);
	return 0;
}
