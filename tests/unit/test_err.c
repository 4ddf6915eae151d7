/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error values: one printable line, whatever went into them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#include "err.h"
#include "utf8.h"

static void
assert_printable(const char *text)
{
	const unsigned char *p;

	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		assert_true(*p >= 0x20 && *p != 0x7f);
		assert_false(*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0);
	}
}

static void
test_set(void **state)
{
	struct err err = {.retry_ms = 5};

	(void)state;
	assert_int_equal(
	    err_set(&err, ERR_LOGIN, "aadsts.50126", "%s %d", "a", 7), -1);
	assert_int_equal(err.kind, ERR_LOGIN);
	assert_int_equal(err.retry_ms, 0);
	assert_string_equal(err.code, "aadsts.50126");
	assert_string_equal(err.text, "a 7");
	assert_int_equal(err_set(NULL, ERR_BUG, "x", "y"), -1);
	err_clear(&err);
	assert_int_equal(err.kind, ERR_NONE);
	assert_string_equal(err.text, "");
	err_clear(NULL);
}

/* Ends of line, no width, the other direction: nothing looks like else. */
static void
test_characters_that_are_not_seen(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_BUG, "x",
	    "1\xe2\x80\xae"
	    "2\xe2\x80\xa8"
	    "3\xe2\x80\x8b"
	    "4\xe2\x81\xa6"
	    "5\xef\xbb\xbf\xe2\x82\xac\xe2\x80");
	assert_string_equal(
	    err.text, "1   2   3   4   5   \xe2\x82\xac\xe2\x80");
}

static void
test_controls_become_blanks(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_TEMPORARY, "x", "%s",
	    "a\r\nb\tc\033[2J\x7f\xc2\x9b"
	    "31md \xc3\xa9");
	assert_string_equal(err.text, "a  b c [2J   31md \xc3\xa9");
	assert_printable(err.text);
}

/* A cut text ends with a whole character. */
static void
test_long_text(void **state)
{
	char text[2000] = "";
	struct err err;
	size_t i, len;

	(void)state;
	for (i = 0; i < 4; i++) {
		memset(text, 'x', i);
		text[i] = '\0';
		while (strlen(text) < sizeof(text) - 4)
			strcat(text, "\xe2\x82\xac");
		err_set(&err, ERR_CONFIG, text, "%s", text);
		assert_true(strlen(err.text) >= sizeof(err.text) - 4);
		assert_int_equal(strlen(err.code), sizeof(err.code) - 1);
		for (len = 0; err.text[len] != '\0';
		     len += utf8_length(err.text + len))
			assert_true(utf8_length(err.text + len) > 0);
	}
}

static void
test_own_text_as_argument(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_CONFIG, "word", "inner");
	err_set(&err, err.kind, err.code, "%s: %s", "outer", err.text);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.code, "word");
	assert_string_equal(err.text, "outer: inner");
}

static void
test_errno(void **state)
{
	char text[2000];
	struct err err;

	(void)state;
	assert_int_equal(
	    err_errno(&err, ERR_CONFIG, ENOENT, "open(%s)", "/x"), -1);
	assert_string_equal(err.text, "open(/x): No such file or directory");
	assert_string_equal(err.code, "errno");
	assert_int_equal(err_errno(NULL, ERR_CONFIG, ENOENT, "x"), -1);
	/* However long the text, the reason stands at its end. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_errno(&err, ERR_CONFIG, ENOENT, "%s", text);
	assert_non_null(strstr(err.text, ": No such file or directory"));
}

static void
test_kinds(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *name;
		int exit_code;
	} kinds[] = {
	    {ERR_NONE, "none", EX_OK},
	    {ERR_TEMPORARY, "temporary", EX_TEMPFAIL},
	    {ERR_LOGIN, "login", EX_NOPERM},
	    {ERR_CONFIG, "config", EX_CONFIG},
	    {ERR_DENIED, "denied", EX_NOPERM},
	    {ERR_PROTOCOL, "protocol", EX_PROTOCOL},
	    {ERR_BUG, "bug", EX_SOFTWARE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_string_equal(
		    err_kind_name(kinds[i].kind), kinds[i].name);
		assert_int_equal(err_kind_parse(kinds[i].name), kinds[i].kind);
		assert_int_equal(
		    err_exit_code(kinds[i].kind), kinds[i].exit_code);
	}
	assert_int_equal(err_kind_parse("Temporary"), ERR_PROTOCOL);
	assert_int_equal(err_kind_parse(""), ERR_PROTOCOL);
	assert_int_equal(err_kind_parse(NULL), ERR_PROTOCOL);
	assert_string_equal(err_kind_name((enum err_kind)99), "bug");
	assert_int_equal(err_exit_code((enum err_kind)99), EX_SOFTWARE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_characters_that_are_not_seen),
	    cmocka_unit_test(test_set),
	    cmocka_unit_test(test_controls_become_blanks),
	    cmocka_unit_test(test_long_text),
	    cmocka_unit_test(test_own_text_as_argument),
	    cmocka_unit_test(test_errno),
	    cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
