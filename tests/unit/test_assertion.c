/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assertion, keypair: what is signed is what OpenSSL itself verifies.
 * link: tokend/assertion tokend/keypair tokend/crypto tokend/claims
 * libs: tokend
 */
#include "tokend/assertion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "json.h"
#include "tokend/claims.h"

static EVP_PKEY *key, *other;
static struct secret key_pem, other_pem, certificate_pem;
static struct err err;

static void
take_bio(BIO *bio, struct secret *out)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	assert_int_equal(secret_set(out, data, (size_t)len), 0);
	BIO_free(bio);
}

static void
write_key(EVP_PKEY *from, struct secret *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(
	    PEM_write_bio_PrivateKey(bio, from, NULL, NULL, 0, NULL, NULL), 1);
	take_bio(bio, out);
}

static int
setup(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *x = X509_new();

	(void)state;
	key = EVP_RSA_gen(2048);
	other = EVP_RSA_gen(2048);
	write_key(key, &key_pem);
	write_key(other, &other_pem);
	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20300102030405Z");
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	X509_free(x);
	take_bio(bio, &certificate_pem);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	secret_clear(&key_pem);
	secret_clear(&other_pem);
	secret_clear(&certificate_pem);
	return 0;
}

static struct keypair *
load(const struct secret *its_key)
{
	struct keypair *pair = keypair_new();

	assert_int_equal(
	    keypair_take_certificate(pair, &certificate_pem, NULL, &err), 0);
	assert_false(keypair_has_key(pair));
	assert_int_equal(keypair_take_key(pair, its_key, NULL, &err), 0);
	return pair;
}

static void
encode(const char *data, size_t len, const char *expected)
{
	struct buf out;

	buf_init(&out, 100);
	assert_int_equal(assertion_base64url(&out, data, len), 0);
	assert_string_equal(out.data != NULL ? out.data : "", expected);
	buf_clear(&out);
}

static void
test_base64url(void **state)
{
	struct buf small;

	(void)state;
	/* RFC 4648 section 10, without the padding */
	encode("", 0, "");
	encode("f", 1, "Zg");
	encode("fo", 2, "Zm8");
	encode("foo", 3, "Zm9v");
	encode("foob", 4, "Zm9vYg");
	encode("fooba", 5, "Zm9vYmE");
	encode("foobar", 6, "Zm9vYmFy");
	encode("\xfb\xff\xfe\0", 4, "-__-AA");
	buf_init(&small, 3);
	assert_int_equal(assertion_base64url(&small, "foo", 3), -1);
	buf_clear(&small);
}

/* The part from begin to the next dot, decoded. */
static size_t
decode(const char *begin, unsigned char *out, size_t size)
{
	char text[4096];
	size_t len = strcspn(begin, "."), i, pad = (4 - len % 4) % 4;
	int got;

	assert_true(len + pad < sizeof(text) && len < size);
	memcpy(text, begin, len);
	memset(text + len, '=', pad);
	for (i = 0; i < len; i++)
		text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	got =
	    EVP_DecodeBlock(out, (const unsigned char *)text, (int)(len + pad));
	assert_true(got >= 0);
	out[(size_t)got - pad] = '\0';
	return (size_t)got - pad;
}

static int
verify(EVP_PKEY *with, const char *jwt, int salt_len)
{
	const char *end = strrchr(jwt, '.');
	unsigned char signature[1024];
	size_t len = decode(end + 1, signature, sizeof(signature));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx;
	int rc;

	EVP_DigestVerifyInit(ctx, &pkey_ctx, EVP_sha256(), NULL, with);
	if (salt_len >= 0) {
		EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, salt_len);
	}
	rc = EVP_DigestVerify(ctx, signature, len, (const unsigned char *)jwt,
	    (size_t)(end - jwt));
	EVP_MD_CTX_free(ctx);
	return rc == 1;
}

static struct assertion
question(enum keypair_algorithm algorithm)
{
	struct assertion assertion = {
	    .algorithm = algorithm,
	    .issuer = "client",
	    .subject = "client",
	    .audience = "https://login.example/t/oauth2/v2.0/token",
	    .now_s = 1800000000,
	};

	return assertion;
}

