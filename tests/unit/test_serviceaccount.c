/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serviceaccount: what Google's key file makes of a user, and what is no key
 * file.
 * link: tokend/serviceaccount tokend/assertion tokend/keypair tokend/crypto
 * link: tokend/claims tests/unit/conf_files
 * link: tokend/endpoints
 * libs: tokend
 */
#include "tokend/serviceaccount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "json.h"
#include "tests/unit/conf_files.h"
#include "tokend/claims.h"

#define NOW_S 1700000000

static char pem[4096];
static struct secret jwt;
static struct err err;

/* With the ends of line written as JSON has them. */
static int
setup(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *bio = BIO_new(BIO_s_mem());
	size_t used = 0;
	char *data;
	long len, i;

	assert_int_equal(
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &data);
	for (i = 0; i < len && used < sizeof(pem) - 3; i++) {
		if (data[i] == '\n')
			pem[used++] = '\\';
		pem[used++] = data[i] == '\n' ? 'n' : data[i];
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return conf_files_open(state);
}

static int
teardown(void **state)
{
	secret_clear(&jwt);
	return conf_files_close(state);
}

static struct conf_application
application(void)
{
	static char path[256], scope[] = "https://mail.google.com/",
			       endpoint[] = "https://oauth2.example/token";
	struct conf_application a = {
	    .service_account_file = path,
	    .scope = scope,
	    .token_endpoint = endpoint,
	};

	snprintf(path, sizeof(path), "%s", conf_files_path("service.json"));
	return a;
}

static void
put(const char *text)
{
	conf_files_write("service.json", text, strlen(text));
	assert_int_equal(chmod(conf_files_path("service.json"), 0600), 0);
}

static int
sign(void)
{
	struct conf_application a = application();

	secret_clear(&jwt);
	return serviceaccount_sign(&a, "user@example.org", NOW_S, &jwt, &err);
}

static void
put_fields(const char *key, const char *key_id, const char *email)
{
	char text[8192];

	snprintf(text, sizeof(text),
	    "{\"type\":\"service_account\",\"private_key\":\"%s\","
	    "\"%s\":\"k1\",\"%s\":\"relay@p.iam.gserviceaccount.com\"}",
	    key, key_id, email);
	put(text);
}

static void
assert_claim(const struct json *claims, const char *name, const char *value)
{
	assert_string_equal(json_get_string(claims, name), value);
}

/* Facts, section 10: iss, scope, aud, sub, iat, exp within an hour. */
static void
test_claims(void **state)
{
	struct json *claims;
	int64_t issued = 0, ends = 0;

	(void)state;
	put_fields(pem, "private_key_id", "client_email");
	if (sign() == -1)
		fail_msg("%s", err.text);
	claims = claims_read(&jwt);
	assert_non_null(claims);
	assert_claim(claims, "iss", "relay@p.iam.gserviceaccount.com");
	assert_claim(claims, "sub", "user@example.org");
	assert_claim(claims, "aud", "https://oauth2.example/token");
	assert_claim(claims, "scope", "https://mail.google.com/");
	assert_int_equal(json_get_int(claims, "iat", &issued), 1);
	assert_int_equal(json_get_int(claims, "exp", &ends), 1);
	assert_in_range(issued, NOW_S - 300, NOW_S);
	assert_in_range(ends, NOW_S + 60, issued + 3600);
	json_free(claims);
}

static void
test_what_is_no_key_file(void **state)
{
	static const struct {
		const char *key;
		const char *key_id;
		const char *email;
		const char *says;
	} files[] = {
	    {"x", "private_key_id", "client_email", "private key"},
	    {NULL, "id", "client_email", "lacks private_key"},
	    {NULL, "private_key_id", "mail", "lacks private_key"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put_fields(files[i].key != NULL ? files[i].key : pem,
		    files[i].key_id, files[i].email);
		assert_int_equal(sign(), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.code, "service_account");
		if (strstr(err.text, files[i].says) == NULL)
			fail_msg("%s", err.text);
		assert_non_null(strstr(err.text, "service.json"));
		assert_non_null(strstr(err.text, "Google Cloud console"));
		assert_null(strstr(err.text, "MII"));
		assert_true(secret_empty(&jwt));
	}
	put("{");
	assert_int_equal(sign(), -1);
	assert_non_null(strstr(err.text, "is no JSON"));
	put("[]");
	assert_int_equal(sign(), -1);
}

static void
test_rights_of_the_file(void **state)
{
	(void)state;
	put_fields(pem, "private_key_id", "client_email");
	assert_int_equal(chmod(conf_files_path("service.json"), 0644), 0);
	assert_int_equal(sign(), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "chmod 0600"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_claims),
	    cmocka_unit_test(test_what_is_no_key_file),
	    cmocka_unit_test(test_rights_of_the_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
