/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release, held, budget: what is held, in which order it may go and what that
 * costs, with counters on disk and a clock that is set.
 *
 * link: milter/lmdb_store
 * link: milter/release milter/turns milter/budget milter/held
 * link: milter/mark milter/recent milter/message
 * link: milter/config milter/rewrite milter/rewrite_edit milter/notice
 * link: milter/dkim milter/charset milter/rewrite_field milter/phrase
 * link: milter/name milter/encoded milter/route milter/address milter/scan
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/reply milter/limits milter/counters milter/counters_lmdb
 * link: milter/lmdb_file milter/ticks milter/lmdb_work milter/notes_lmdb
 * link: milter/lmdb_check
 * link: milter/tally milter/pending milter/journal milter/limit milter/map
 * link: tests/unit/conf_files
 * libs: milter
 */
#define _GNU_SOURCE
#include "milter/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "milter/budget.h"
#include "milter/mark.h"
#include "tests/unit/conf_files.h"

static long shift_s;
static struct counters *counters;
static struct config *config;
static struct release_plan plan;
static struct release_round blocked;
static char store[128];
static struct err err;

/* Wins over libc's: time goes on when the test says so, too. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_BOOTTIME || id == CLOCK_REALTIME)
		ts->tv_sec += shift_s;
	return rc;
}

static void
open_store(void)
{
	counters =
	    counters_open(&(struct conf_milter){.counters = store}, &err);
	assert_non_null(counters);
	assert_int_equal(held_open(counters, &err), 0);
	assert_int_equal(mark_open(counters, &err), 0);
}

static void
configure(const char *text)
{
	conf_files_write("postoak.conf", text, strlen(text));
	config_put(config);
	config = config_load(conf_files_path("postoak.conf"), &err);
	if (config == NULL)
		fail_msg("%s", err.text);
}

/* --- what is done --------------------------------------------------------- */

#define OTHER(more)                                                            \
	"account \"o@o.example\" { application = \"c\"\ngrant = "              \
	"\"refresh_token\"\n" more " }\n"
#define HOLD "on_limit = { \"hold\", \"reject\" }\n"
#define ONE_AN_HOUR HOLD "limits = { \"1 message / 1h\" }\n"

static enum budget_answer
submit_as(
    const char *account, const char *login, const char *id, uint64_t recipients)
{
	struct limits_message message = {
	    .who = account, .login = login, .recipients = recipients};
	struct budget_message taken = {
	    .account = conf_account_find(config->conf, account),
	    .counted = &message,
	    .queue_id = id,
	    .id = id,
	    .can_hold = 1,
	    .release_within_s = 300,
	};
	char reason[REPLY_TEXT_MAX];
	struct budget_receipt receipt;
	enum budget_answer answer;
	struct reply reply;

	assert_non_null(taken.account);
	answer = budget_take(counters, &taken, &reply, reason, &receipt);
	budget_receipt_clear(&receipt);
	return answer;
}

static enum budget_answer
submit(const char *account, const char *id)
{
	return submit_as(account, "", id, 1);
}

/* The ids that may go, with a blank behind each; those that wait in (). */
static const char *
make_plan(void)
{
	static char text[512];
	size_t i, used = 0;

	assert_int_equal(release_make(counters, config, &plan, &err), 0);
	text[0] = '\0';
	for (i = 0; i < plan.count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    plan.entries[i].fits ? "%s " : "(%s) ", plan.entries[i].id);
	return text;
}

static int
take(const char *id)
{
	return release_take(counters, config, &blocked, id, &err);
}

static void
new_round(void)
{
	memset(&blocked, 0, sizeof(blocked));
}

/* All that may go goes. */
static const char *
release_all(void)
{
	static char text[512];
	size_t i, used = 0;

	(void)make_plan();
	text[0] = '\0';
	new_round();
	for (i = 0; i < plan.count; i++) {
		if (!plan.entries[i].fits || take(plan.entries[i].id) != 1)
			continue;
		assert_int_equal(
		    release_done(counters, plan.entries[i].id, &err), 0);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s ", plan.entries[i].id);
	}
	assert_int_equal(held_ran(counters, &err), 0);
	return text;
}

static uint64_t
used(void)
{
	struct counters_item item = {.window_ms = 3600000, .max = 1};

	counters_key(item.key, "account", "a@x.org", "messages", 3600);
	assert_int_equal(counters_read(counters, &item, 1, &err), 0);
	return item.used;
}

