/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/route milter/address milter/scan milter/map
 *
 * route, map: whose mail it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "milter/route.h"

static struct route route;

static int
setup(void **state)
{
	(void)state;
	route_init(&route, 9);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	route_clear(&route);
	return 0;
}

static void
sender(const char *text, size_t account)
{
	size_t other;

	assert_int_equal(route_add_sender(&route, text, account, &other), 0);
}

static void
client(const char *text, size_t account)
{
	size_t other;

	assert_int_equal(route_add_client(&route, text, account, &other), 0);
}

static size_t
ask(const char *login, const char *envelope, const char *header,
    const char *address, const char *expected_by)
{
	struct address s, f;
	struct route_client c = {.known = 0};
	struct route_query query = {.login = login};
	const char *by;
	size_t account;

	if (envelope != NULL) {
		assert_int_equal(
		    address_parse_path(envelope, strlen(envelope), &s), 1);
		query.sender = &s;
	}
	if (header != NULL) {
		assert_int_equal(
		    address_parse_path(header, strlen(header), &f), 1);
		query.from = &f;
	}
	if (address != NULL) {
		assert_int_equal(route_client_parse(&c, address), 0);
		query.client = &c;
	}
	account = route_find(&route, &query, &by);
	assert_string_equal(by, expected_by);
	return account;
}

static void
order_of_the_criteria(void **state)
{
	size_t other;

	(void)state;
	assert_int_equal(route_add_login(&route, "magma", 1, &other), 0);
	sender("erp@contoso.com", 2);
	sender("@contoso.com", 3);
	client("10.1.0.0/16", 4);
	assert_int_equal(
	    ask("magma", "erp@contoso.com", NULL, "10.1.2.3", "login"), 1);
	assert_int_equal(
	    ask("Magma", "erp@contoso.com", NULL, "10.1.2.3", "login"), 1);
	assert_int_equal(
	    ask("other", "ERP@Contoso.com", NULL, "10.1.2.3", "sender"), 2);
	assert_int_equal(
	    ask(NULL, "x@contoso.com", NULL, "10.1.2.3", "sender"), 3);
	assert_int_equal(
	    ask(NULL, "x@sub.contoso.com", NULL, "10.1.2.3", "client"), 4);
	assert_int_equal(ask("", "x@y", NULL, "10.2.0.1", "none"), ROUTE_NONE);
}

static void
header_is_asked_when_there_is_no_sender(void **state)
{
	(void)state;
	sender("erp@contoso.com", 2);
	assert_int_equal(ask(NULL, NULL, "erp@contoso.com", NULL, "sender"), 2);
	assert_int_equal(
	    ask(NULL, "x@y", "erp@contoso.com", NULL, "none"), ROUTE_NONE);
}

static void
own_addresses_come_after_listed_ones(void **state)
{
	(void)state;
	route_add_own(&route, "relay@contoso.com", 1);
	route_add_own(&route, "shared@contoso.com", 1);
	route_add_own(&route, "@fabrikam.com", 5);
	sender("shared@contoso.com", 2);
	sender("@contoso.com", 3);
	assert_int_equal(
	    ask(NULL, "relay@contoso.com", NULL, NULL, "sender"), 1);
	assert_int_equal(
	    ask(NULL, "shared@contoso.com", NULL, NULL, "sender"), 2);
	assert_int_equal(ask(NULL, "x@contoso.com", NULL, NULL, "sender"), 3);
	assert_int_equal(
	    ask(NULL, "any@Fabrikam.com", NULL, NULL, "sender"), 5);
}

