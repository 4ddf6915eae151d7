/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of diff: what changes in a text.
 *
 * link: cli/diff cli/show
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/diff.h"

static void
check(const char *before, const char *after, const char *difference)
{
	struct buf out;

	buf_init(&out, 65536);
	diff_unified(&out, "f", before, after, 0);
	assert_string_equal(out.data != NULL ? out.data : "", difference);
	buf_clear(&out);
}

static void
test_nothing(void **state)
{
	(void)state;
	check("a\n", "a\n", "");
}

static void
test_new_and_gone(void **state)
{
	(void)state;
	check("", "a\n\tb\n",
	    "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+\tb\n");
	check("a\n", "", "--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
}

static void
test_changes(void **state)
{
	(void)state;
	check("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\n5\nsix\n7\n",
	    "--- f\n+++ f\n@@ -3,5 +3,5 @@\n 3\n 4\n 5\n-6\n+six\n 7\n");
	/* Lines that are equal between two changes stay. */
	check("a\nb\nc\n", "x\nb\ny\n",
	    "--- f\n+++ f\n@@ -1,3 +1,3 @@\n-a\n+x\n b\n-c\n+y\n");
	/* Far away from each other they are two blocks. */
	check("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "1\n2\n3\n4\n5\n6\n7\nB\n",
	    "--- f\n+++ f\n@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n"
	    "@@ -6,4 +5,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

static void
test_last_line(void **state)
{
	(void)state;
	check("a", "a\n",
	    "--- f\n+++ f\n@@ -1,1 +1,1 @@\n"
	    "-a\n\\ No newline at end of file\n+a\n");
}

/* What a terminal would obey is shown, not sent. */
static void
test_escaped(void **state)
{
	(void)state;
	check("", "\033[2J\n",
	    "--- /dev/null\n+++ f\n@@ -0,0 +1,1 @@\n"
	    "+\\x1b[2J\n");
}

/* The lines that stay and come, in their order, are the text after, where all
 * of it is in the context. */
static void
check_applies(const char *before, const char *after)
{
	struct buf out, made;
	const char *p, *end;

	buf_init(&out, 65536);
	buf_init(&made, 65536);
	diff_unified(&out, "f", before, after, 0);
	for (p = out.data; p != NULL && *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		if ((*p == ' ' || *p == '+') && strncmp(p, "+++", 3) != 0)
			buf_add(&made, p + 1, (size_t)(end - p));
	}
	if (out.len > 0)
		assert_string_equal(made.data != NULL ? made.data : "", after);
	buf_clear(&made);
	buf_clear(&out);
}

static void
test_random(void **state)
{
	char text[2][16];
	unsigned int seed = 7;
	int round, which, i, count;

	(void)state;
	for (round = 0; round < 2000; round++) {
		for (which = 0; which < 2; which++) {
			seed = seed * 1103515245 + 12345;
			count = (int)(seed >> 16) % 5;
			for (i = 0; i < count; i++) {
				seed = seed * 1103515245 + 12345;
				text[which][2 * i] =
				    (char)('a' + (seed >> 16) % 3);
				text[which][2 * i + 1] = '\n';
			}
			text[which][2 * count] = '\0';
		}
		check_applies(text[0], text[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_new_and_gone),
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_last_line),
	    cmocka_unit_test(test_escaped),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
