/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/journal milter/map
 *
 * journal: what was appended is there, what was not whole or is of another
 * time is not; damage costs what it hits, a full disk nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "milter/journal.h"

static char directory[64], path[100];
static struct journal journal;
static char seen[1000];

static int
setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/postoak-journal-XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/journal", directory);
	assert_int_equal(journal_open(&journal, directory), 0);
	journal_begin(&journal, 7);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	journal_close(&journal);
	(void)unlink(path);
	return rmdir(directory);
}

static void
add(const char *text)
{
	assert_int_equal(journal_add(&journal, text, strlen(text)), 0);
}

static int
note(const void *data, size_t len, void *arg)
{
	size_t used = strlen(seen);

	(void)snprintf(seen + used, sizeof(seen) - used, "%.*s,", (int)len,
	    (const char *)data);
	return arg != NULL ? EPROTO : 0;
}

/* As a process that starts: the records of that generation. */
static const char *
read_again(uint64_t generation)
{
	seen[0] = '\0';
	journal_close(&journal);
	assert_int_equal(journal_open(&journal, directory), 0);
	assert_int_equal(journal_replay(&journal, generation, note, NULL), 0);
	return seen;
}

static void
records_come_back_in_order(void **state)
{
	(void)state;
	assert_string_equal(read_again(7), "");
	add("one");
	add("two");
	assert_string_equal(read_again(7), "one,two,");
	add("three");
	assert_string_equal(read_again(7), "one,two,three,");
	assert_string_equal(read_again(6), "");
	seen[0] = '\0';
	assert_int_equal(journal_replay(&journal, 7, note, seen), EPROTO);
	assert_string_equal(seen, "one,");
}

/* What is left of an older time lies behind the newer records. */
static void
a_new_generation_begins_anew(void **state)
{
	(void)state;
	add("old");
	add("older");
	journal_begin(&journal, 8);
	add("new");
	assert_string_equal(read_again(8), "new,");
	/* Whoever knows of the older time only is told what there is. */
	assert_string_equal(read_again(7), "older,");
}

static void
a_record_that_is_not_whole_is_none(void **state)
{
	struct stat st;

	(void)state;
	add("one");
	add("two");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	assert_string_equal(read_again(7), "one,");
	/* The next one takes its place. */
	add("three");
	assert_string_equal(read_again(7), "one,three,");
}

static void
change_byte(long offset)
{
	FILE *file = fopen(path, "r+");

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fputc('E', file), 'E');
	assert_int_equal(fclose(file), 0);
}

/* What is logged meanwhile, once it is asked for. */
static int kept_stderr;
static FILE *sink;

static void
catch_log(void)
{
	sink = tmpfile();
	assert_non_null(sink);
	kept_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fileno(sink), STDERR_FILENO) >= 0);
}

static const char *
logged(void)
{
	static char text[4096];
	ssize_t n = pread(fileno(sink), text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	(void)dup2(kept_stderr, STDERR_FILENO);
	(void)close(kept_stderr);
	(void)fclose(sink);
	return text;
}

static void
a_changed_byte_is_noticed(void **state)
{
	struct stat st;

	(void)state;
	add("one");
	assert_int_equal(stat(path, &st), 0);
	change_byte((long)st.st_size - 1);
	catch_log();
	assert_string_equal(read_again(7), "");
	assert_non_null(strstr(logged(), "journal is damaged"));
}

/* Wherever it is: in a number of the head, in the sum, in the data. */
static void
damage_costs_one_record(void **state)
{
	char expected[200];
	struct stat st;
	long i, len;
	const char *text;

	(void)state;
	add("one");
	assert_int_equal(stat(path, &st), 0);
	len = (long)st.st_size;
	for (i = 0; i < len; i++) {
		journal_begin(&journal, 8 + (uint64_t)i);
		add("one");
		add("two");
		add("six");
		add("ten");
		change_byte(len + i);
		catch_log();
		assert_string_equal(
		    read_again(8 + (uint64_t)i), "one,six,ten,");
		(void)snprintf(expected, sizeof(expected),
		    "file=%.60s offset=%ld bytes=%ld records_behind=2", path,
		    len, len);
		text = logged();
		assert_non_null(strstr(text, expected));
		assert_null(strstr(
		    strstr(text, expected) + strlen(expected), "offset="));
		/* What comes next does so behind all. */
		add("end");
		catch_log();
		assert_string_equal(
		    read_again(8 + (uint64_t)i), "one,six,ten,end,");
		(void)logged();
	}
}

/* Records of older times behind the last one are no damage. */
static void
an_end_is_not_damage(void **state)
{
	(void)state;
	add("a longer record of the time before");
	add("old");
	journal_begin(&journal, 8);
	add("new");
	catch_log();
	assert_string_equal(read_again(8), "new,");
	assert_string_equal(logged(), "");
}

static void
a_full_disk_costs_nothing(void **state)
{
	int full = open("/dev/full", O_RDWR), kept = dup(journal.fd);

	(void)state;
	assert_true(full >= 0 && kept >= 0);
	add("one");
	assert_int_equal(dup2(full, journal.fd), journal.fd);
	add("two");
	assert_int_equal(journal.failed, ENOSPC);
	assert_int_equal(journal_probe(&journal), ENOSPC);
	assert_int_equal(dup2(kept, journal.fd), journal.fd);
	/* Behind the one in memory. */
	add("three");
	seen[0] = '\0';
	assert_int_equal(journal_replay(&journal, 7, note, NULL), 0);
	assert_string_equal(seen, "one,two,three,");
	assert_int_equal(journal_probe(&journal), 0);
	assert_int_equal(journal.failed, 0);
	/* A new time begins in the file again. */
	journal_begin(&journal, 8);
	add("four");
	assert_int_equal(journal.failed, 0);
	assert_string_equal(read_again(8), "four,");
	(void)close(full);
	(void)close(kept);
}

static void
memory_is_bounded(void **state)
{
	static char large[JOURNAL_RECORD_MAX];
	int full = open("/dev/full", O_RDWR), rc = 0;
	size_t i;

	(void)state;
	assert_int_equal(dup2(full, journal.fd), journal.fd);
	for (i = 0; i < 1000 && rc == 0; i++)
		rc = journal_add(&journal, large, sizeof(large));
	assert_int_equal(rc, ENOBUFS);
	assert_in_range(i, 200, 300);
	assert_in_range(journal.unsaved.len, 1, JOURNAL_UNSAVED_MAX);
	(void)close(full);
}

static void
bounds(void **state)
{
	static char large[JOURNAL_RECORD_MAX + 1];

	(void)state;
	assert_int_equal(journal_add(&journal, large, sizeof(large)), EMSGSIZE);
	assert_int_equal(journal_add(&journal, large, JOURNAL_RECORD_MAX), 0);
	journal_close(&journal);
	assert_int_equal(journal_open(&journal, "/nonexistent"), ENOENT);
	assert_int_equal(journal_open(&journal, directory), 0);
}

static void
one_process_has_it(void **state)
{
	struct journal other;
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(journal_open(&other, directory) == EAGAIN ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(records_come_back_in_order),
	    T(a_new_generation_begins_anew),
	    T(a_record_that_is_not_whole_is_none),
	    T(a_changed_byte_is_noticed),
	    T(damage_costs_one_record),
	    T(an_end_is_not_damage),
	    T(a_full_disk_costs_nothing),
	    T(memory_is_bounded),
	    T(bounds),
	    T(one_process_has_it),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
