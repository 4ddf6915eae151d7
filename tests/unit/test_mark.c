/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark: what the provider says of an account, by clocks that are set.
 *
 * link: milter/lmdb_store
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/mark milter/map milter/counters milter/counters_lmdb
 * link: milter/lmdb_file milter/ticks milter/lmdb_work milter/notes_lmdb
 * link: milter/tally milter/pending milter/journal milter/limit
 * link: milter/lmdb_check
 * link: tests/unit/conf_files
 * libs: milter
 */
#include "milter/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "log.h"
#include "tests/unit/conf_files.h"

#define NOW 1795466080
#define DAY 86400

static struct counters *counters;
static struct err err;

static int
setup(void **state)
{
	char store[300];

	(void)state;
	snprintf(store, sizeof(store), "lmdb:%s", conf_files_path(""));
	counters =
	    counters_open(&(struct conf_milter){.counters = store}, &err);
	assert_non_null(counters);
	return mark_open(counters, &err);
}

static int
teardown(void **state)
{
	(void)state;
	counters_close(counters);
	return 0;
}

static enum mark_answer
ask(const char *id, int64_t now_s)
{
	struct mark mark;

	return mark_ask(counters, "a@x.org", id, now_s, &mark);
}

static void
set_back_it_lasts_no_longer(void **state)
{
	int64_t now_s = NOW;

	(void)state;
	assert_int_equal(
	    mark_set(counters, "a@x.org", MARK_FULL, "554", now_s, &err), 1);
	assert_int_equal(ask(NULL, now_s), MARK_WAITS);
	now_s -= 30 * DAY;
	assert_int_equal(ask(NULL, now_s), MARK_WAITS);
	assert_int_equal(ask("A", now_s + 3600), MARK_PROBES);
	assert_int_equal(ask("B", now_s + 3601), MARK_WAITS);
	assert_int_equal(ask(NULL, now_s + DAY), MARK_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		set_back_it_lasts_no_longer, setup, teardown),
	};

	log_open("test_mark", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
