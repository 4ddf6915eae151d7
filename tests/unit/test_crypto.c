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
test_base64(void **state)
{
	/* RFC 4648, section 10. */
	static const char *const all[][2] = {{"f", "Zg=="}, {"fo", "Zm8="},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"", "Zg",
	    "Zg=", "Z===", "====", "Zm9v\n", "Zm9 ", "Zg==Zg==", "Zm9-"};
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 100);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(
		    crypto_base64(all[i][0], strlen(all[i][0]), &out, &err), 0);
		assert_string_equal(out.data, all[i][1]);
		buf_clear(&out);
		assert_int_equal(
		    crypto_unbase64(all[i][1], strlen(all[i][1]), &out, &err),
		    0);
		assert_string_equal(out.data, all[i][0]);
		buf_clear(&out);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    crypto_unbase64(bad[i], strlen(bad[i]), &out, &err), -1);
	buf_clear(&out);
}

/* RFC 7914, section 12: N = 16384, r = 8, p = 1. */
static void
test_stretch(void **state)
{
	static const unsigned char known[CRYPTO_KEY_LEN] = {0x70, 0x23, 0xbd,
	    0xcb, 0x3a, 0xfd, 0x73, 0x48, 0x46, 0x1c, 0x06, 0xcd, 0x81, 0xfd,
	    0x38, 0xeb, 0xfd, 0xa8, 0xfb, 0xba, 0x90, 0x4f, 0x8e, 0x3e, 0xa9,
	    0xb5, 0x43, 0xf6, 0x54, 0x5d, 0xa1, 0xf2};
	struct secret passphrase = SECRET_INIT, out = SECRET_INIT;
	struct buf salt;

	(void)state;
	buf_init(&salt, 100);
	buf_adds(&salt, "SodiumChloride");
	secret_set(&passphrase, "pleaseletmein", 13);
	assert_int_equal(crypto_stretch(&passphrase, &salt, 14, &out, &err), 0);
	assert_int_equal(secret_len(&out), CRYPTO_KEY_LEN);
	assert_memory_equal(secret_reveal(&out), known, CRYPTO_KEY_LEN);
	secret_clear(&passphrase);
	secret_clear(&out);
	buf_clear(&salt);
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
	    cmocka_unit_test(test_base64),
	    cmocka_unit_test(test_stretch),
	    cmocka_unit_test(test_same_text_is_never_sealed_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
