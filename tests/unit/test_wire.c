/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of the token socket: what is put in comes out, what breaks the rules
 * of common/PROTOCOL is refused on both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

/* Parse a literal; the caller frees *copy. */
static int
parse(struct wire *wire, const char *text, size_t len, char **copy,
    struct err *err)
{
	*copy = malloc(len + 1);
	assert_non_null(*copy);
	memcpy(*copy, text, len);
	return wire_parse(wire, *copy, len, err);
}

static void
test_round_trip(void **state)
{
	struct wire wire;
	struct buf buf;
	struct err err;
	long long number = 0;

	(void)state;
	buf_init(&buf, WIRE_REQUEST_MAX);
	assert_int_equal(wire_put(&buf, "request", "token", &err), 0);
	assert_int_equal(wire_put(&buf, "account", "a=b@x.org ", &err), 0);
	assert_int_equal(wire_put(&buf, "empty", "", &err), 0);
	assert_int_equal(wire_put_int(&buf, "wait_ms", 5000, &err), 0);
	assert_int_equal(wire_complete(buf.data, buf.len), 0);
	assert_int_equal(wire_end(&buf, &err), 0);
	assert_string_equal(buf.data,
	    "request=token\naccount=a=b@x.org \nempty=\nwait_ms=5000\n\n");
	assert_int_equal(wire_complete(buf.data, buf.len), buf.len);
	assert_int_equal(wire_parse(&wire, buf.data, buf.len, &err), 0);
	assert_int_equal(wire.count, 4);
	assert_string_equal(wire_get(&wire, "account"), "a=b@x.org ");
	assert_string_equal(wire_get(&wire, "empty"), "");
	assert_null(wire_get(&wire, "token"));
	assert_int_equal(
	    wire_get_int(&wire, "wait_ms", 0, 60000, &number, &err), 0);
	assert_int_equal(number, 5000);
	buf_clear(&buf);
}

static void
test_complete(void **state)
{
	static const char two[] = "a=1\n\nb=2\n\n";
	size_t len;

	(void)state;
	assert_int_equal(wire_complete("", 0), 0);
	assert_int_equal(wire_complete("\n", 1), 1);
	for (len = 1; len < 5; len++)
		assert_int_equal(wire_complete(two, len), 0);
	for (len = 5; len < sizeof(two); len++)
		assert_int_equal(wire_complete(two, len), 5);
}

static void
test_values_that_break_lines(void **state)
{
	static const struct {
		const char *value;
		size_t len;
	} values[] = {
	    {"a\nb", 3}, {"a\rb", 3}, {"a\0b", 3}, {"\n", 1}, {"\0", 1}};
	struct buf buf;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_init(&buf, WIRE_REQUEST_MAX);
		assert_int_equal(wire_put_bytes(&buf, "token", values[i].value,
				     values[i].len, &err),
		    -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_string_equal(err.code, "value");
		assert_null(strchr(err.text, '\n'));
		/* Going on all the same does not send half a block. */
		wire_put(&buf, "other", "x", NULL);
		assert_int_equal(wire_end(&buf, &err), -1);
		buf_clear(&buf);
	}
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", "A", "a-b", "a=b", "a b", "\xc3",
	    "012345678901234567890123456789012"};
	struct buf buf;
	struct err err;
	size_t i;

	(void)state;
	buf_init(&buf, WIRE_REQUEST_MAX);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wire_put(&buf, bad[i], "x", &err), -1);
	assert_int_equal(
	    wire_put(&buf, "01234567890123456789012345678901", "x", &err), 0);
	buf_clear(&buf);
}

static void
test_full_block(void **state)
{
	struct buf buf;
	struct err err;

	(void)state;
	buf_init(&buf, 10);
	assert_int_equal(wire_put(&buf, "a", "123456", &err), 0);
	assert_int_equal(wire_put(&buf, "b", "1", &err), -1);
	assert_string_equal(err.code, "size");
	assert_int_equal(wire_end(&buf, &err), -1);
	buf_clear(&buf);
	wire_put(&buf, "a", "123456", &err);
	assert_int_equal(wire_end(&buf, &err), 0);
	buf_clear(&buf);
}

static void
test_blocks_that_are_none(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} blocks[] = {
	    {"\n", 1},
	    {"\n\n", 2},
	    {"a=1\n", 4},
	    {"a=1", 3},
	    {"a=1\n\nb=2\n\n", 10}, /* two */
	    {"a\n\n", 3},
	    {"=1\n\n", 4},
	    {"A=1\n\n", 5},
	    {"a=1\r\n\r\n", 7},
	    {"a=1\r\n\n", 6},
	    {"a=1\0\n\n", 6},
	    {"a\0=1\n\n", 6},
	    {"a=1\na=2\n\n", 9},
	    {"a=1\na=1\n\n", 9},
	    {" a=1\n\n", 6},
	};
	struct wire wire;
	struct err err;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		err_clear(&err);
		assert_int_equal(
		    parse(&wire, blocks[i].text, blocks[i].len, &copy, &err),
		    -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		free(copy);
	}
}

