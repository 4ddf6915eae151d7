/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: exactly one document, bounded, without what readers disagree about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

static struct json *
parse(const char *text)
{
	struct err err = {0};
	struct json *json = json_parse(text, strlen(text), &err);

	if (json == NULL) {
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_string_equal(err.code, "json");
	}
	return json;
}

/* The document as one line; the caller frees it. */
static char *
written(const struct json *json, int pretty)
{
	struct buf buf;

	buf_init(&buf, 100000);
	assert_int_equal(json_write(json, &buf, pretty), 0);
	return buf_take(&buf);
}

static void
test_getters(void **state)
{
	struct json *json = parse(
	    " {\"s\":\"a\\u00e4\\n\",\"i\":3599,\"n\":\"3599\",\"b\":true,"
	    "\"o\":{\"x\":\"y\"},\"a\":[\"p\",1,\"q\"],\"z\":null}\r\n");
	int64_t number = 0;

	(void)state;
	assert_non_null(json);
	assert_string_equal(json_get_string(json, "s"), "a\xc3\xa4\n");
	assert_null(json_get_string(json, "i"));
	assert_null(json_get_string(json, "z"));
	assert_null(json_get_string(json, "absent"));
	assert_int_equal(json_get_int(json, "i", &number), 1);
	assert_int_equal(number, 3599);
	number = 0;
	assert_int_equal(json_get_int(json, "n", &number), 1);
	assert_int_equal(number, 3599);
	assert_int_equal(json_get_int(json, "s", &number), 0);
	assert_int_equal(json_get_int(json, "b", &number), 0);
	assert_int_equal(json_get_bool(json, "b", 0), 1);
	assert_int_equal(json_get_bool(json, "i", 0), 0);
	assert_int_equal(json_get_bool(json, "absent", 1), 1);
	assert_string_equal(
	    json_get_string(json_get_object(json, "o"), "x"), "y");
	assert_null(json_get_object(json, "a"));
	assert_null(json_get_array(json, "o"));
	assert_int_equal(json_length(json_get_array(json, "a")), 3);
	assert_string_equal(json_string_at(json_get_array(json, "a"), 2), "q");
	assert_null(json_string_at(json_get_array(json, "a"), 1));
	assert_null(json_at(json_get_array(json, "a"), 3));
	number = 0;
	assert_int_equal(json_int_at(json_get_array(json, "a"), 1, &number), 1);
	assert_int_equal(number, 1);
	assert_int_equal(json_int_at(json_get_array(json, "a"), 0, &number), 0);
	assert_int_equal(json_int_at(json_get_array(json, "a"), 9, &number), 0);
	json_free(json);
}

/* Getters of nothing, or of another type, find nothing. */
static void
test_getters_of_other_types(void **state)
{
	struct json *json = parse("[1]");
	int64_t number;

	(void)state;
	assert_null(json_get_string(json, "x"));
	assert_null(json_get_string(NULL, "x"));
	assert_null(json_get_object(NULL, "x"));
	assert_int_equal(json_get_int(NULL, "x", &number), 0);
	assert_int_equal(json_length(NULL), 0);
	assert_null(json_at(NULL, 0));
	assert_null(json_string_at(json_at(json, 0), 0));
	json_each(json, NULL, NULL);
	json_each(NULL, NULL, NULL);
	json_free(json);
	json_free(NULL);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", " ", "{", "}", "[1,]",
	    "{\"a\":1,}", "{\"a\":1}x", "{\"a\":1}{}", "{a:1}", "{'a':1}",
	    "'a'", "[1 2]", "[,1]", "01", "+1", "-", "1e", "nul", "True", "NaN",
	    "[NaN]", "[-Infinity]", "Infinity", "/**/1", "// x\n1", "\"a",
	    "\"\\x\"", "\"a\nb\"", "\"a\001\"", "\"\\u12\"", "\"\\u0000\"",
	    "{\"access_token\\u0000x\":1}", "\"\xff\"", "\"\xc3\"",
	    "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "<html></html>", "null"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != NULL)
			fail_msg("accepted: %zu %s", i, bad[i]);
	assert_null(json_parse("{}\0", 3, NULL));
	assert_null(json_parse("\"a\0b\"", 5, NULL));
}

static void
test_accepted(void **state)
{
	static const char *const good[] = {"{}", "[]", " {} ", "\n[1,2]\n", "0",
	    "-1", "1e3", "\"\"", "true", "\"\\\\u0000\"", "\"\\ud83d\\ude00\"",
	    "{\"It's N\":\"I\"}"};
	struct json *json;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		json = parse(good[i]);
		if (json == NULL)
			fail_msg("refused: %s", good[i]);
		json_free(json);
	}
	/* Bounded by its length, not by a NUL. */
	json = json_parse("[1]garbage", 3, NULL);
	assert_non_null(json);
	json_free(json);
}

