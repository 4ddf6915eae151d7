/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto: known answers, and that a seal holds.
 * link: tokend/crypto
 * libs: tokend
 */
#include "tokend/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char key_bytes[] = "0123456789abcdef0123456789abcdef";
static const struct secret key = {key_bytes, CRYPTO_KEY_LEN};
static struct err err;

static void
test_sha256(void **state)
{
	char hex[CRYPTO_HEX_LEN], id[CRYPTO_ID_LEN];
	struct secret s = SECRET_INIT;

	(void)state;
	/* FIPS 180-4, example "abc" */
	assert_int_equal(crypto_hash("abc", 3, hex, &err), 0);
	assert_string_equal(hex,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	secret_set(&s, "abc", 3);
	assert_int_equal(crypto_fingerprint(&s, id, &err), 0);
	assert_string_equal(id, "ba7816bf8f01cfea");
	secret_clear(&s);
}

static void
seal(struct buf *aad, struct buf *sealed, const char *text)
{
	struct buf plain;

	buf_init(&plain, 1000);
	buf_adds(&plain, text);
	assert_int_equal(crypto_seal(&key, aad, &plain, sealed, &err), 0);
	assert_int_equal(sealed->len, strlen(text) + CRYPTO_SEAL_EXTRA);
	buf_clear(&plain);
}

static void
test_seal_opens_with_key_and_aad_only(void **state)
{
	static char other_bytes[CRYPTO_KEY_LEN + 1] = "x";
	const struct secret other = {other_bytes, CRYPTO_KEY_LEN};
	struct buf aad, sealed, plain;

	(void)state;
	buf_init(&aad, 100);
	buf_init(&sealed, 1000);
	buf_init(&plain, 1000);
	buf_adds(&aad, "header");
	seal(&aad, &sealed, "refresh token");
	assert_int_equal(
	    crypto_open(&key, &aad, sealed.data, sealed.len, &plain, &err), 0);
	assert_string_equal(plain.data, "refresh token");
	buf_clear(&plain);
	assert_int_equal(
	    crypto_open(&other, &aad, sealed.data, sealed.len, &plain, &err),
	    -1);
	assert_int_equal(plain.len, 0);
	buf_adds(&aad, "2");
	assert_int_equal(
	    crypto_open(&key, &aad, sealed.data, sealed.len, &plain, &err), -1);
	assert_int_equal(
	    crypto_open(&key, &aad, sealed.data, 27, &plain, &err), -1);
	buf_clear(&aad);
	buf_clear(&sealed);
}

static void
test_same_text_is_never_sealed_alike(void **state)
{
	struct buf aad, a, b;

	(void)state;
	buf_init(&aad, 100);
	buf_init(&a, 1000);
	buf_init(&b, 1000);
	buf_adds(&aad, "header");
	seal(&aad, &a, "token");
	seal(&aad, &b, "token");
	assert_memory_not_equal(a.data, b.data, a.len);
	buf_clear(&aad);
	buf_clear(&a);
	buf_clear(&b);
}

static void
test_starts(void **state)
{
	(void)state;
	assert_int_equal(crypto_start(&err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_starts),
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_seal_opens_with_key_and_aad_only),
	    cmocka_unit_test(test_same_text_is_never_sealed_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
