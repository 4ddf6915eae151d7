/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate: what is made is what tokend reads, and what the portal shows.
 * link: cli/certificate tokend/keypair
 * libs: tokend
 */
#include "cli/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tokend/keypair.h"

#define NOW 1764000000 /* 2025-11-24 16:00 UTC */

static void
test_made_and_read(void **state)
{
	struct secret key = SECRET_INIT, data = SECRET_INIT;
	struct keypair *pair = keypair_new();
	unsigned char sha256[KEYPAIR_SHA256_LEN], sha1[KEYPAIR_SHA1_LEN];
	struct certificate_face face;
	char digits[3];
	struct buf pem;
	struct err err;
	size_t i;

	(void)state;
	buf_init(&pem, 16384);
	assert_int_equal(certificate_make("postoak relay@contoso.com", NOW,
			     &key, &pem, &err),
	    0);
	assert_non_null(strstr(secret_reveal(&key), "BEGIN PRIVATE KEY"));
	assert_null(strstr(pem.data, "PRIVATE"));
	assert_int_equal(secret_set(&data, pem.data, pem.len), 0);
	assert_int_equal(keypair_take_certificate(pair, &data, NULL, &err), 0);
	assert_int_equal(keypair_take_key(pair, &key, NULL, &err), 0);
	assert_int_equal(keypair_check(pair, &err), 0);
	assert_int_equal(keypair_not_before_s(pair), NOW);
	assert_int_equal(keypair_not_after_s(pair),
	    NOW + (int64_t)CERTIFICATE_DAYS * 24 * 60 * 60);
	assert_int_equal(certificate_read(pem.data, &face, &err), 0);
	assert_string_equal(face.ends, "2027-11-24");
	assert_int_equal(keypair_thumbprints(pair, sha256, sha1, &err), 0);
	assert_int_equal(strlen(face.sha1), 2 * sizeof(sha1));
	for (i = 0; i < sizeof(sha256); i++) {
		snprintf(digits, sizeof(digits), "%02X", sha256[i]);
		assert_memory_equal(face.sha256 + 2 * i, digits, 2);
		snprintf(
		    digits, sizeof(digits), "%02X", sha1[i % sizeof(sha1)]);
		assert_memory_equal(
		    face.sha1 + 2 * (i % sizeof(sha1)), digits, 2);
	}
	keypair_free(pair);
	secret_clear(&key);
	secret_clear(&data);
	buf_clear(&pem);
}

static void
test_no_certificate(void **state)
{
	struct certificate_face face;
	struct err err;

	(void)state;
	assert_int_equal(certificate_read("", &face, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(certificate_read("-----BEGIN CERTIFICATE-----\nAAAA\n"
					  "-----END CERTIFICATE-----\n",
			     &face, &err),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_made_and_read),
	    cmocka_unit_test(test_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
