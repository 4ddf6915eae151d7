/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of conf_edit: options changed in a text that people wrote.
 *
 * link: cli/conf_edit
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/conf_edit.h"

static char *
edited(const char *text, const char *kind, const char *title,
    const struct conf_edit *edits, size_t count)
{
	struct buf out;
	struct err err;

	err_clear(&err);
	buf_init(&out, 65536);
	assert_int_equal(conf_edit_section(&out, "x.conf", text, kind, title,
			     edits, count, &err),
	    0);
	return buf_take(&out);
}

/* One option set in account "a@b", or taken out. */
static void
check(
    const char *before, const char *name, const char *value, const char *after)
{
	const struct conf_edit edit = {name, value};
	char *text = edited(before, "account", "a@b", &edit, 1);

	assert_string_equal(text, after);
	free(text);
}

static void
test_value_replaced(void **state)
{
	(void)state;
	check("# c\naccount \"a@b\" { # grant = \"x\"\n\tgrant = \"p\" # "
	      "why\n}\n",
	    "grant", "\"device_code\"",
	    "# c\naccount \"a@b\" { # grant = \"x\"\n"
	    "\tgrant = \"device_code\" # why\n}\n");
	check("account 'A@B' { logins = { \"x\",\n \"}\" } user = u }",
	    "logins", "{ \"y\" }",
	    "account 'A@B' { logins = { \"y\" } user = u }");
	check("account \"z\" { user = 1 }\naccount a@b {\n user=2}\n", "user",
	    "3", "account \"z\" { user = 1 }\naccount a@b {\n user=3}\n");
}

/* What is set already costs no byte: running a tool twice changes nothing. */
static void
test_same_value(void **state)
{
	const char *text = "account \"a@b\" {\n  user  =  \"u\" // x\n}";

	(void)state;
	check(text, "user", "\"u\"", text);
	check(text, "grant", NULL, text);
}

static void
test_inserted(void **state)
{
	(void)state;
	check("account \"a@b\" {\n    user = u # me\n}\n# end\n", "grant", "g",
	    "account \"a@b\" {\n    user = u # me\n    grant = g\n}\n# end\n");
	check("account \"a@b\" { user = u }", "grant", "g",
	    "account \"a@b\" { user = u grant = g }");
	check("account \"a@b\" {}", "grant", "g",
	    "account \"a@b\" { grant = g }");
}

static void
test_taken_out(void **state)
{
	(void)state;
	check("account \"a@b\" {\n  user = u # gone too\n  grant = g\n}\n",
	    "user", NULL, "account \"a@b\" {\n  grant = g\n}\n");
	check("account \"a@b\" { user = u grant = g }", "user", NULL,
	    "account \"a@b\" {  grant = g }");
}

/* A brace or a name in a string or a comment is neither. */
static void
test_not_fooled(void **state)
{
	(void)state;
	check("/* account \"a@b\" { user = no } */\n"
	      "application \"account\" { scope = \"account \\\"a@b\\\" {\" }\n"
	      "include(\"account\")\naccount \"a@b\" { user = \"}\" }\n",
	    "user", "u",
	    "/* account \"a@b\" { user = no } */\n"
	    "application \"account\" { scope = \"account \\\"a@b\\\" {\" }\n"
	    "include(\"account\")\naccount \"a@b\" { user = u }\n");
}

static void
test_section_made(void **state)
{
	const struct conf_edit edits[] = {
	    {"application", "\"x\""}, {"user", NULL}, {"grant", "\"g\""}};
	char *text = edited("a = b", "account", "q\"\\", edits, 3);

	(void)state;
	assert_string_equal(text,
	    "a = b\n\naccount \"q\\\"\\\\\" {\n"
	    "    application = \"x\"\n    grant       = \"g\"\n}\n");
	assert_true(conf_edit_has(text, "account", "Q\"\\"));
	assert_false(conf_edit_has(text, "account", "g"));
	assert_false(conf_edit_has(text, "application", "q\"\\"));
	free(text);
	text = edited("", "tokend", NULL, edits + 2, 1);
	assert_string_equal(text, "tokend {\n    grant = \"g\"\n}\n");
	assert_true(conf_edit_has(text, "tokend", NULL));
	free(text);
}

static void
test_no_configuration(void **state)
{
	const struct conf_edit edit = {"user", "u"};
	struct buf out;
	struct err err;

	(void)state;
	err_clear(&err);
	buf_init(&out, 65536);
	assert_int_equal(conf_edit_section(&out, "x.conf", "\naccount \"a",
			     "account", "a", &edit, 1, &err),
	    -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "x.conf:2: "));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_value_replaced),
	    cmocka_unit_test(test_same_value),
	    cmocka_unit_test(test_inserted),
	    cmocka_unit_test(test_taken_out),
	    cmocka_unit_test(test_not_fooled),
	    cmocka_unit_test(test_section_made),
	    cmocka_unit_test(test_no_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
