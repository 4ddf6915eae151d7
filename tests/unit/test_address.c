/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/address milter/scan
 *
 * address: what is an address list beyond doubt, and what is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "milter/address.h"

static struct address_list list;

static int
parse(const char *value)
{
	return address_parse(value, strlen(value), &list);
}

/* Expect exactly these addresses, as text, each followed by a blank. */
static void
expect(const char *value, const char *addresses, unsigned flags)
{
	char all[2000] = "", text[ADDRESS_TEXT_MAX];
	size_t i;

	if (parse(value) < 0)
		fail_msg("\"%s\" was refused: %s", value, list.problem);
	for (i = 0; i < list.count && i < ADDRESS_KEPT_MAX; i++) {
		address_format(&list.kept[i], text);
		strcat(all, text);
		strcat(all, " ");
	}
	if (strcmp(all, addresses) != 0 || list.flags != flags)
		fail_msg("\"%s\" gave \"%s\" flags %u, expected \"%s\" %u",
		    value, all, list.flags, addresses, flags);
}

static void
expect_name(const char *value, const char *name)
{
	assert_int_equal(parse(value), 0);
	assert_int_equal(list.kept[0].name.len, strlen(name));
	assert_memory_equal(list.kept[0].name.data, name, strlen(name));
}

static void
refuse(const char *value)
{
	if (parse(value) == 0)
		fail_msg(
		    "\"%s\" was taken for %zu addresses", value, list.count);
	assert_non_null(list.problem);
}

static void
plain_addresses(void **state)
{
	(void)state;
	expect("a@b.example", "a@b.example ", 0);
	expect("  a@b.example  ", "a@b.example ", 0);
	expect("<a@b.example>", "a@b.example ", 0);
	expect("Ann Other <a@b.example>", "a@b.example ", 0);
	expect("\"Other, Ann\" <a@b.example>", "a@b.example ", 0);
	expect("\"a \\\"quoted\\\" name\" <a@b.example>", "a@b.example ", 0);
	expect("John Q. Public <a@b.example>", "a@b.example ", 0);
	expect("a.b+c@d-e.example", "a.b+c@d-e.example ", 0);
	expect("a@b", "a@b ", 0);
	expect("=?utf-8?q?J=C3=BCrgen?= <a@b>", "a@b ", 0);
	expect("\"x@evil.example\" <a@b>", "a@b ", 0);
	expect("a@b, c@d", "a@b c@d ", 0);
	expect("A <a@b>, \"B, b\" <c@d>", "a@b c@d ", 0);
}

static void
folded_values(void **state)
{
	(void)state;
	expect("Ann\n Other\n <a@b.example>", "a@b.example ", 0);
	expect("Ann\r\n\tOther <a@b.example>", "a@b.example ", 0);
	expect("\n <a@b.example>", "a@b.example ", 0);
	expect("\"Other,\n Ann\" <a@b.example>", "a@b.example ", 0);
	expect("a@b,\n c@d", "a@b c@d ", 0);
	expect("A\n \n <a@b>", "a@b ", 0);
}

static void
comments_are_odd(void **state)
{
	(void)state;
	expect("a@b (Ann)", "a@b ", SCAN_ODD);
	assert_memory_equal(list.kept[0].comment.data, "Ann", 3);
	expect("(x) a@b", "a@b ", SCAN_ODD);
	expect("Ann (the (real) one) <a@b>", "a@b ", SCAN_ODD);
	expect("a(x)@b", "a@b ", SCAN_ODD);
	expect("a@(evil@example)b", "a@b ", SCAN_ODD);
	expect("<a@b(>)>", "a@b ", SCAN_ODD);
	expect("(\\)) a@b", "a@b ", SCAN_ODD);
	expect("(\" ) a@b", "a@b ", SCAN_ODD);
	refuse("(a@b");
	refuse("a@b)");
	refuse("(a(b) c@d");
}

static void
obsolete_forms_are_odd(void **state)
{
	(void)state;
	expect("a . b@c", "a.b@c ", SCAN_ODD);
	expect("a@b . c", "a@b.c ", SCAN_ODD);
	expect("a @b", "a@b ", SCAN_ODD);
	expect("<@x,@y:a@b>", "a@b ", SCAN_ODD);
	expect("<@x:a@b>", "a@b ", SCAN_ODD);
	expect("<,@x:a@b>", "a@b ", SCAN_ODD);
	expect(", a@b", "a@b ", SCAN_ODD);
	expect("a@b,", "a@b ", SCAN_ODD);
	expect("a@b,,c@d", "a@b c@d ", SCAN_ODD);
	expect("\"a\".b@c", "a.b@c ", SCAN_ODD);
	refuse("<@x,@y a@b>");
	refuse("<@x>");
}

