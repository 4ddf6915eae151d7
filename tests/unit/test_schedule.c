/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule: what happens to a token at each moment of its life.
 * link: tokend/schedule
 */
#include "tokend/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MIN 60000LL
#define START 1000000LL

/* A token of an hour, obtained at START, of which 15 minutes must be left. */
static struct schedule
hour(void)
{
	struct schedule s = {0};

	s.obtained_ms = START;
	s.expires_ms = START + 60 * MIN;
	s.min_validity_ms = 15 * MIN;
	return s;
}

static void
test_good_token_is_served(void **state)
{
	struct schedule s = hour();

	(void)state;
	assert_int_equal(schedule_judge(&s, START), SCHEDULE_SERVE);
	assert_int_equal(schedule_judge(&s, START + 45 * MIN), SCHEDULE_SERVE);
	assert_string_equal(schedule_state(&s, START), "ok");
}

static void
test_short_rest_waits_for_a_new_one(void **state)
{
	struct schedule s = hour();

	(void)state;
	assert_int_equal(
	    schedule_judge(&s, START + 45 * MIN + 1), SCHEDULE_WAIT);
	assert_int_equal(schedule_judge(&s, START + 61 * MIN), SCHEDULE_WAIT);
}

static void
test_no_token_waits(void **state)
{
	struct schedule s = {0};

	(void)state;
	assert_int_equal(schedule_judge(&s, START), SCHEDULE_WAIT);
	assert_string_equal(schedule_state(&s, START), "idle");
}

static void
test_old_token_serves_while_the_provider_is_away(void **state)
{
	struct schedule s = hour();

	(void)state;
	s.failure = ERR_TEMPORARY;
	s.retry_ms = START + 50 * MIN;
	assert_int_equal(schedule_judge(&s, START + 49 * MIN), SCHEDULE_SERVE);
	assert_int_equal(schedule_judge(&s, START + 50 * MIN), SCHEDULE_RENEW);
	assert_string_equal(schedule_state(&s, START + 50 * MIN), "stale");
	/* An attempt that hangs delays nobody. */
	s.running = 1;
	assert_int_equal(schedule_judge(&s, START + 51 * MIN), SCHEDULE_SERVE);
	/* To the very end, less what the way to the server takes. */
	assert_int_equal(schedule_alive(&s, s.expires_ms - 6000), 1);
	assert_int_equal(schedule_alive(&s, s.expires_ms - 4000), 0);
	assert_string_equal(schedule_state(&s, s.expires_ms), "retrying");
}

static void
test_failing_without_token_is_answered_at_once(void **state)
{
	struct schedule s = {0};

	(void)state;
	s.failure = ERR_TEMPORARY;
	s.retry_ms = START + 1000;
	assert_int_equal(schedule_judge(&s, START), SCHEDULE_REFUSE);
	assert_int_equal(schedule_judge(&s, START + 1000), SCHEDULE_WAIT);
}

static void
test_latched_is_never_tried(void **state)
{
	struct schedule s = {0};

	(void)state;
	s.failure = ERR_CONFIG;
	s.latched = 1;
	s.retry_ms = START;
	assert_int_equal(
	    schedule_judge(&s, START + 1000 * MIN), SCHEDULE_REFUSE);
	assert_string_equal(schedule_state(&s, START), "needs_admin");
	s = hour();
	s.failure = ERR_CONFIG;
	s.latched = 1;
	assert_int_equal(schedule_judge(&s, START + 50 * MIN), SCHEDULE_SERVE);
	s.failure = ERR_LOGIN;
	assert_string_equal(schedule_state(&s, START), "needs_login");
}

static void
test_short_lived_tokens_are_usable(void **state)
{
	struct schedule s = {0};

	(void)state;
	s.obtained_ms = START;
	s.expires_ms = START + 3000;
	s.min_validity_ms = 15 * MIN;
	assert_int_equal(schedule_judge(&s, START), SCHEDULE_SERVE);
	assert_int_equal(schedule_judge(&s, START + 2200), SCHEDULE_SERVE);
	assert_int_equal(schedule_judge(&s, START + 2900), SCHEDULE_WAIT);
}

static void
test_rejected_token_waits_for_its_successor(void **state)
{
	struct schedule s = hour();

	(void)state;
	s.rejected = 1;
	assert_int_equal(schedule_judge(&s, START), SCHEDULE_SERVE);
	s.running = 1;
	assert_int_equal(schedule_judge(&s, START), SCHEDULE_WAIT);
}

static void
test_renewal_is_between_half_and_three_quarters(void **state)
{
	int64_t at, first = INT64_MAX, last = 0;
	uint32_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		at =
		    schedule_renew_at(START, START + 60 * MIN, i * 2654435761u);
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	assert_in_range(first, START + 30 * MIN, START + 31 * MIN);
	assert_in_range(last, START + 44 * MIN, START + 45 * MIN);
}