static int
setup(void **state)
{
	static int number;
	char name[16];

	(void)state;
	snprintf(name, sizeof(name), "c%d", number++);
	assert_int_equal(mkdir(conf_files_path(name), 0700), 0);
	snprintf(store, sizeof(store), "lmdb:%s", conf_files_path(name));
	open_store();
	assert_int_equal(held_ran(counters, &err), 0);
	/* With nothing held, who had a turn is forgotten. */
	configure(ACCOUNT("") OTHER(""));
	assert_string_equal(make_plan(), "");
	new_round();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	counters_close(counters);
	config_put(config);
	config = NULL;
	return 0;
}

/* --- the tests ------------------------------------------------------------ */

static void
oldest_first_and_within_the_budget(void **state)
{
	(void)state;
	configure(ACCOUNT(HOLD "limits = { \"2 messages / 1h\" }") OTHER(""));
	assert_int_equal(submit("a@x.org", "A"), BUDGET_GRANTED);
	assert_int_equal(submit("a@x.org", "B"), BUDGET_GRANTED);
	assert_int_equal(submit("a@x.org", "C"), BUDGET_HELD);
	assert_int_equal(submit("a@x.org", "D"), BUDGET_HELD);
	assert_int_equal(submit("a@x.org", "E"), BUDGET_HELD);
	assert_string_equal(make_plan(), "(C) ");
	assert_int_equal(take("C"), 0);
	assert_int_equal(used(), 2);
	shift_s += 3661;
	assert_string_equal(make_plan(), "C D (E) ");
	assert_int_equal(used(), 0);
	assert_string_equal(release_all(), "C D ");
	assert_int_equal(used(), 2);
	assert_int_equal(submit("a@x.org", "F"), BUDGET_HELD);
	shift_s += 3661;
	assert_string_equal(release_all(), "E F ");
	assert_string_equal(make_plan(), "");
}

static void
nobody_overtakes_in_a_lane(void **state)
{
	(void)state;
	configure(
	    ACCOUNT(HOLD "limits = { \"10 recipients / 1h\" }") OTHER(""));
	assert_int_equal(submit_as("a@x.org", "", "A", 5), BUDGET_GRANTED);
	assert_int_equal(submit_as("a@x.org", "", "B", 8), BUDGET_HELD);
	assert_int_equal(submit_as("a@x.org", "", "C", 1), BUDGET_HELD);
	assert_string_equal(make_plan(), "(B) ");
	/* What never fits is not held. */
	assert_int_equal(submit_as("a@x.org", "", "D", 11), BUDGET_OVER);
}

static void
a_login_does_not_wait_for_another_ones_limit(void **state)
{
	(void)state;
	configure(
	    ACCOUNT(HOLD "limits = { \"login 1 message / 1h\" }") OTHER(""));
	assert_int_equal(submit_as("a@x.org", "l", "A", 1), BUDGET_GRANTED);
	assert_int_equal(submit_as("a@x.org", "l", "B", 1), BUDGET_HELD);
	assert_int_equal(submit_as("a@x.org", "m", "C", 1), BUDGET_GRANTED);
	assert_int_equal(submit_as("a@x.org", "m", "D", 1), BUDGET_HELD);
	shift_s += 3661;
	assert_string_equal(release_all(), "B D ");
}

static void
accounts_take_turns(void **state)
{
	(void)state;
	configure(ACCOUNT(HOLD "limits = { \"application 3 messages / 1h\" }")
		OTHER(HOLD "limits = { \"application 3 messages / 1h\" }"));
	submit("a@x.org", "0");
	submit("a@x.org", "1");
	submit("a@x.org", "2");
	submit("a@x.org", "A");
	submit("a@x.org", "B");
	submit("a@x.org", "C");
	submit("o@o.example", "X");
	submit("o@o.example", "Y");
	shift_s += 3661;
	assert_string_equal(release_all(), "A X B ");
	shift_s += 3661;
	assert_string_equal(release_all(), "Y C ");
}

