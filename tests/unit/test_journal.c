/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/journal milter/map
 *
 * journal: what was appended is there, what was not whole or is of another
 * time is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
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
	assert_string_equal(read_again(7), "");
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
a_changed_byte_is_noticed(void **state)
{
	FILE *file;

	(void)state;
	add("one");
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, -1, SEEK_END), 0);
	assert_int_equal(fputc('E', file), 'E');
	assert_int_equal(fclose(file), 0);
	assert_string_equal(read_again(7), "");
}

static void
bounds(void **state)
{
	static char large[JOURNAL_RECORD_MAX + 1];

	(void)state;
	assert_int_equal(journal_add(&journal, large, sizeof(large)), EMSGSIZE);
	assert_int_equal(journal_add(&journal, large, JOURNAL_RECORD_MAX), 0);
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
	    T(bounds),
	    T(one_process_has_it),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