static void
test_signature(void **state)
{
	struct keypair *pair = load(&key_pem);
	struct secret jwt = SECRET_INIT;
	struct assertion assertion = question(KEYPAIR_PS256);

	(void)state;
	assert_int_equal(assertion_make(&assertion, pair, &jwt, &err), 0);
	assert_true(verify(key, secret_reveal(&jwt), 32));
	assert_false(verify(key, secret_reveal(&jwt), 20));
	assert_false(verify(key, secret_reveal(&jwt), -1));
	assert_false(verify(other, secret_reveal(&jwt), 32));
	assertion.algorithm = KEYPAIR_RS256;
	assert_int_equal(assertion_make(&assertion, pair, &jwt, &err), 0);
	assert_true(verify(key, secret_reveal(&jwt), -1));
	assert_false(verify(key, secret_reveal(&jwt), 32));
	secret_clear(&jwt);
	keypair_free(pair);
}

static void
test_header_and_claims(void **state)
{
	struct assertion assertion = question(KEYPAIR_PS256);
	struct keypair *pair = load(&key_pem);
	char thumbprint[ASSERTION_THUMBPRINT_LEN], first[64];
	struct secret jwt = SECRET_INIT;
	unsigned char header[1024];
	struct json *json;
	int64_t number = 0;
	size_t len;

	(void)state;
	assert_int_equal(assertion_make(&assertion, pair, &jwt, &err), 0);
	len = decode(secret_reveal(&jwt), header, sizeof(header));
	json = json_parse((const char *)header, len, &err);
	assert_non_null(json);
	assert_string_equal(json_get_string(json, "alg"), "PS256");
	assert_string_equal(json_get_string(json, "typ"), "JWT");
	assert_int_equal(assertion_thumbprint(pair, thumbprint, &err), 0);
	assert_int_equal(strlen(thumbprint), 43);
	assert_string_equal(json_get_string(json, "x5t#S256"), thumbprint);
	assert_int_equal(strlen(json_get_string(json, "x5t")), 27);
	json_free(json);
	json = claims_read(&jwt);
	assert_string_equal(json_get_string(json, "iss"), "client");
	assert_string_equal(json_get_string(json, "sub"), "client");
	assert_string_equal(json_get_string(json, "aud"), assertion.audience);
	assert_int_equal(json_get_int(json, "nbf", &number), 1);
	assert_int_equal(number, 1800000000);
	assert_int_equal(json_get_int(json, "exp", &number), 1);
	assert_int_equal(number, 1800000300);
	assert_int_equal(strlen(json_get_string(json, "jti")), 36);
	strcpy(first, json_get_string(json, "jti"));
	json_free(json);
	assert_int_equal(assertion_make(&assertion, pair, &jwt, &err), 0);
	json = claims_read(&jwt);
	assert_string_not_equal(json_get_string(json, "jti"), first);
	json_free(json);
	secret_clear(&jwt);
	keypair_free(pair);
}

static void
test_what_does_not_fit(void **state)
{
	struct keypair *pair = load(&key_pem);
	struct secret junk = SECRET_INIT, small = SECRET_INIT;
	EVP_PKEY *weak = EVP_RSA_gen(1024);

	(void)state;
	assert_int_equal(keypair_check(pair, &err), 0);
	assert_int_equal(keypair_not_after_s(pair), 1893553445);
	assert_int_equal(keypair_take_key(pair, &other_pem, NULL, &err), 0);
	assert_int_equal(keypair_check(pair, &err), -1);
	assert_non_null(strstr(err.text, "does not belong"));
	write_key(weak, &small);
	EVP_PKEY_free(weak);
	assert_int_equal(keypair_take_key(pair, &small, NULL, &err), 0);
	assert_int_equal(keypair_check(pair, &err), -1);
	assert_non_null(strstr(err.text, "2048"));
	secret_set(&junk, "-----BEGIN NONSENSE-----\n", 25);
	assert_int_equal(keypair_take_key(pair, &junk, NULL, &err), -1);
	assert_non_null(strstr(err.text, "no private key"));
	assert_int_equal(keypair_take_certificate(pair, &junk, NULL, &err), -1);
	assert_non_null(strstr(err.text, "no certificate"));
	assert_true(keypair_is_private(&key_pem));
	assert_false(keypair_is_private(&certificate_pem));
	secret_clear(&junk);
	secret_clear(&small);
	keypair_free(pair);
	keypair_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_base64url),
	    cmocka_unit_test(test_signature),
	    cmocka_unit_test(test_header_and_claims),
	    cmocka_unit_test(test_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
