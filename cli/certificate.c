/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate - see certificate.h.
 */
#include "certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string.h>
#include <time.h>

#define KEY_BITS 3072
#define SERIAL_BYTES 16

static int
broken(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_TEMPORARY, "openssl",
	    "OpenSSL cannot make a certificate: no memory, or its own "
	    "configuration file is broken");
}

/* Positive and never the same twice (RFC 5280 4.1.2.2). */
static int
set_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	int ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return 0;
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number,
				   X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return ok;
}

static int
set_name(X509 *certificate, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		   (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, subject) == 1;
}

/* It signs assertions and nothing else. */
static int
add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int ok =
	    extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static X509 *
self_signed(EVP_PKEY *key, const char *name, int64_t now_s)
{
	X509 *certificate = X509_new();
	time_t now = (time_t)now_s;

	if (certificate != NULL && X509_set_version(certificate, 2) == 1 &&
	    set_serial(certificate) &&
	    X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &now) !=
		NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(certificate), CERTIFICATE_DAYS,
		0, &now) != NULL &&
	    X509_set_pubkey(certificate, key) == 1 &&
	    set_name(certificate, name) &&
	    add_extension(
		certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(
		certificate, NID_key_usage, "critical,digitalSignature") &&
	    X509_sign(certificate, key, EVP_sha256()) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* A BIO in memory wipes what it held when it is freed. */
static int
write_key(EVP_PKEY *key, struct secret *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len;
	int rc = -1;

	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(
			       bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		len = BIO_get_mem_data(bio, &data);
		rc = secret_set(out, data, (size_t)len);
	}
	BIO_free(bio);
	return rc;
}

static int
write_certificate(X509 *certificate, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len;
	int rc = -1;

	if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1) {
		len = BIO_get_mem_data(bio, &data);
		rc = buf_add(out, data, (size_t)len);
	}
	BIO_free(bio);
	return rc;
}

int
certificate_make(const char *name, int64_t now_s, struct secret *key,
    struct buf *pem, struct err *err)
{
	EVP_PKEY *pair = EVP_RSA_gen(KEY_BITS);
	X509 *certificate =
	    pair != NULL ? self_signed(pair, name, now_s) : NULL;
	int rc = -1;

	if (certificate != NULL && write_key(pair, key) == 0 &&
	    write_certificate(certificate, pem) == 0)
		rc = 0;
	else
		(void)broken(err);
	X509_free(certificate);
	EVP_PKEY_free(pair);
	return rc;
}

static int
digest(const X509 *certificate, const EVP_MD *kind, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int len = 0, i;

	if (X509_digest(certificate, kind, bytes, &len) != 1)
		return -1;
	for (i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 0xf];
	}
	*out = '\0';
	return 0;
}

static int
end_of(const X509 *certificate, char out[CERTIFICATE_DATE_SIZE])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return -1;
	return strftime(out, CERTIFICATE_DATE_SIZE, "%Y-%m-%d", &tm) > 0 ? 0
									 : -1;
}

int
certificate_read(
    const char *pem, struct certificate_face *face, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate =
	    bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int rc = 0;

	if (certificate == NULL ||
	    digest(certificate, EVP_sha1(), face->sha1) == -1 ||
	    digest(certificate, EVP_sha256(), face->sha256) == -1 ||
	    end_of(certificate, face->ends) == -1) {
		ERR_clear_error();
		rc = err_set(err, ERR_CONFIG, "certificate",
		    "is no certificate in PEM form (BEGIN CERTIFICATE)");
	}
	X509_free(certificate);
	BIO_free(bio);
	return rc;
}
