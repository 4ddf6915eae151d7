/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_text: what libconfuse would get wrong is made plain or refused, with
 * its line.
 *
 * link: tests/unit/conf_files
 */
#include "conf_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem.h"
#include "tests/unit/conf_files.h"

static struct conf_text text;
static struct err err;

static int
plain(const char *data, size_t len)
{
	conf_text_clear(&text);
	text.data = mem_zalloc(len + 1, 1);
	memcpy(text.data, data, len);
	text.len = len;
	return conf_text_plain(&text, "f", &err);
}

static void
refused(const char *data, const char *error)
{
	if (plain(data, strlen(data)) == 0)
		fail_msg("accepted: %s", data);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (strncmp(err.text, error, strlen(error)) != 0)
		fail_msg("wanted: %s\n     got: %s", error, err.text);
}

static void
becomes(const char *data, const char *wanted)
{
	if (plain(data, strlen(data)) == -1)
		fail_msg("refused: %s", err.text);
	assert_string_equal(text.data, wanted);
}

static void
test_comments_become_blanks(void **state)
{
	(void)state;
	becomes("", "");
	becomes("a = 1 # b\nc", "a = 1    \nc");
	becomes("// b", "    ");
	becomes("/* a\n{ */b", "    \n    b");
	becomes("\xef\xbb\xbf"
		"a",
	    "   a");
	/* Not in strings. */
	becomes("a = \"#/*//\"", "a = \"#/*//\"");
	becomes("a = '\"' # \"", "a = '\"'    ");
	becomes("a = \"\\\"#\"", "a = \"\\\"#\"");
}

static void
test_a_comment_ends_behind_its_beginning(void **state)
{
	(void)state;
	becomes("/**/a", "    a");
	becomes("/*/ a = 1 */b", "            b");
	refused("a\n/*/\n\n", "f:2: a comment begins here that is not closed");
	refused("/*", "f:1: a comment begins here that is not closed");
}

static void
test_strings(void **state)
{
	(void)state;
	refused("\na = \"b\nc\"", "f:2: a string is not closed on its line");
	refused("a = \"b'", "f:1: a string is not closed on its line");
	refused("a = \"b\\", "f:1: a string is not closed on its line");
	refused("a = \"\\n\"", "f:1: a backslash stands before");
	refused("a = \"${HOME}\"", "f:1: ${...}: environment variables");
	refused("a = ${HOME}", "f:1: ${...}: environment variables");
	becomes("a = \"$HOME {}\"", "a = \"$HOME {}\"");
}

static void
test_length_of_values(void **state)
{
	char data[CONF_VALUE_MAX + 8];

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_int_equal(plain(data, CONF_VALUE_MAX), 0);
	assert_int_equal(plain(data, CONF_VALUE_MAX + 1), -1);
	data[0] = '"';
	data[CONF_VALUE_MAX + 1] = '"';
	assert_int_equal(plain(data, CONF_VALUE_MAX + 2), 0);
	data[CONF_VALUE_MAX + 1] = 'x';
	data[CONF_VALUE_MAX + 2] = '"';
	assert_int_equal(plain(data, CONF_VALUE_MAX + 3), -1);
	assert_non_null(strstr(err.text, "longer than 4096 bytes"));
}

static void
test_hostile_bytes(void **state)
{
	(void)state;
	assert_int_equal(plain("a\n\0b", 4), -1);
	assert_string_equal(
	    err.text, "f:2: a NUL byte; this is not a text file");
	refused("# \x80", "f:1: a byte that is not UTF-8");
	refused("# \xc0\xaf", "f:1: a byte that is not UTF-8");
	refused("# \xed\xa0\x80", "f:1: a byte that is not UTF-8");
	refused("\n\n\xe2\x80", "f:3: a byte that is not UTF-8");
	refused("\x1b[2J", "f:1: a control character");
	refused("a\x7f", "f:1: a control character");
	refused("a\rb", "f:1: a carriage return inside of a line");
	refused("a\r", "f:1: a carriage return inside of a line");
	becomes("a\r\nb", "a\r\nb");
	refused("a = \xe2\x80\x9cx\xe2\x80\x9d", "f:1: a typographic quot");
	becomes("a = \"\xe2\x80\x9cx\"", "a = \"\xe2\x80\x9cx\"");
}