static void
quoted_local_parts(void **state)
{
	(void)state;
	expect("\"a\"@b", "a@b ", SCAN_ODD);
	expect("\"a b\"@c", "\"a b\"@c ", SCAN_ODD);
	expect("\"a@evil\"@b", "\"a@evil\"@b ", SCAN_ODD);
	expect("\"a\\\"b\"@c", "\"a\\\"b\"@c ", SCAN_ODD);
	expect("\"a..b\"@c", "\"a..b\"@c ", SCAN_ODD);
	refuse("\"\"@b");
	refuse("\"a\n b\"@c");
	refuse("\"a@b");
}

static void
groups(void **state)
{
	(void)state;
	expect("G: a@b, C <c@d>;", "a@b c@d ", SCAN_ODD);
	assert_int_equal(list.groups, 1);
	expect("G: a@b;, e@f", "a@b e@f ", SCAN_ODD);
	refuse("G:;");
	refuse("undisclosed recipients:;");
	refuse("G: a@b");
	refuse("G: H: a@b;;");
	refuse(": a@b;");
	refuse("a@b;");
}

static void
domain_literals(void **state)
{
	(void)state;
	expect("a@[192.0.2.1]", "a@[192.0.2.1] ", 0);
	expect("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1] ", 0);
	refuse("a@[192.0.2.1");
	refuse("a@[a b]");
	refuse("a@[[x]");
	refuse("a@[x\\]y]");
	refuse("a@192.0.2.1]");
}

static void
utf8_addresses(void **state)
{
	(void)state;
	expect("J\xc3\xbcrgen <a@b>", "a@b ", 0);
	expect("j\xc3\xbc@b", "j\xc3\xbc@b ", SCAN_UTF8);
	expect("a@b\xc3\xbc.example", "a@b\xc3\xbc.example ", SCAN_UTF8);
	expect("J\xfcrgen <a@b>", "a@b ", SCAN_RAW8);
	expect("\"J\xfcrgen\" <a@b>", "a@b ", SCAN_RAW8);
	refuse("j\xfc@b");
	refuse("a@b\xfc");
	refuse("a@b\xc0\x80");
	refuse("a@b\xed\xa0\x80");
	refuse("a@b\xf4\x90\x80\x80");
	refuse("a@b\xe2\x82");
}

static void
no_addresses(void **state)
{
	(void)state;
	refuse("");
	refuse(" ");
	refuse(",");
	refuse("Ann Other");
	refuse("\"Ann\"");
	refuse("(a@b)");
	refuse("<>");
	refuse("Ann <>");
	refuse("@b");
	refuse("a@");
	refuse("a@@b");
	refuse("a@b@c");
	refuse("a@b c");
	refuse("a@b c@d");
	refuse("a@b <c@d>");
	refuse("<a@b> c");
	refuse("<a@b> <c@d>");
	refuse("<a@b");
	refuse("a@b>");
	refuse("<<a@b>>");
	refuse("<a@b, c@d>");
	refuse("a b@c");
	refuse(".a@b");
	refuse("a.@b");
	refuse("a..b@c");
	refuse("a@.b");
	refuse("a@b.");
	refuse("a@b..c");
	refuse(". <a@b>");
	refuse("a@b; c@d");
	refuse("Ann [x] <a@b>");
	refuse("a\\@b@c");
	refuse("a@b\\");
	refuse("\"a@b\\");
}

static void
control_characters(void **state)
{
	(void)state;
	refuse("a@b\n");
	refuse("a@b\r");
	refuse("a@b\nc");
	refuse("a\r@b");
	refuse("a@b\r \n c");
	refuse("A\001 <a@b>");
	refuse("\"A\001\" <a@b>");
	refuse("(\177) a@b");
	refuse("\"A\\\r\" <a@b>");
	assert_int_equal(address_parse("a@b\0,c@d", 8, &list), -1);
	assert_int_equal(address_parse("\"a\0\" <a@b>", 10, &list), -1);
	assert_int_equal(address_parse("A\0 <a@b>", 8, &list), -1);
}

static void
lengths(void **state)
{
	char value[600];
	int i;

	(void)state;
	memset(value, 'a', sizeof(value));
	memcpy(value + 64, "@b", 3);
	assert_int_equal(parse(value), 0);
	memset(value, 'a', sizeof(value));
	memcpy(value + 65, "@b", 3);
	refuse(value);
	memset(value, 'a', sizeof(value));
	value[1] = '@';
	value[2 + 255] = '\0';
	assert_int_equal(parse(value), 0);
	value[2 + 255] = 'a';
	value[2 + 256] = '\0';
	refuse(value);
	for (i = 0; i < 32; i++) {
		value[i] = '(';
		value[32 + i] = ')';
	}
	strcpy(value + 64, "a@b");
	assert_int_equal(parse(value), 0);
	value[0] = ' ';
	memset(value + 1, '(', 33);
	refuse(value);
}

