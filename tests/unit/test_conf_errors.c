/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in the language: each is answered with its file, its line and the
 * remedy. Values are in test_conf_values.c, what belongs together in
 * test_conf_check.c, files in test_conf_load.c.
 *
 * link: tests/unit/conf_files
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "tests/unit/conf_files.h"

/* --- the language -------------------------------------------------------- */

static void
test_syntax(void **state)
{
	static const struct mistake mistakes[] = {
	    {"tokend {\n store = \"/x\n}\n", 2,
		"a string is not closed on its line; write the missing quote"},
	    {"# c\n/* c\n c */ tokend {\n store = '/x\n}\n", 4,
		"a string is not closed"},
	    {"tokend {\n}\n/* never\n closed\n", 3,
		"a comment begins here that is not closed"},
	    {"\ntokend {\n store = \"/x\"\n", 2,
		"the section that begins here is not closed; write } where it "
		"ends"},
	    {"tokend {\n}\n}\n", 3, "one } too many; delete it"},
	    {"tokend {\n store \"/x\"\n}\n", 2,
		"option store is not followed by \"=\"; write store = "
		"\"value\""},
	    {"tokend {\n store = \n}\n", 3, "\"}\" does not belong here"},
	    {"tokend {\n listen = { \"/a\" \"/b\" }\n}\n", 2,
		"\"/b\" does not belong here; look for a missing quote, comma"},
	    {"tokend {\n listen = { , \"/b\" }\n}\n", 2,
		"\",\" does not belong here"},
	    {"tokend {\n store = \"/x\";\n}\n", 2,
		"a semicolon; lines do not end with one here"},
	    {"tokend {\n store = \u201c/x\u201d\n}\n", 2,
		"a typographic quotation mark; write a plain \""},
	    {"account {\n}\n", 1,
		"section account has no name; write account \"name\" { ... }"},
	    {"tokend \"x\" {\n}\n", 1, "section tokend has no {"},
	    {"account \"a\" \"b\" {\n}\n", 1, "section account has no {"},
	    {"tokend {\n store = \"${HOME}/x\"\n}\n", 2,
		"${...}: environment variables are not put in"},
	    {"tokend {\n store = ${HOME}\n}\n", 2, "${...}: environment"},
	    {"tokend {\n allow_users += { \"x\" }\n}\n", 2,
		"\"+\" has no meaning here; write a list once"},
	    {"tokend {\n store = /x/*y\n}\n", 2, "\"*\" has no meaning here"},
	    {"tokend {\n store = \"C:\\new\"\n}\n", 2,
		"a backslash stands before \\ and quotes only"},
	    {"tokend {\n store = \"a\001b\"\n}\n", 2, "a control character"},
	    {"tokend {\n # \033[2J\n}\n", 2, "a control character"},
	    {"tokend {\r\n store = \"/x\ry\"\n}\n", 2, "a carriage return"},
	    {"tokend {\n # caf\xe9\n}\n", 2, "a byte that is not UTF-8"},
	    {"accounts_directory =", 1, "the file ends in the middle"},
	    {"include \"x\"\n", 1, "write include(\"file\")"},
	    {"include(\"x\", \"y\")\n", 1, "write include(\"file\")"},
	    {"include(\"x\"\n", 1, "write include(\"file\")"},
	    {"include()\n", 1, "write include(\"file\")"},
	    {"includ(\"x\")\n", 1, "parentheses have no meaning here"},
	    {"\"include\"(\"x\")\n", 1, "parentheses have no"},
	    {"tokend {\n store = /x(1)\n}\n", 2, "parentheses have no"},
	    {"{\n}\n", 1, "\"{\" does not belong here"},
	    {"tokend {\n \"listen|x\" = 1\n}\n", 2,
		"no sub-section title/index for 'listen'"},
	    {"\"tokend|listen\" = 1\n", 1,
		"no sub-section title/index for 'tokend'"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_unknown_options(void **state)
{
	static const struct mistake mistakes[] = {
	    {"tokend {\n lisen = { \"/x\" }\n}\n", 2,
		"section tokend has no option \"lisen\"; did you mean listen?"},
	    {ACCOUNT("passwordfile = \"x\""), 4,
		"section account has no option \"passwordfile\"; did you mean "
		"password_file?"},
	    {ACCOUNT("Senders = { \"x\" }"), 4,
		"section account has no option \"Senders\"; did you mean "
		"senders?"},
	    {ACCOUNT("tenant_id = \"x\""), 4,
		"section account has no option tenant_id; it belongs into "
		"section application"},
	    {ACCOUNT("zzzzzz = \"x\""), 4,
		"section account has no option \"zzzzzz\"; postoak.conf(5) "
		"lists those it has"},
	    {ACCOUNT("include(\"x\")"), 4,
		"include stands inside of a section; put it outside of all"},
	    {ACCOUNT("account \"b\" { }"), 4, "section account has no option "},
	    {"user = \"x\"\n", 1,
		"option user stands outside of all sections; put it into "
		"account \"name\" { ... }"},
	    {"acount \"a\" {\n}\n", 1,
		"there is no section or option \"acount\"; use tokend, milter"},
	    {ACCOUNT("accounts_directory = \"x\""), 4,
		"section account has no option accounts_directory; it belongs "
		"outside of all sections"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_twice(void **state)
{
	static const struct mistake mistakes[] = {
	    {"tokend {\n store = \"/a\"\n\n store = \"/b\"\n}\n", 4,
		"tokend: store = \"/b\" stands a second time; the first is in "
		"line 2"},
	    {"tokend {\n listen = { \"/a\", \"/b\" }\n listen = { \"/c\" "
	     "}\n}\n",
		3, "tokend: listen = \"/c\" stands a second time"},
	    {"tokend {\n}\n# x\ntokend {\n}\n", 4,
		"section tokend stands a second time; the first is at "},
	    {"milter {\n}\nmilter {\n}\n", 3, "section milter stands a second"},
	    {APP "application \"C\" {\n}\n", 3,
		"application \"C\" stands a second time (large and small "
		"letters are the same)"},
	    {ACCOUNT("") "account \"A@x.org\" {\n}\n", 6,
		"account \"A@x.org\" stands a second time (large and small "
		"letters are the same); the first is at "},
	    {"accounts_directory = \".\"\naccounts_directory = \".\"\n", 2,
		"accounts_directory = \".\" stands a second time"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_secrets_have_no_place(void **state)
{
	static const struct mistake mistakes[] = {
	    {APPLICATION("client_secret = \"abc8Q~x\""), 4,
		"client_secret: a secret has no place in the configuration; "
		"put it into a file that only the user postoak can read and "
		"write client_secret_file = \"secrets/NAME\""},
	    {ACCOUNT("password = \"hunter2\""), 4,
		"password: a secret has no place in the configuration; put it "
		"into a file that only the user postoak can read and write "
		"password_file = \"secrets/NAME\""},
	    {APPLICATION("client_secret_file = "
			 "\"abc8Q~0123456789abcdefghijklmnopqrstuvwx\""),
		4,
		"application \"c\": client_secret_file = \"(not shown)\" looks "
		"like the secret itself; put it into a file"},
	    {APPLICATION("proxy = \"http://u:hunter2@proxy:3128\""), 4,
		"application \"c\": proxy = \"(not shown)\" has a user or "
		"password in it"},
	    {"milter {\n counters = \"redis://:hunter2@h/0\"\n}\n", 2,
		"milter: counters = \"(not shown)\" has a password in it, and "
		"everybody can read the configuration"},
	};
	struct err err = {0};
	size_t i;

	(void)state;
	ALL_REFUSED(mistakes);
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		conf_files_write(
		    "postoak.conf", mistakes[i].text, strlen(mistakes[i].text));
		assert_null(conf_load(conf_files_path("postoak.conf"), &err));
		assert_null(strstr(err.text, "hunter2"));
		assert_null(strstr(err.text, "abc8Q"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_syntax),
	    cmocka_unit_test(test_unknown_options),
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_secrets_have_no_place),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