static void
nothing_is_held_without_a_release(void **state)
{
	(void)state;
	configure(ACCOUNT(ONE_AN_HOUR) OTHER(""));
	assert_int_equal(submit("a@x.org", "A"), BUDGET_GRANTED);
	shift_s += 299;
	assert_int_equal(submit("a@x.org", "B"), BUDGET_HELD);
	/* Also the next process knows when one ran. */
	counters_close(counters);
	open_store();
	assert_int_equal(submit("a@x.org", "C"), BUDGET_HELD);
	shift_s += 3;
	assert_int_equal(submit("a@x.org", "D"), BUDGET_OVER);
	assert_true(held_ran_ago() >= 302);
	assert_int_equal(held_ran(counters, &err), 0);
	assert_int_equal(submit("a@x.org", "E"), BUDGET_HELD);
	/* Nor without a name to release it by. */
	assert_int_equal(submit("a@x.org", ""), BUDGET_OVER);
}

static void
counted_once_whoever_dies(void **state)
{
	(void)state;
	configure(ACCOUNT(ONE_AN_HOUR) OTHER(""));
	submit("a@x.org", "A");
	submit("a@x.org", "B");
	submit("a@x.org", "C");
	shift_s += 3661;
	assert_int_equal(take("B"), 1);
	assert_int_equal(used(), 1);
	counters_close(counters);
	open_store();
	/* Granted before: it goes first, whatever is left, and also when the
	 * counters have forgotten its id. */
	shift_s += 3000;
	assert_int_equal(held_ran(counters, &err), 0);
	counters_tick(counters);
	assert_string_equal(make_plan(), "B (C) ");
	assert_int_equal(take("B"), 1);
	assert_int_equal(used(), 1);
	new_round();
	assert_int_equal(take("C"), 0);
	assert_int_equal(release_done(counters, "B", &err), 0);
	assert_int_equal(take("B"), 0);
	/* What was not granted is not done. */
	assert_int_equal(release_done(counters, "C", &err), 0);
	assert_string_equal(make_plan(), "(C) ");
	shift_s += 3661;
	assert_string_equal(release_all(), "C ");
	assert_int_equal(used(), 1);
}

static void
what_is_gone_is_forgotten(void **state)
{
	(void)state;
	configure(ACCOUNT(ONE_AN_HOUR) OTHER(""));
	submit("a@x.org", "A");
	submit("a@x.org", "B");
	submit("a@x.org", "C");
	assert_int_equal(release_gone(counters, "nobody", &err), 0);
	/* It may be on its way into the queue. */
	shift_s += 500;
	assert_int_equal(release_gone(counters, "B", &err), 0);
	shift_s += 200;
	assert_int_equal(release_gone(counters, "B", &err), 1);
	assert_string_equal(make_plan(), "(C) ");
	shift_s += 3661;
	assert_int_equal(take("C"), 1);
	/* One that was granted was in the queue. */
	assert_int_equal(release_gone(counters, "C", &err), 1);
	assert_string_equal(make_plan(), "");
	assert_int_equal(used(), 1);
	/* Held in what is the future now. */
	assert_int_equal(held_ran(counters, &err), 0);
	assert_int_equal(submit("a@x.org", "D"), BUDGET_HELD);
	shift_s -= 30 * 86400;
	assert_int_equal(release_gone(counters, "D", &err), 1);
	shift_s += 30 * 86400;
}

static void
a_queue_id_used_again(void **state)
{
	(void)state;
	configure(ACCOUNT(ONE_AN_HOUR) OTHER(ONE_AN_HOUR));
	submit("a@x.org", "A");
	submit("o@o.example", "X");
	assert_int_equal(submit("a@x.org", "B"), BUDGET_HELD);
	assert_int_equal(submit("o@o.example", "B"), BUDGET_HELD);
	shift_s += 3661;
	assert_string_equal(make_plan(), "B ");
	assert_string_equal(plan.entries[0].account, "o@o.example");
	assert_string_equal(release_all(), "B ");
	assert_int_equal(used(), 0);
}