static void
test_stray_characters(void **state)
{
	(void)state;
	refused("a = 1;", "f:1: a semicolon");
	refused("a = (1)", "f:1: parentheses have no meaning");
	refused("a += { 1 }", "f:1: \"+\" has no meaning");
	refused("a = *", "f:1: \"*\" has no meaning");
	refused("s {\ninclude(\"x\")\n}", "f:2: include stands inside");
	refused("include \"x\"", "f:1: write include(\"file\")");
	refused("include()", "f:1: write include(\"file\")");
	refused("include(\"x\"", "f:1: write include(\"file\")");
	refused("include(\"x\", \"y\")", "f:1: write include(\"file\")");
	becomes("include ( \"x\" )", "include ( \"x\" )");
}

static void
test_where_sections_begin(void **state)
{
	(void)state;
	becomes("a \"x\"\n{ l = { 1 } }\n\nb {\n}\nc{}d{}e{}",
	    "a \"x\"\n{ l = { 1 } }\n\nb {\n}\nc{}d{}e{}");
	assert_int_equal(text.section_count, 5);
	assert_int_equal(text.section_lines[0], 1);
	assert_int_equal(text.section_lines[1], 4);
	assert_int_equal(text.section_lines[4], 6);
	refused("\na {\n b = { 1\n}\n", "f:2: the section that begins here");
	/* One too many is for libconfuse to report. */
	becomes("} } a {\n}", "} } a {\n}");
	assert_int_equal(text.section_count, 1);
}

static void
test_only_regular_files_are_read(void **state)
{
	const char *path = conf_files_path("fifo");

	(void)state;
	conf_text_clear(&text);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(conf_text_read(&text, path, &err), -1);
	assert_ptr_equal(strstr(err.text, path), err.text);
	assert_non_null(strstr(err.text, "is not a regular file"));
	assert_int_equal(conf_text_read(&text, conf_files_path(""), &err), -1);
	assert_non_null(strstr(err.text, "is a directory"));
	assert_int_equal(
	    conf_text_read(&text, conf_files_path("none"), &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	conf_files_write("some", "a\0b", 3);
	assert_int_equal(
	    conf_text_read(&text, conf_files_path("some"), &err), 0);
	assert_int_equal(text.len, 3);
	assert_memory_equal(text.data, "a\0b", 4);
	/* The kernel says such a file has no bytes. */
	conf_text_clear(&text);
	assert_int_equal(conf_text_read(&text, "/proc/self/status", &err), 0);
	assert_true(text.len > 100);
	assert_int_equal(strlen(text.data), text.len);
}

static int
clear(void **state)
{
	(void)state;
	conf_text_clear(&text);
	return 0;
}

/* What a program may put between quotes is what is read from there. */
static void
test_values(void **state)
{
	static char long_value[CONF_VALUE_MAX];

	(void)state;
	assert_true(conf_text_is_value(""));
	assert_true(conf_text_is_value("a\"b\\{c}$d 'include(\xc3\xa9)"));
	assert_false(conf_text_is_value("a\nb"));
	assert_false(conf_text_is_value("a\tb"));
	assert_false(conf_text_is_value("a\x7f"));
	assert_false(conf_text_is_value("a\xff"));
	assert_false(conf_text_is_value("${HOME}"));
	memset(long_value, 'a', sizeof(long_value) - 1);
	assert_false(conf_text_is_value(long_value));
}

#define TEST(f) cmocka_unit_test_teardown(f, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_comments_become_blanks),
	    TEST(test_a_comment_ends_behind_its_beginning),
	    TEST(test_strings),
	    TEST(test_length_of_values),
	    TEST(test_hostile_bytes),
	    TEST(test_stray_characters),
	    TEST(test_values),
	    TEST(test_where_sections_begin),
	    TEST(test_only_regular_files_are_read),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
