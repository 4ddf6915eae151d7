/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure: what is latched, until when, and what who asks is told.
 *
 * link: tokend/failure tokend/schedule tokend/grant_order tokend/record
 * link: tokend/proof tokend/clientauth tokend/claims tokend/assertion
 * link: tokend/keypair tokend/crypto tests/unit/conf_files
 * link: tokend/endpoints
 * libs: tokend
 */
#include "tokend/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "tests/unit/conf_files.h"
#include "tokend/proof.h"
#include "tokend/schedule.h"

static struct conf *conf;
static struct grant_order order;
static struct grant_failure given;
static struct failure *failure;

static void
put(const char *name, const char *text)
{
	conf_files_write(name, text, strlen(text));
	assert_int_equal(chmod(conf_files_path(name), 0600), 0);
}

static int
setup(void **state)
{
	(void)state;
	assert_true(
	    mkdir(conf_files_path("secrets"), 0700) == 0 || conf != NULL);
	put("secrets/c", "secret");
	put("password", "password");
	conf_free(conf);
	conf = conf_files_load(APP "account \"a@x.org\" { grant = \"password\" "
				   "password_file = \"password\" }\n");
	order = (struct grant_order){.application = &conf->applications[0],
	    .account = &conf->accounts[0]};
	memset(&given, 0, sizeof(given));
	given.stamp = proof_stamp(order.application, order.account);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(failure);
	failure = NULL;
	return 0;
}

/* An exchange ends with that. */
static void
take(enum err_kind kind, enum record_refused refused, int local)
{
	err_set(&given.err, kind, "code", "text %d", (int)kind);
	given.refused = refused;
	if (refused != RECORD_REFUSED_NOTHING)
		assert_int_equal(proof_id(order.application, order.account,
				     refused, given.refused_id, NULL),
		    0);
	failure_take(&failure, &order, &given, local, 12345);
}

static void
test_waits_as_the_schedule_says(void **state)
{
	int64_t least_ms, wait_ms;
	unsigned int i;

	(void)state;
	given.least_ms = 120000;
	for (i = 1; i <= 3; i++) {
		wait_ms = schedule_backoff_ms(ERR_TEMPORARY, i, 120000, 12345);
		least_ms = clock_boot_ms() + wait_ms;
		take(ERR_TEMPORARY, RECORD_REFUSED_NOTHING, 0);
		assert_int_equal(failure->attempts, i);
		assert_true(failure->retry_ms >= least_ms);
		assert_true(failure->retry_ms <= clock_boot_ms() + wait_ms);
	}
}

/* Since when it has been failing: the first failure in a row counts. */
static void
test_since(void **state)
{
	(void)state;
	take(ERR_TEMPORARY, RECORD_REFUSED_NOTHING, 0);
	assert_true(failure->since_s > 0);
	assert_int_equal(failure->since_s, failure->at_s);
	failure->since_s -= 3600;
	take(ERR_CONFIG, RECORD_REFUSED_PASSWORD, 0);
	failure_forgive(failure);
	take(ERR_TEMPORARY, RECORD_REFUSED_NOTHING, 0);
	assert_in_range(failure->at_s - failure->since_s, 3600, 3600 + 60);
	/* A clock that was put back. */
	failure->since_s = failure->at_s + 7200;
	take(ERR_TEMPORARY, RECORD_REFUSED_NOTHING, 0);
	assert_int_equal(failure->since_s, failure->at_s);
}

static void
test_local_trouble_is_soon_tried_again(void **state)
{
	(void)state;
	given.least_ms = 120000;
	take(ERR_CONFIG, RECORD_REFUSED_NOTHING, 1);
	assert_true(failure->retry_ms > 0);
	assert_true(failure->retry_ms <= clock_boot_ms() + 1000);
}

static void
test_explanation(void **state)
{
	struct err err;

	(void)state;
	given.least_ms = 120000;
	take(ERR_TEMPORARY, RECORD_REFUSED_NOTHING, 0);
	failure_explain(failure, &err);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_string_equal(err.text, "text 1");
	assert_in_range(err.retry_ms, 60000, 3600000);
	/* Its time is over: now, which is not "never". */
	failure->retry_ms = clock_boot_ms() - 5000;
	failure_explain(failure, &err);
	assert_int_equal(err.retry_ms, 1);
	take(ERR_CONFIG, RECORD_REFUSED_PASSWORD, 0);
	failure_explain(failure, &err);
	assert_int_equal(err.retry_ms, 0);
}

static void
test_latched_until_what_was_refused_changes(void **state)
{
	(void)state;
	take(ERR_CONFIG, RECORD_REFUSED_PASSWORD, 0);
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_PASSWORD);
	/* Another file, and the same password in another form. */
	put("secrets/c", "another secret");
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_PASSWORD);
	put("password", "password\n");
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_PASSWORD);
	/* Gone for a moment while an editor replaces it. */
	assert_int_equal(remove(conf_files_path("password")), 0);
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_PASSWORD);
	put("password", "a new one");
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_NOTHING);
	assert_int_equal(failure->retry_ms, 0);
	assert_int_equal(failure->attempts, 0);
	failure_look(NULL, &order);
}

static void
test_a_new_file_is_tried_at_once(void **state)
{
	(void)state;
	take(ERR_CONFIG, RECORD_REFUSED_NOTHING, 0);
	failure_look(failure, &order);
	assert_true(failure->retry_ms > 0);
	put("secrets/c", "another secret");
	failure_look(failure, &order);
	assert_int_equal(failure->retry_ms, 0);
	/* Of what passes by itself no file is the cause. */
	take(ERR_TEMPORARY, RECORD_REFUSED_NOTHING, 0);
	put("secrets/c", "yet another secret");
	failure_look(failure, &order);
	assert_true(failure->retry_ms > 0);
}

static void
test_restart_keeps_the_refusal(void **state)
{
	struct record record;

	(void)state;
	record_init(&record);
	assert_null(failure_restore(&record));
	take(ERR_CONFIG, RECORD_REFUSED_SECRET, 0);
	record_refuse(&record, RECORD_REFUSED_SECRET, given.refused_id,
	    1700000000, &given.err);
	teardown(NULL);
	failure = failure_restore(&record);
	assert_non_null(failure);
	assert_string_equal(failure->err.text, given.err.text);
	assert_int_equal(failure->at_s, 1700000000);
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_SECRET);
	put("secrets/c", "another secret");
	failure_look(failure, &order);
	assert_int_equal(failure->refused, RECORD_REFUSED_NOTHING);
	/* A refresh token that came in later was not refused. */
	record.obtained_at_s = record.refused_at_s + 1;
	assert_null(failure_restore(&record));
	record_clear(&record);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int
close_all(void **state)
{
	conf_free(conf);
	return conf_files_close(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_waits_as_the_schedule_says),
	    TEST(test_since),
	    TEST(test_local_trouble_is_soon_tried_again),
	    TEST(test_explanation),
	    TEST(test_latched_until_what_was_refused_changes),
	    TEST(test_a_new_file_is_tried_at_once),
	    TEST(test_restart_keeps_the_refusal),
	};

	log_open("test_failure", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, conf_files_open, close_all);
}