static void
another_configuration(void **state)
{
	(void)state;
	configure(ACCOUNT(HOLD "limits = { \"9 recipients / 1h\" }")
		OTHER(ONE_AN_HOUR));
	submit_as("a@x.org", "", "A", 9);
	submit_as("a@x.org", "", "B", 5);
	submit_as("a@x.org", "", "C", 1);
	submit("o@o.example", "X");
	submit("o@o.example", "Y");
	/* More than the limit is now: not ours to let go. One of an account
	 * that is no more has no limit. */
	configure(ACCOUNT(HOLD
	    "limits = { \"4 recipients / 1h\" }") "account \"n@o.example\" { "
						  "application = \"c\"\n"
						  "grant = \"refresh_token\" "
						  "}\n");
	assert_string_equal(make_plan(), "(C) Y ");
	assert_string_equal(make_plan(), "(C) Y ");
	shift_s += 3661;
	assert_string_equal(release_all(), "C Y ");
}

static void
what_the_provider_refuses_waits(void **state)
{
	struct mark mark;

	(void)state;
	configure(ACCOUNT(HOLD "limits = { \"9 messages / 1h\" }") OTHER(HOLD));
	assert_int_equal(mark_set(counters, "A@X.org", MARK_BLOCKED,
			     "550 5.2.252", clock_wall_s(), &err),
	    1);
	assert_int_equal(mark_set(counters, "a@x.org", MARK_BLOCKED,
			     "550 5.2.252", clock_wall_s(), &err),
	    0);
	assert_int_equal(mark_count(clock_wall_s()), 1);
	assert_int_equal(submit("a@x.org", "A"), BUDGET_HELD);
	assert_int_equal(submit("a@x.org", "B"), BUDGET_HELD);
	/* Others do not wait. */
	assert_int_equal(submit("o@o.example", "O"), BUDGET_GRANTED);
	assert_string_equal(make_plan(), "(A) ");
	assert_int_equal(take("A"), 0);
	assert_int_equal(used(), 0);
	/* Also after a restart. One an hour tries. */
	counters_close(counters);
	open_store();
	assert_string_equal(make_plan(), "(A) ");
	shift_s += 3601;
	new_round();
	assert_string_equal(make_plan(), "A ");
	assert_string_equal(release_all(), "A ");
	assert_string_equal(make_plan(), "(B) ");
	assert_int_equal(used(), 1);
	assert_int_equal(mark_sent(counters, "B"), 0);
	assert_int_equal(mark_sent(counters, "A"), 1);
	assert_int_equal(mark_count(clock_wall_s()), 0);
	assert_string_equal(release_all(), "B ");
	assert_int_equal(
	    mark_ask(counters, "a@x.org", "C", clock_wall_s(), &mark),
	    MARK_NONE);
}

static void
a_new_message_may_try_as_well(void **state)
{
	struct mark mark;

	(void)state;
	configure(ACCOUNT("limits = { \"1 messages / 4h\" }\n"
			  "on_limit = { \"tempfail\" }") OTHER(""));
	mark_set(
	    counters, "a@x.org", MARK_FULL, "554 5.2.0", clock_wall_s(), &err);
	assert_int_equal(submit("a@x.org", "A"), BUDGET_OVER);
	shift_s += 3601;
	assert_int_equal(submit("a@x.org", "B"), BUDGET_GRANTED);
	assert_int_equal(submit("a@x.org", "C"), BUDGET_OVER);
	/* One that the limit stops gives its try back. */
	shift_s += 3550;
	assert_int_equal(submit("a@x.org", "D"), BUDGET_OVER);
	assert_int_equal(
	    mark_ask(counters, "a@x.org", NULL, clock_wall_s(), &mark),
	    MARK_WAITS);
	shift_s += 51;
	assert_int_equal(submit("a@x.org", "E"), BUDGET_OVER);
	assert_int_equal(
	    mark_ask(counters, "a@x.org", NULL, clock_wall_s(), &mark),
	    MARK_PROBES);
	/* A day after the last reply it is over by itself. */
	shift_s += 86400;
	assert_int_equal(
	    mark_ask(counters, "a@x.org", NULL, clock_wall_s(), &mark),
	    MARK_NONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(oldest_first_and_within_the_budget),
	    TEST(nobody_overtakes_in_a_lane),
	    TEST(a_login_does_not_wait_for_another_ones_limit),
	    TEST(accounts_take_turns),
	    TEST(nothing_is_held_without_a_release),
	    TEST(counted_once_whoever_dies),
	    TEST(what_is_gone_is_forgotten),
	    TEST(a_queue_id_used_again),
	    TEST(another_configuration),
	    TEST(what_the_provider_refuses_waits),
	    TEST(a_new_message_may_try_as_well),
	};

	log_open("test_release", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