static void
many_mailboxes_are_counted(void **state)
{
	char *value = malloc(100001);
	size_t i;

	(void)state;
	for (i = 0; i < 25000; i++)
		memcpy(value + 4 * i, "a@b,", 4);
	value[99999] = '\0';
	assert_int_equal(parse(value), 0);
	assert_int_equal(list.count, 25000);
	free(value);
}

static void
names_are_slices_of_the_value(void **state)
{
	(void)state;
	expect_name("Ann Other <a@b>", "Ann Other");
	expect_name("  \"Other, Ann\"  <a@b>", "\"Other, Ann\"");
	expect_name("=?utf-8?q?a?=\n =?utf-8?q?b?= <a@b>",
	    "=?utf-8?q?a?=\n =?utf-8?q?b?=");
	expect_name("<a@b>", "");
	expect_name("a@b", "");
}

static void
paths(void **state)
{
	static const struct {
		const char *path;
		int rc;
		const char *text;
	} cases[] = {
	    {"<a@b>", 1, "a@b"},
	    {"a@b", 1, "a@b"},
	    {"<>", 0, NULL},
	    {"", 0, NULL},
	    {"<@x,@y:a@b>", 1, "a@b"},
	    {"<\"a b\"@c>", 1, "\"a b\"@c"},
	    {"<j\xc3\xbc@b>", 1, "j\xc3\xbc@b"},
	    {"<a@[192.0.2.1]>", 1, "a@[192.0.2.1]"},
	    {"<root>", -1, NULL},
	    {"< a@b>", -1, NULL},
	    {"<a@b >", -1, NULL},
	    {"<a(x)@b>", -1, NULL},
	    {"<a@b>x", -1, NULL},
	    {"<a@b", -1, NULL},
	    {"a@b>", -1, NULL},
	    {"<a@b>,<c@d>", -1, NULL},
	    {"A <a@b>", -1, NULL},
	    {"<a @b>", -1, NULL},
	    {"<>x", -1, NULL},
	};
	struct address address;
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = address_parse_path(
		    cases[i].path, strlen(cases[i].path), &address);

		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].path, rc);
		if (rc == 1) {
			address_format(&address, text);
			assert_string_equal(text, cases[i].text);
		}
	}
}

static void
key_of(const char *path, char key[ADDRESS_TEXT_MAX])
{
	struct address address;

	assert_int_equal(address_parse_path(path, strlen(path), &address), 1);
	address_key(&address, key);
}

static void
equal_addresses_have_one_key(void **state)
{
	char a[ADDRESS_TEXT_MAX], b[ADDRESS_TEXT_MAX];

	(void)state;
	key_of("Relay@Contoso.COM", a);
	key_of("<\"relay\"@contoso.com>", b);
	assert_string_equal(a, b);
	key_of("relay2@contoso.com", b);
	assert_string_not_equal(a, b);
}

/* Whatever is read can be written and is read as the same again. */
static void
what_is_written_can_be_read(void **state)
{
	static const char alphabet[] =
	    "aaaabbbbcc@@@@..<>(),:;\"\\ \t\n[]=?\xc3\xbc\xfc\001";
	char value[24], text[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
	struct address address;
	unsigned seed = 1;
	int round, taken = 0;

	(void)state;
	for (round = 0; round < 2000000; round++) {
		size_t len, i;

		seed = seed * 1103515245 + 12345;
		len = (seed >> 16) % sizeof(value);
		for (i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			value[i] =
			    alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		if (address_parse(value, len, &list) < 0)
			continue;
		taken++;
		assert_true(list.count > 0);
		address_format(&list.kept[0], text);
		assert_int_equal(
		    address_parse_path(text, strlen(text), &address), 1);
		address_format(&address, again);
		assert_string_equal(text, again);
	}
	assert_true(taken > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_addresses),
	    cmocka_unit_test(folded_values),
	    cmocka_unit_test(comments_are_odd),
	    cmocka_unit_test(obsolete_forms_are_odd),
	    cmocka_unit_test(quoted_local_parts),
	    cmocka_unit_test(groups),
	    cmocka_unit_test(domain_literals),
	    cmocka_unit_test(utf8_addresses),
	    cmocka_unit_test(no_addresses),
	    cmocka_unit_test(control_characters),
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(many_mailboxes_are_counted),
	    cmocka_unit_test(names_are_slices_of_the_value),
	    cmocka_unit_test(paths),
	    cmocka_unit_test(equal_addresses_have_one_key),
	    cmocka_unit_test(what_is_written_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
