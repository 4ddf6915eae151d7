/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of check_jobs, and with it of findings: checks run side by side, what
 * they find comes in order, and none outlives its time.
 *
 * link: cli/check_jobs cli/findings
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/check_jobs.h"
#include "clock.h"

#define MANY 2000

static int to_parent[2]; /* what a check says beside its findings */

static void
find_two(const struct checkup *checkup)
{
	findings_add(checkup->findings, FINDINGS_OK, "first", NULL, "it %s",
	    "is \"well\"\n");
	findings_add(checkup->findings, FINDINGS_FAIL, "second",
	    checkup->target->name, "it is not");
	findings_remedy(checkup->findings, "mend %d", 2);
}

static void
find_nothing(const struct checkup *checkup)
{
	(void)checkup;
}

static void
break_off(const struct checkup *checkup)
{
	findings_add(
	    checkup->findings, FINDINGS_OK, "before", NULL, "so far so good");
	findings_add(checkup->findings, FINDINGS_OK, "lost", NULL, "not told");
	abort();
}

/* Hangs, and so does what it has started. */
static void
hang(const struct checkup *checkup)
{
	pid_t pid = fork();

	if (pid > 0) {
		findings_add(
		    checkup->findings, FINDINGS_WARN, "early", NULL, "seen");
		findings_remedy(checkup->findings, "wait");
		findings_end(checkup->findings);
		assert_int_equal(
		    write(to_parent[1], &pid, sizeof(pid)), sizeof(pid));
	}
	for (;;)
		pause();
}

/* More than a pipe holds, and than one finding may have. */
static void
find_a_lot(const struct checkup *checkup)
{
	int i;

	for (i = 0; i < MANY; i++)
		findings_add(checkup->findings, FINDINGS_OK, "one", NULL,
		    "%d %1000s", i, "x");
}

struct seen {
	size_t count;
	struct check_job *jobs[40];
};

static void
note(struct check_job *job, void *arg)
{
	struct seen *seen = arg;

	seen->jobs[seen->count++] = job;
}

static void
clear(struct check_job *jobs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		findings_clear(&jobs[i].findings);
}

static void
test_what_was_found_arrives_whole_and_in_order(void **state)
{
	static const struct checkup_target target = {.name = "a@b.example"};
	struct check_job jobs[20];
	struct seen seen = {0};
	const struct findings_item *items;
	size_t i;

	(void)state;
	memset(jobs, 0, sizeof(jobs));
	for (i = 0; i < 20; i++) {
		jobs[i].run = i % 2 == 0 ? find_two : find_nothing;
		jobs[i].what = "the test";
		jobs[i].limit_s = 60;
		jobs[i].checkup.target = &target;
	}
	check_jobs_run(jobs, 20, 60, note, &seen);
	assert_int_equal(seen.count, 20);
	for (i = 0; i < 20; i++) {
		assert_ptr_equal(seen.jobs[i], &jobs[i]);
		assert_int_equal(jobs[i].findings.count, i % 2 == 0 ? 2 : 0);
		if (i % 2 == 1)
			continue;
		items = jobs[i].findings.items;
		assert_int_equal(items[0].verdict, FINDINGS_OK);
		assert_string_equal(items[0].seen, "it is \"well\"\n");
		assert_null(items[0].account);
		assert_null(items[0].remedy);
		assert_int_equal(items[1].verdict, FINDINGS_FAIL);
		assert_string_equal(items[1].id, "second");
		assert_string_equal(items[1].account, "a@b.example");
		assert_string_equal(items[1].remedy, "mend 2");
	}
	clear(jobs, 20);
}

static void
test_a_long_list_arrives(void **state)
{
	struct check_job job = {
	    .run = find_a_lot, .what = "the test", .limit_s = 60};
	struct seen seen = {0};
	size_t i;

	(void)state;
	check_jobs_run(&job, 1, 60, note, &seen);
	assert_int_equal(job.findings.count, MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(atoi(job.findings.items[i].seen), i);
	clear(&job, 1);
}

static void
test_a_check_that_breaks_off_is_said(void **state)
{
	struct check_job job = {
	    .run = break_off, .what = "the test", .limit_s = 60};
	struct seen seen = {0};

	(void)state;
	check_jobs_run(&job, 1, 60, note, &seen);
	assert_int_equal(job.findings.count, 2);
	assert_string_equal(job.findings.items[0].id, "before");
	assert_string_equal(job.findings.items[1].id, "not_checked");
	assert_int_equal(job.findings.items[1].verdict, FINDINGS_WARN);
	assert_string_equal(
	    job.findings.items[1].seen, "the test: the check itself broke off");
	clear(&job, 1);
}

/* Ended, though it may not have been reaped yet by init. */
static int
is_gone(pid_t pid)
{
	char path[64], text[512], *state;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 1;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	state = strrchr(text, ')');
	return state == NULL || state[2] == 'Z' || state[2] == 'X';
}

static void
test_a_check_that_hangs_is_ended_with_all_it_started(void **state)
{
	struct check_job jobs[2] = {
	    {.run = hang, .what = "the test", .limit_s = 1},
	    {.run = find_nothing, .what = "the other", .limit_s = 60},
	};
	struct seen seen = {0};
	int64_t until_ms;
	pid_t grandchild;

	(void)state;
	assert_int_equal(pipe(to_parent), 0);
	check_jobs_run(jobs, 2, 60, note, &seen);
	/* A busy machine may not have started it in so short a time. */
	while (jobs[0].findings.count == 1 && jobs[0].limit_s < 60) {
		jobs[0].limit_s *= 2;
		clear(jobs, 2);
		memset(&seen, 0, sizeof(seen));
		check_jobs_run(jobs, 2, 60, note, &seen);
	}
	assert_int_equal(seen.count, 2);
	assert_int_equal(jobs[0].findings.count, 2);
	assert_string_equal(jobs[0].findings.items[0].remedy, "wait");
	assert_string_equal(
	    jobs[0].findings.items[1].seen, "the test: no answer in time");
	assert_int_equal(jobs[1].findings.count, 0);
	assert_int_equal(read(to_parent[0], &grandchild, sizeof(grandchild)),
	    sizeof(grandchild));
	until_ms = clock_boot_ms() + 20000;
	while (!is_gone(grandchild) && clock_boot_ms() < until_ms)
		usleep(1000);
	assert_true(is_gone(grandchild));
	clear(jobs, 2);
}

static void
test_the_total_bounds_all(void **state)
{
	struct check_job jobs[8];
	struct seen seen = {0};
	size_t i;

	(void)state;
	assert_int_equal(pipe(to_parent), 0);
	memset(jobs, 0, sizeof(jobs));
	for (i = 0; i < 8; i++) {
		jobs[i].run = hang;
		jobs[i].what = "the test";
		jobs[i].limit_s = 600;
	}
	check_jobs_run(jobs, 8, 1, note, &seen);
	assert_int_equal(seen.count, 8);
	assert_string_equal(
	    jobs[0].findings.items[jobs[0].findings.count - 1].seen,
	    "the test: no answer in time");
	/* Only six run at a time: for this one there was no time at all. */
	assert_int_equal(jobs[7].findings.count, 1);
	assert_string_equal(jobs[7].findings.items[0].seen,
	    "the test: no time was left for it");
	clear(jobs, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_was_found_arrives_whole_and_in_order),
	    cmocka_unit_test(test_a_long_list_arrives),
	    cmocka_unit_test(test_a_check_that_breaks_off_is_said),
	    cmocka_unit_test(
		test_a_check_that_hangs_is_ended_with_all_it_started),
	    cmocka_unit_test(test_the_total_bounds_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