/* depth containers around a 1 */
static struct json *
nested(size_t depth)
{
	char text[200] = "";
	size_t i;

	for (i = 0; i < depth; i++)
		strcat(text, i % 2 == 0 ? "[" : "{\"a\":");
	strcat(text, "1");
	for (i = depth; i-- > 0;)
		strcat(text, i % 2 == 0 ? "]" : "}");
	return parse(text);
}

static void
test_depth(void **state)
{
	struct json *json = nested(JSON_DEPTH_MAX);
	char deep[5000];

	(void)state;
	assert_non_null(json);
	json_free(json);
	assert_null(nested(JSON_DEPTH_MAX + 1));
	memset(deep, '[', sizeof(deep));
	assert_null(json_parse(deep, sizeof(deep), NULL));
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		int found;
		int64_t value;
	} numbers[] = {
	    {"0", 1, 0},
	    {"-5", 1, -5},
	    {"3600.0", 1, 3600},
	    {"9223372036854775806", 1, INT64_MAX - 1},
	    {"9223372036854775808", 0, 0},
	    {"-9223372036854775809", 0, 0},
	    {"99999999999999999999999999", 0, 0},
	    {"1.5", 0, 0},
	    {"1e999", 0, 0},
	    {"\"12\"", 1, 12},
	    {"\"-12\"", 1, -12},
	    {"\"\"", 0, 0},
	    {"\" 12\"", 0, 0},
	    {"\"12s\"", 0, 0},
	    {"\"0x10\"", 0, 0},
	    {"\"99999999999999999999\"", 0, 0},
	    {"true", 0, 0},
	    {"null", 0, 0},
	    {"[1]", 0, 0},
	};
	char text[80];
	struct json *json;
	int64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		value = 0;
		strcpy(text, "{\"n\":");
		strcat(text, numbers[i].text);
		strcat(text, "}");
		json = parse(text);
		assert_non_null(json);
		if (json_get_int(json, "n", &value) != numbers[i].found ||
		    value != numbers[i].value)
			fail_msg("%s", numbers[i].text);
		json_free(json);
	}
}

static void
test_duplicate_keys(void **state)
{
	struct json *json = parse("{\"a\":\"first\",\"a\":\"last\"}");

	(void)state;
	assert_string_equal(json_get_string(json, "a"), "last");
	json_free(json);
}

static void
test_build_and_write(void **state)
{
	struct json *json = json_object();
	struct json *array = json_array();
	struct json *part = json_object();
	char *text;

	(void)state;
	json_set_int(json, "version", 1);
	json_set_string(json, "s", "a\"b\\c\n\x7f/\xc3\xa4");
	json_set_string(json, "none", NULL);
	json_set_null(json, "null");
	json_set_bool(json, "yes", 2);
	json_set_int(json, "big", INT64_MIN);
	json_append_string(array, "x");
	json_append_string(array, NULL);
	json_append(array, part);
	json_set(json, "list", array);
	json_set_int(json, "version", 2);
	text = written(json, 0);
	assert_string_equal(text,
	    "{\"version\":2,\"s\":\"a\\\"b\\\\c\\u000a\\u007f/\xc3\xa4\","
	    "\"none\":null,\"null\":null,\"yes\":true,"
	    "\"big\":-9223372036854775808,\"list\":[\"x\",null,{}]}");
	free(text);
	json_free(json);
}

static void
test_pretty(void **state)
{
	struct json *json = parse("{\"a\":[1,{\"b\":[]}],\"c\":{}}");
	char *text = written(json, 1);

	(void)state;
	assert_string_equal(text,
	    "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n"
	    "  \"c\": {}\n}");
	free(text);
	json_free(json);
}

/* What we write is JSON, whatever bytes went in. */
static void
test_broken_utf8_is_mended(void **state)
{
	struct json *json = json_object();
	struct json *again;
	char *text;

	(void)state;
	json_set_string(json, "t", "a\xff\xc3(\xe2\x82 \xf0\x9f\x98\x80");
	text = written(json, 0);
	assert_string_equal(text,
	    "{\"t\":\"a\\ufffd\\ufffd(\\ufffd\\ufffd \xf0\x9f\x98\x80\"}");
	again = parse(text);
	assert_non_null(again);
	json_free(again);
	free(text);
	json_free(json);
}

static void
test_write_is_bounded(void **state)
{
	struct json *json = parse("[\"0123456789\"]");
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_int_equal(json_write(json, &buf, 0), -1);
	buf_clear(&buf);
	json_free(json);
}

static void
collect(const char *key, struct json *value, void *arg)
{
	(void)value;
	strcat(arg, key);
}

static void
test_each(void **state)
{
	struct json *json = parse("{\"c\":1,\"a\":null,\"b\":{}}");
	char keys[8] = "";

	(void)state;
	json_each(json, collect, keys);
	assert_string_equal(keys, "cab");
	json_free(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_getters),
	    cmocka_unit_test(test_getters_of_other_types),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_duplicate_keys),
	    cmocka_unit_test(test_build_and_write),
	    cmocka_unit_test(test_pretty),
	    cmocka_unit_test(test_broken_utf8_is_mended),
	    cmocka_unit_test(test_write_is_bounded),
	    cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