static void
test_number_of_lines(void **state)
{
	struct wire wire;
	struct buf buf;
	struct err err;
	int i;

	(void)state;
	buf_init(&buf, WIRE_REQUEST_MAX);
	for (i = 0; i < WIRE_FIELDS_MAX; i++)
		buf_addf(&buf, "n%d=%d\n", i, i);
	buf_adds(&buf, "\n");
	assert_int_equal(wire_parse(&wire, buf.data, buf.len, &err), 0);
	assert_string_equal(wire_get(&wire, "n15"), "15");
	buf_clear(&buf);
	for (i = 0; i <= WIRE_FIELDS_MAX; i++)
		buf_addf(&buf, "n%d=%d\n", i, i);
	buf_adds(&buf, "\n");
	assert_int_equal(wire_parse(&wire, buf.data, buf.len, &err), -1);
	assert_string_equal(err.code, "size");
	buf_clear(&buf);
}

static void
test_numbers(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1",
	    "1.0", "61", "99999999999999999999999999", "9223372036854775808"};
	struct wire wire = {.count = 1, .fields = {{"n", NULL}}};
	struct err err;
	long long number = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wire.fields[0].value = bad[i];
		assert_int_equal(
		    wire_get_int(&wire, "n", 0, 60, &number, &err), -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(number, 7);
	}
	assert_int_equal(wire_get_int(&wire, "m", 0, 60, &number, &err), 0);
	assert_int_equal(number, 7);
	wire.fields[0].value = "60";
	assert_int_equal(wire_get_int(&wire, "n", 0, 60, &number, &err), 0);
	assert_int_equal(number, 60);
}

/* failure as the other side gets it; -1 and what it makes of it. */
static int
across(const struct err *failure, struct err *err)
{
	struct wire wire;
	struct buf buf;
	int ret;

	buf_init(&buf, WIRE_ANSWER_MAX);
	assert_int_equal(wire_put_err(&buf, failure), 0);
	assert_int_equal(wire_parse(&wire, buf.data, buf.len, err), 0);
	assert_string_equal(wire_get(&wire, "status"), "error");
	ret = wire_answer(&wire, err);
	buf_clear(&buf);
	return ret;
}

static void
test_errors_cross(void **state)
{
	struct err failure, err;

	(void)state;
	err_set(
	    &failure, ERR_LOGIN, "aadsts.50126", "wrong password\nof %s", "x");
	failure.retry_ms = 30000;
	assert_int_equal(across(&failure, &err), -1);
	assert_int_equal(err.kind, ERR_LOGIN);
	assert_int_equal(err.retry_ms, 30000);
	assert_string_equal(err.code, "aadsts.50126");
	assert_string_equal(err.text, "wrong password of x");
	/* A fault of ours bounces no mail. */
	err_set(&failure, ERR_BUG, "x", "y");
	assert_int_equal(across(&failure, &err), -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
}

static void
test_strange_answers(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} answers[] = {
	    {"a=1\n\n", ERR_PROTOCOL},
	    {"status=OK\n\n", ERR_PROTOCOL},
	    {"status=error\n\n", ERR_PROTOCOL},
	    {"status=error\nkind=none\n\n", ERR_PROTOCOL},
	    {"status=error\nkind=bug\n\n", ERR_PROTOCOL},
	    {"status=error\nkind=denied\n\n", ERR_DENIED},
	    {"status=error\nkind=temporary\nretry_ms=-5\n\n", ERR_TEMPORARY},
	    {"status=error\nkind=temporary\nretry_ms=99999999999\n\n",
		ERR_TEMPORARY},
	};
	struct wire wire;
	struct err err;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(parse(&wire, answers[i].text,
				     strlen(answers[i].text), &copy, &err),
		    0);
		assert_int_equal(wire_answer(&wire, &err), -1);
		assert_int_equal(err.kind, answers[i].kind);
		assert_int_equal(err.retry_ms, 0);
		assert_true(err.text[0] != '\0');
		assert_int_equal(wire_answer(&wire, NULL), -1);
		free(copy);
	}
	assert_int_equal(parse(&wire, "status=ok\n\n", 11, &copy, &err), 0);
	assert_int_equal(wire_answer(&wire, &err), 0);
	free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_complete),
	    cmocka_unit_test(test_values_that_break_lines),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_full_block),
	    cmocka_unit_test(test_blocks_that_are_none),
	    cmocka_unit_test(test_number_of_lines),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_errors_cross),
	    cmocka_unit_test(test_strange_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
