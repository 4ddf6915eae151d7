/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb: options, operands, and what is a mistake.
 *
 * link: cli/verb cli/ask cli/show cli/time_text
 */
#include "cli/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static const char *const flags[] = {"--all", "-n", NULL};
static struct verb_options options;
static char verb[] = "status";
static char *argv[8];

/* Up to six arguments behind the verb, NULL at the end. */
static int
parse(int json, int operands, ...)
{
	va_list ap;
	int argc = 1;

	options = (struct verb_options){
	    .json = json, .flags = flags, .operands = operands};
	argv[0] = verb;
	va_start(ap, operands);
	while ((argv[argc] = va_arg(ap, char *)) != NULL)
		argc++;
	va_end(ap);
	return verb_parse(&options, argc, argv);
}

static void
test_options_stand_anywhere(void **state)
{
	(void)state;
	assert_int_equal(
	    parse(1, 2, "a", "--json", "b", "-n", (char *)NULL), 0);
	assert_true(options.json);
	assert_string_equal(options.flag, "-n");
	assert_int_equal(options.operands, 2);
	assert_string_equal(options.operand[0], "a");
	assert_string_equal(options.operand[1], "b");
	assert_int_equal(parse(1, 2, (char *)NULL), 0);
	assert_false(options.json);
	assert_null(options.flag);
	assert_int_equal(options.operands, 0);
}

static void
test_the_last_flag_counts(void **state)
{
	(void)state;
	assert_int_equal(parse(0, 0, "--all", "-n", "--all", (char *)NULL), 0);
	assert_string_equal(options.flag, "--all");
}

static void
test_operands_that_look_like_options(void **state)
{
	(void)state;
	assert_int_equal(
	    parse(1, 3, "-", "--", "--json", "--", (char *)NULL), 0);
	assert_false(options.json);
	assert_int_equal(options.operands, 3);
	assert_string_equal(options.operand[0], "-");
	assert_string_equal(options.operand[1], "--json");
	assert_string_equal(options.operand[2], "--");
	assert_int_equal(parse(1, 1, "", (char *)NULL), 0);
	assert_string_equal(options.operand[0], "");
}

static void
test_mistakes(void **state)
{
	(void)state;
	assert_int_equal(parse(1, 1, "a", "b", (char *)NULL), -1);
	assert_int_equal(parse(1, 0, "--", "a", (char *)NULL), -1);
	assert_int_equal(parse(0, 1, "--json", (char *)NULL), -1);
	assert_int_equal(parse(1, 1, "--jso", (char *)NULL), -1);
	assert_int_equal(parse(1, 1, "--json=1", (char *)NULL), -1);
	assert_int_equal(parse(1, 1, "-nn", (char *)NULL), -1);
	assert_int_equal(verb_usage("status", "%s", "%n"), EX_USAGE);
}

static void
test_configuration_that_is_not_there(void **state)
{
	const struct verb_context context = {
	    .config_path = "/nonexistent/postoak.conf"};
	int exit_code = 0;

	(void)state;
	assert_null(verb_conf(&context, &exit_code));
	assert_int_equal(exit_code, EX_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options_stand_anywhere),
	    cmocka_unit_test(test_the_last_flag_counts),
	    cmocka_unit_test(test_operands_that_look_like_options),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_configuration_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
