/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parcel: opens for its owner with its passphrase, and for nobody else.
 *
 * link: tokend/parcel tokend/record tokend/crypto
 * libs: tokend
 */
#define _GNU_SOURCE
#include "tokend/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"

#define PASSPHRASE "correct horse battery"

static const struct parcel_owner owner = {
    .account = "relay@contoso.com",
    .user = "relay@contoso.com",
    .client_id = "66666666-7777-8888-9999-000000000000",
    .endpoint = "https://login.example/contoso/oauth2/v2.0/token",
};
static struct err err;
static struct buf text;

static int
setup(void **state)
{
	struct record record;

	(void)state;
	record_init(&record);
	secret_set(&record.refresh_token, "1.refresh-token", 15);
	record.obtained_at_s = 1700000000;
	record.scope = mem_strdup("SMTP.Send");
	buf_init(&text, PARCEL_MAX);
	assert_int_equal(
	    parcel_seal(&owner, &record, PASSPHRASE, 1700000100, &text, &err),
	    0);
	record_clear(&record);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_clear(&text);
	return 0;
}

static void
assert_refused(const struct parcel_owner *whose, const char *data,
    const char *passphrase, const char *code, const char *words)
{
	struct record record;

	assert_int_equal(
	    parcel_open(whose, data, passphrase, &record, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.code, code);
	assert_non_null(strstr(err.text, words));
	assert_true(secret_empty(&record.refresh_token));
}

static void
test_there_and_back(void **state)
{
	struct record record;

	(void)state;
	assert_int_equal(
	    parcel_open(&owner, text.data, PASSPHRASE, &record, &err), 0);
	assert_string_equal(
	    secret_reveal(&record.refresh_token), "1.refresh-token");
	assert_int_equal(record.obtained_at_s, 1700000000);
	assert_string_equal(record.scope, "SMTP.Send");
	record_clear(&record);
	/* To be read by people, and without what must not be. */
	assert_non_null(strstr(text.data, "account=relay@contoso.com\n"));
	assert_non_null(strstr(text.data, "exported_at=1700000100\n"));
	assert_null(strstr(text.data, "refresh-token"));
	assert_null(strstr(text.data, "SMTP.Send"));
}

/* What mail programs and editors do to a text. */
static void
test_line_ends_do_not_matter_behind_the_block(void **state)
{
	char *other = mem_zalloc(2, text.len), *to = other;
	size_t i, head = (size_t)(strstr(text.data, "\n\n") - text.data) + 2;
	struct record record;

	(void)state;
	for (i = 0; i < text.len; i++) {
		if (i >= head && text.data[i] == '\n')
			*to++ = '\r';
		*to++ = text.data[i];
	}
	assert_int_equal(
	    parcel_open(&owner, other, PASSPHRASE, &record, &err), 0);
	record_clear(&record);
	free(other);
}

static void
test_of_somebody_else(void **state)
{
	struct parcel_owner other = owner;

	(void)state;
	other.account = "second@contoso.com";
	assert_refused(&other, text.data, PASSPHRASE, "owner",
	    "another account: it was exported for relay@contoso.com");
	other = owner;
	other.user = "else@contoso.com";
	assert_refused(&other, text.data, PASSPHRASE, "owner", "another user");
	other = owner;
	other.client_id = "1";
	assert_refused(
	    &other, text.data, PASSPHRASE, "owner", "another application");
	other = owner;
	other.endpoint = "https://login.example/fabrikam/oauth2/v2.0/token";
	assert_refused(
	    &other, text.data, PASSPHRASE, "owner", "another tenant");
}

/* The block is not sealed, but what is sealed is bound to it. */
static void
test_relabelled(void **state)
{
	struct parcel_owner other = owner;
	char *data = mem_strdup(text.data), *place;

	(void)state;
	place = strstr(data, "account=relay");
	memcpy(place, "account=relax", 13);
	other.account = "relax@contoso.com";
	assert_refused(
	    &other, data, PASSPHRASE, "passphrase", "or the file was changed");
	free(data);
}

static void
test_wrong_passphrase(void **state)
{
	(void)state;
	assert_refused(&owner, text.data, "correct horse batterz", "passphrase",
	    "the passphrase is wrong");
	assert_refused(&owner, text.data, "", "passphrase", "wrong");
	assert_int_equal(parcel_check("short", &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(parcel_check(PASSPHRASE, &err), 0);
}

/* Every byte counts, whether it is said as damage or as another owner. */
static void
test_every_byte_counts(void **state)
{
	struct record record;
	size_t i, kept = 0;
	char *data;

	(void)state;
	for (i = 0; i < text.len; i += i < 300 ? 7 : 3) {
		data = mem_strdup(text.data);
		data[i] = (char)(data[i] == 'A' ? 'B' : 'A');
		kept +=
		    parcel_open(&owner, data, PASSPHRASE, &record, &err) == 0;
		record_clear(&record);
		free(data);
	}
	assert_int_equal(kept, 0);
}

static void
test_what_is_none(void **state)
{
	char *data = mem_strdup(text.data), *place;
	size_t i;

	(void)state;
	assert_refused(&owner, "", PASSPHRASE, "parcel", "no file that");
	assert_refused(&owner, "a=b\n\n", PASSPHRASE, "parcel", "no file that");
	assert_refused(&owner, "postoak_export=1\n\n", PASSPHRASE, "parcel",
	    "no file that");
	assert_refused(
	    &owner, "postoak_export=2\n\n", PASSPHRASE, "parcel", "version 2");
	for (i = 0; i < text.len; i += 40) {
		data[i] = '\0';
		assert_int_equal(parcel_open(&owner, data, PASSPHRASE,
				     &(struct record){0}, &err),
		    -1);
		data[i] = text.data[i];
	}
	/* 1 GiB of memory is not given to a file that asks for it. */
	place = strstr(data, "scrypt_log_n=15");
	memcpy(place, "scrypt_log_n=20", 15);
	assert_refused(&owner, data, PASSPHRASE, "parcel", "no file that");
	free(data);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_there_and_back),
	    TEST(test_line_ends_do_not_matter_behind_the_block),
	    TEST(test_of_somebody_else),
	    TEST(test_relabelled),
	    TEST(test_wrong_passphrase),
	    TEST(test_every_byte_counts),
	    TEST(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