static void
longest_prefix_wins(void **state)
{
	(void)state;
	client("10.0.0.0/8", 1);
	client("10.1.0.0/16", 2);
	client("10.1.2.3", 3);
	client("2001:db8::/32", 4);
	client("2001:db8:0:1::/64", 5);
	client("0.0.0.0/0", 6);
	assert_int_equal(ask(NULL, NULL, NULL, "10.9.9.9", "client"), 1);
	assert_int_equal(ask(NULL, NULL, NULL, "10.1.9.9", "client"), 2);
	assert_int_equal(ask(NULL, NULL, NULL, "10.1.2.3", "client"), 3);
	assert_int_equal(ask(NULL, NULL, NULL, "::ffff:10.1.2.3", "client"), 3);
	assert_int_equal(ask(NULL, NULL, NULL, "2001:db8::1", "client"), 4);
	assert_int_equal(ask(NULL, NULL, NULL, "2001:db8:0:1::1", "client"), 5);
	assert_int_equal(ask(NULL, NULL, NULL, "192.0.2.1", "client"), 6);
	assert_int_equal(
	    ask(NULL, NULL, NULL, "2001:db9::1", "none"), ROUTE_NONE);
	assert_int_equal(
	    ask(NULL, NULL, NULL, "[IPv6:2001:db8::1]", "client"), 4);
}

static void
prefixes_that_are_none(void **state)
{
	static const char *const bad[] = {"", "x", "10.0.0.0/33", "10.0.0/8",
	    "2001:db8::/129", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1",
	    "host.example"};
	size_t i, other;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    route_add_client(&route, bad[i], 1, &other), -1);
		assert_true(other == ROUTE_NONE);
	}
}

static void
nobody_is_listed_twice(void **state)
{
	size_t other;

	(void)state;
	sender("a@b", 1);
	sender("a@b", 1);
	assert_int_equal(route_add_sender(&route, "A@B", 2, &other), -1);
	assert_int_equal(other, 1);
	assert_int_equal(route_add_sender(&route, "@b", 2, &other), 0);
	assert_int_equal(route_add_sender(&route, "nonsense", 2, &other), -1);
	assert_true(other == ROUTE_NONE);
	client("10.0.0.0/8", 1);
	assert_int_equal(route_add_client(&route, "10.9.9.9/8", 2, &other), -1);
	assert_int_equal(other, 1);
	assert_int_equal(route_add_login(&route, "x", 1, &other), 0);
	assert_int_equal(route_add_login(&route, "X", 2, &other), -1);
	assert_int_equal(route_add_login(&route, "", 2, &other), -1);
}

static void
only_account(void **state)
{
	(void)state;
	route_init(&route, 1);
	assert_int_equal(ask(NULL, "x@y", NULL, "192.0.2.1", "only"), 0);
	assert_int_equal(ask(NULL, NULL, NULL, NULL, "only"), 0);
}

/* Every one of 10,000 accounts is found; by how many there are, an answer
 * gets no slower than by what the processor's caches do. */
static void
ten_thousand_accounts(void **state)
{
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		(void)snprintf(text, sizeof(text), "user%zu@contoso.com", i);
		sender(text, i);
		(void)snprintf(
		    text, sizeof(text), "10.%zu.%zu.0/24", i / 256, i % 256);
		client(text, i);
	}
	for (i = 0; i < 10000; i++) {
		(void)snprintf(text, sizeof(text), "USER%zu@contoso.com", i);
		assert_int_equal(ask(NULL, text, NULL, NULL, "sender"), i);
		(void)snprintf(
		    text, sizeof(text), "10.%zu.%zu.7", i / 256, i % 256);
		assert_int_equal(ask(NULL, "x@y", NULL, text, "client"), i);
	}
}

static void
maps_keep_the_first(void **state)
{
	struct map map;

	(void)state;
	map_init(&map);
	assert_true(map_gets(&map, "a") == MAP_NONE);
	assert_true(map_puts(&map, "a", 1) == MAP_NONE);
	assert_int_equal(map_puts(&map, "a", 2), 1);
	assert_int_equal(map_gets(&map, "a"), 1);
	assert_true(map_put(&map, "a\0b", 3, 7) == MAP_NONE);
	assert_int_equal(map_get(&map, "a\0b", 3), 7);
	assert_true(map_puts(&map, "", 0) == MAP_NONE);
	assert_int_equal(map_gets(&map, ""), 0);
	map_clear(&map);
	assert_true(map_gets(&map, "a") == MAP_NONE);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(order_of_the_criteria),
	    T(header_is_asked_when_there_is_no_sender),
	    T(own_addresses_come_after_listed_ones),
	    T(longest_prefix_wins),
	    T(prefixes_that_are_none),
	    T(nobody_is_listed_twice),
	    T(only_account),
	    T(ten_thousand_accounts),
	    T(maps_keep_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
