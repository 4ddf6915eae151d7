/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handout: who waits is answered once, or not at all when cancelled.
 * link: tokend/handout tokend/timer
 * libs: tokend
 */
#include "tokend/handout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <event2/event.h>
#include <string.h>

#include <cmocka.h>

#include "tokend/timer.h"

#define LONG_MS 600000

static struct event_base *base;
static struct handout_waits waits = LIST_HEAD_INITIALIZER(waits);
static struct secret secret;
static struct handout token = {&secret, "id", 60};
static struct err err;

struct who {
	int tokens;
	int errors;
	struct handout_wait *wait;
	struct handout_wait *other; /* cancelled from inside */
	int again;		    /* asks again from inside */
};

static void over(void *owner, struct handout_wait *wait);

static void
done(void *arg, const struct handout *given, const struct err *why)
{
	struct who *who = arg;

	who->tokens += given != NULL;
	who->errors += why != NULL;
	handout_cancel(who->other);
	if (who->again-- > 0)
		who->wait =
		    handout_add(&waits, LONG_MS, 0, done, who, over, NULL);
}

static void
over(void *owner, struct handout_wait *wait)
{
	handout_end(wait, owner, 0, &err);
}

static void
add(struct who *who, int64_t wait_ms, int strict, void *owner)
{
	who->wait =
	    handout_add(&waits, wait_ms, strict, done, who, over, owner);
}

static int
setup(void **state)
{
	(void)state;
	base = event_base_new();
	err_set(&err, ERR_TEMPORARY, "wait", "not yet");
	return timer_start(base);
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(handout_count(&waits), 0);
	timer_stop();
	event_base_free(base);
	return 0;
}

static void
test_all_are_answered_once(void **state)
{
	struct who who[3] = {{0}};
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		add(&who[i], LONG_MS, i == 2, NULL);
	assert_int_equal(handout_count(&waits), 3);
	handout_end_all(&waits, &token, 1, NULL);
	handout_end_all(&waits, NULL, 0, &err);
	for (i = 0; i < 3; i++)
		assert_true(who[i].tokens == 1 && who[i].errors == 0);
}

static void
test_old_token_is_no_answer_for_the_strict(void **state)
{
	struct who lax = {0}, strict = {0};

	(void)state;
	add(&lax, LONG_MS, 0, NULL);
	add(&strict, LONG_MS, 1, NULL);
	handout_end_all(&waits, &token, 0, &err);
	assert_true(lax.tokens == 1 && lax.errors == 0);
	assert_true(strict.tokens == 0 && strict.errors == 1);
}

static void
test_time_limit(void **state)
{
	struct who late = {0}, served = {0};

	(void)state;
	add(&late, 1, 0, NULL);
	add(&served, 1, 0, &token);
	while (handout_count(&waits) > 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(late.errors == 1 && late.tokens == 0);
	assert_true(served.errors == 0 && served.tokens == 1);
}

static void
test_cancelled(void **state)
{
	struct who gone = {0};

	(void)state;
	add(&gone, LONG_MS, 0, NULL);
	handout_cancel(gone.wait);
	handout_cancel(NULL);
	handout_end_all(&waits, &token, 1, NULL);
	assert_true(gone.tokens == 0 && gone.errors == 0);
}

static void
test_from_inside_an_answer(void **state)
{
	struct who killer = {0}, victim = {0}, again = {0};

	(void)state;
	/* Whichever comes first, the other is not answered or was before. */
	add(&victim, LONG_MS, 0, NULL);
	add(&again, LONG_MS, 0, NULL);
	again.again = 1;
	killer.other = victim.wait;
	handout_end(again.wait, &token, 1, NULL);
	add(&killer, LONG_MS, 0, NULL);
	handout_end(killer.wait, &token, 1, NULL);
	assert_int_equal(victim.tokens, 0);
	/* Who asked again is part of the next round. */
	assert_int_equal(again.tokens, 1);
	assert_int_equal(handout_count(&waits), 1);
	again.again = 1;
	handout_end_all(&waits, &token, 1, NULL);
	assert_int_equal(again.tokens, 2);
	assert_int_equal(handout_count(&waits), 1);
	handout_end_all(&waits, &token, 1, NULL);
	assert_int_equal(again.tokens, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_all_are_answered_once),
	    TEST(test_old_token_is_no_answer_for_the_strict),
	    TEST(test_time_limit),
	    TEST(test_cancelled),
	    TEST(test_from_inside_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