static void
test_backoff_grows_to_five_minutes(void **state)
{
	int64_t wait, ceiling = 2000;
	unsigned int attempt;

	(void)state;
	for (attempt = 1; attempt < 200; attempt++) {
		wait = schedule_backoff_ms(
		    ERR_TEMPORARY, attempt, 0, attempt * 2654435761u);
		assert_in_range(wait, 1000, ceiling);
		wait = schedule_backoff_ms(
		    ERR_TEMPORARY, attempt, 0, (uint32_t)(ceiling - 1000));
		assert_int_equal(wait, ceiling);
		ceiling = ceiling * 2 > 300000 ? 300000 : ceiling * 2;
	}
}

static void
test_retry_after_is_obeyed_up_to_an_hour(void **state)
{
	(void)state;
	assert_int_equal(
	    schedule_backoff_ms(ERR_TEMPORARY, 1, 90000, 5), 90000);
	assert_int_equal(schedule_backoff_ms(ERR_TEMPORARY, 1, 86400000, 5),
	    SCHEDULE_HOUR_MS);
	/* It never shortens our own wait. */
	assert_int_equal(
	    schedule_backoff_ms(ERR_TEMPORARY, 9, 1, 299000), 300000);
}

static void
test_what_people_must_mend_is_tried_hourly(void **state)
{
	(void)state;
	assert_in_range(schedule_backoff_ms(ERR_CONFIG, 1, 0, 12345),
	    SCHEDULE_HOUR_MS, SCHEDULE_HOUR_MS + 10 * MIN);
	assert_in_range(schedule_backoff_ms(ERR_LOGIN, 50, 0, 4000000000u),
	    SCHEDULE_HOUR_MS, SCHEDULE_HOUR_MS + 10 * MIN);
}

static void
test_refresh_tokens_are_used_weekly(void **state)
{
	(void)state;
	assert_in_range(schedule_keep_alive_in_s(1000, 1000, 4000000001u),
	    6 * 86400, 7 * 86400);
	/* Overdue after a long stop: not all at once. */
	assert_in_range(
	    schedule_keep_alive_in_s(1000, 90 * 86400, 4000000001u), 1, 600);
	/* Obtained while the clock was years ahead. */
	assert_int_equal(
	    schedule_keep_alive_in_s(1LL << 40, 1000, 0), 7 * 86400);
}

static void
test_rejections_force_once_a_token_and_a_minute(void **state)
{
	struct schedule s = {.obtained_ms = 1000, .expires_ms = 3601000};

	(void)state;
	assert_true(schedule_may_force(&s, 0, 2000));
	/* The same token again, however late. */
	assert_false(schedule_may_force(&s, 2000, 2000 + SCHEDULE_HOUR_MS));
	/* Its successor: not at once, but not never either. */
	s.obtained_ms = 3000;
	assert_false(schedule_may_force(&s, 2000, 61999));
	assert_true(schedule_may_force(&s, 2000, 62000));
	s.failure = ERR_TEMPORARY;
	assert_false(schedule_may_force(&s, 2000, 62000));
}

static void
test_what_begins_by_itself(void **state)
{
	struct schedule s = hour();

	(void)state;
	assert_int_equal(schedule_due(&s), 0); /* nobody asked for it */
	s.asked_ms = START;
	s.renew_ms = START + 40 * MIN;
	assert_int_equal(schedule_due(&s), s.renew_ms);
	s.running = 1;
	assert_int_equal(schedule_due(&s), 0);
	s.running = 0;
	/* Used within a day, or not at all. */
	s.renew_ms = s.asked_ms + SCHEDULE_DAY_MS + 1;
	assert_int_equal(schedule_due(&s), 0);
	s.keep_alive_ms = START + 7 * SCHEDULE_DAY_MS;
	assert_int_equal(schedule_due(&s), s.keep_alive_ms);
	s.renew_ms = START + 40 * MIN;
	assert_int_equal(schedule_due(&s), s.renew_ms);
	/* Failing: not before its time, for the refresh token's sake either. */
	s.failure = ERR_TEMPORARY;
	s.retry_ms = START + 50 * MIN;
	assert_int_equal(schedule_due(&s), s.retry_ms);
	s.keep_alive_ms = START + 45 * MIN;
	assert_int_equal(schedule_due(&s), s.retry_ms);
	s.latched = 1;
	assert_int_equal(schedule_due(&s), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rejections_force_once_a_token_and_a_minute),
	    cmocka_unit_test(test_good_token_is_served),
	    cmocka_unit_test(test_short_rest_waits_for_a_new_one),
	    cmocka_unit_test(test_no_token_waits),
	    cmocka_unit_test(test_old_token_serves_while_the_provider_is_away),
	    cmocka_unit_test(test_failing_without_token_is_answered_at_once),
	    cmocka_unit_test(test_latched_is_never_tried),
	    cmocka_unit_test(test_short_lived_tokens_are_usable),
	    cmocka_unit_test(test_rejected_token_waits_for_its_successor),
	    cmocka_unit_test(test_renewal_is_between_half_and_three_quarters),
	    cmocka_unit_test(test_backoff_grows_to_five_minutes),
	    cmocka_unit_test(test_retry_after_is_obeyed_up_to_an_hour),
	    cmocka_unit_test(test_what_people_must_mend_is_tried_hourly),
	    cmocka_unit_test(test_refresh_tokens_are_used_weekly),
	    cmocka_unit_test(test_what_begins_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
