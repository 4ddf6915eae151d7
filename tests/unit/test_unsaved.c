/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unsaved: a record the disk would not take is kept until it does.
 *
 * link: tokend/unsaved tokend/grant_order tokend/clientauth tokend/claims
 * link: tokend/assertion tokend/keypair tokend/store tokend/storedir
 * link: tokend/aside tokend/record tokend/sealkey tokend/crypto
 * link: tokend/endpoints
 * libs: tokend
 */
#include "tokend/unsaved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

static char top[64], dir[96], key[96];
static struct store *store;
static struct unsaved *unsaved;
static struct conf_account account;
static const struct grant_order order = {.account = &account};
static struct err err;

static int
setup(void **state)
{
	(void)state;
	account.name = mem_strdup("a@x.org");
	strcpy(top, "/tmp/test_unsaved.XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/store", top);
	snprintf(key, sizeof(key), "%s/seal.key", top);
	store = store_open(dir, key, &err);
	assert_non_null(store);
	return 0;
}

static int
teardown(void **state)
{
	char command[160];

	(void)state;
	unsaved_forget(&unsaved);
	store_close(store);
	free(account.name);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

/* An exchange whose refresh token could not be saved. */
static void
take(const char *refresh_token)
{
	struct grant_token token = {0};

	token.unsaved = mem_zalloc(1, sizeof(*token.unsaved));
	record_init(token.unsaved);
	assert_int_equal(secret_set(&token.unsaved->refresh_token,
			     refresh_token, strlen(refresh_token)),
	    0);
	err_set(&token.save_error, ERR_TEMPORARY, "errno", "disk full");
	unsaved_take(&unsaved, &order, &token);
	assert_null(token.unsaved);
	assert_non_null(unsaved);
}

/* What the store holds; NULL: nothing. */
static void
assert_stored(const char *refresh_token)
{
	struct record record;
	int rc = store_load(store, "account", "a@x.org", &record, &err);

	assert_int_equal(rc, refresh_token != NULL);
	if (refresh_token != NULL)
		assert_string_equal(
		    secret_reveal(&record.refresh_token), refresh_token);
	record_clear(&record);
}

static void
test_saved_after_all(void **state)
{
	int64_t least_ms = clock_boot_ms() + 30000;

	(void)state;
	take("first");
	assert_string_equal(unsaved->why.text, "disk full");
	assert_true(unsaved->retry_ms >= least_ms);
	assert_true(unsaved->retry_ms <= clock_boot_ms() + 30000);
	assert_stored(NULL);
	unsaved_retry(&unsaved, &order, store);
	assert_null(unsaved);
	assert_stored("first");
}

static void
test_the_newest_counts(void **state)
{
	struct grant_token saved = {0};

	(void)state;
	take("first");
	take("second");
	assert_string_equal(
	    secret_reveal(&unsaved->record.refresh_token), "second");
	/* A later exchange that could be saved ends it. */
	unsaved_take(&unsaved, &order, &saved);
	assert_null(unsaved);
	unsaved_forget(&unsaved);
}

static void
test_kept_while_the_disk_fails(void **state)
{
	char command[112];

	(void)state;
	take("first");
	unsaved->retry_ms = 0;
	err_clear(&unsaved->why);
	/* The directory goes away under the store that is open. */
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
	unsaved_retry(&unsaved, &order, store);
	assert_non_null(unsaved);
	assert_true(unsaved->retry_ms > clock_boot_ms());
	assert_int_equal(unsaved->why.kind, ERR_TEMPORARY);
	assert_string_equal(
	    secret_reveal(&unsaved->record.refresh_token), "first");
}

/* An exchange that was refused, on a disk that is full. */
static void
refuse(struct grant_failure *failure, const char *id)
{
	memset(failure, 0, sizeof(*failure));
	failure->refused = RECORD_REFUSED_PASSWORD;
	err_set(&failure->err, ERR_CONFIG, "aadsts.50126", "wrong password");
	err_set(&failure->save_error, ERR_TEMPORARY, "errno", "disk full");
	failure->unsaved = mem_zalloc(1, sizeof(*failure->unsaved));
	record_refuse(failure->unsaved, RECORD_REFUSED_PASSWORD, id,
	    clock_wall_s(), &failure->err);
	unsaved_refused(&unsaved, &order, failure);
	/* It was moved out. */
	assert_null(failure->unsaved->refused_id);
	free(failure->unsaved);
}

static void
test_a_refusal_is_kept_and_saved(void **state)
{
	struct grant_failure failure;
	struct record record;

	(void)state;
	refuse(&failure, "0123");
	refuse(&failure, "4567");
	assert_string_equal(unsaved->why.text, "disk full");
	/* What was not refused, and what was so before, take nothing back. */
	memset(&failure, 0, sizeof(failure));
	unsaved_refused(&unsaved, &order, &failure);
	failure.refused = RECORD_REFUSED_PASSWORD;
	unsaved_refused(&unsaved, &order, &failure);
	assert_non_null(unsaved);
	unsaved_retry(&unsaved, &order, store);
	assert_null(unsaved);
	assert_int_equal(
	    store_load(store, "account", "a@x.org", &record, &err), 1);
	assert_int_equal(record.refused, RECORD_REFUSED_PASSWORD);
	assert_string_equal(record.refused_id, "4567");
	assert_string_equal(record.refusal.text, "wrong password");
	record_clear(&record);
}

static void
test_a_refusal_that_was_saved_ends_it(void **state)
{
	struct grant_failure failure = {
	    .refused = RECORD_REFUSED_PASSWORD, .saved = 1};

	(void)state;
	take("first");
	unsaved_refused(&unsaved, &order, &failure);
	assert_null(unsaved);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_saved_after_all),
	    TEST(test_the_newest_counts),
	    TEST(test_kept_while_the_disk_fails),
	    TEST(test_a_refusal_is_kept_and_saved),
	    TEST(test_a_refusal_that_was_saved_ends_it),
	};

	log_open("test_unsaved", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
