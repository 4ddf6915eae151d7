/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_value_net: the bounds of names, ports, networks and addresses of
 * services; their sentences are in test_conf_values.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf_value.h"

typedef int (*check)(struct conf_value *value);

/* Both lists end with NULL. */
static void
judge(check is_good, const char *const *good, const char *const *bad)
{
	struct conf_value value = {.dir = "/etc/postoak"};

	for (; *good != NULL; good++) {
		value.text = *good;
		if (is_good(&value) == -1)
			fail_msg("refused: %s %s", *good, value.problem);
	}
	for (; *bad != NULL; bad++) {
		value.text = *bad;
		value.problem[0] = '\0';
		if (is_good(&value) == 0)
			fail_msg("accepted: %s", *bad);
		assert_string_not_equal(value.problem, "");
	}
}

static void
test_hosts(void **state)
{
	static const char *const good[] = {
	    "a", "a-b.x.org", "192.0.2.1", "::1", "2001:db8::1", NULL};
	static const char *const bad[] = {"", ".", "-a", "a-", "a.", ".a",
	    "a..b", "a_b", "a b", "a\n", "[::1]", "a:25", "*.x.org",
	    "\xc3\xa4.org", "::g", NULL};
	char name[300];
	struct conf_value value = {.text = name};

	(void)state;
	judge(conf_value_host, good, bad);
	memset(name, 'a', sizeof(name));
	name[253] = '\0';
	assert_int_equal(conf_value_host(&value), 0);
	name[253] = 'a';
	name[254] = '\0';
	assert_int_equal(conf_value_host(&value), -1);
}

static void
test_ports(void **state)
{
	static const char *const good[] = {
	    "127.0.0.1:1", "[::1]:65535", "localhost:00080", NULL};
	static const char *const bad[] = {"", ":", ":80", "a", "a:", "a:0",
	    "a:65536", "a:000080", "a:+1", "a:1 ", "::1:80", "[::1]", "[::1]80",
	    "[::1:80", "[]:80", "[a b]:80", NULL};

	(void)state;
	judge(conf_value_host_port, good, bad);
	judge(conf_value_server, good, bad);
}

static void
test_networks(void **state)
{
	static const char *const good[] = {"0.0.0.0/0", "::/0", "10.0.0.0/8",
	    "192.0.2.7", "192.0.2.7/32", "192.0.2.6/31", "2001:db8::/32",
	    "2001:db8::1/128", "::ffff:192.0.2.7", NULL};
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/",
	    "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08x", "10.0.0.0/4294967304",
	    "192.0.2.7/31", "128.0.0.0/0", "10.0.0.0/8/8", "010.0.0.0/8",
	    "::1/127", "::/129", "10.0.0.0 /8", "10/8",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/8", NULL};

	(void)state;
	judge(conf_value_network, good, bad);
}

static void
test_endpoints(void **state)
{
	static const char *const good[] = {"https://x.org",
	    "https://x.org:8443/a?b=c", "https://[2001:db8::1]/t",
	    "https://[::1]:443/t", "http://localhost/t", "http://127.9.9.9:1/t",
	    "http://[::1]:8080/t", NULL};
	static const char *const bad[] = {"", "https://", "https:///t",
	    "x.org/t", "HTTPS://x.org", "https://x.org:0/", "https://x.org:/",
	    "https://x.org#f", "https://x.org/a\tb", "https://[::1/",
	    "https://[x.org]/", "https://-x.org/", "http://x.org/t",
	    "http://128.0.0.1/", "http://127.0.0.1.x.org/",
	    "http://localhost.x.org/", "http://0x7f.1/", "ftp://localhost/",
	    NULL};

	(void)state;
	judge(conf_value_endpoint, good, bad);
}

static void
test_a_password_is_never_repeated(void **state)
{
	static const check checks[] = {
	    conf_value_endpoint, conf_value_metadata, conf_value_proxy};
	struct conf_value value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		value = (struct conf_value){.text = "http://u:pw@127.0.0.1/"};
		assert_int_equal(checks[i](&value), -1);
		assert_true(value.hide);
		assert_null(strstr(value.problem, "pw"));
	}
	/* Behind the host it is no password. */
	value = (struct conf_value){.text = "https://x.org/?a=b@c"};
	assert_int_equal(conf_value_endpoint(&value), 0);
}

static void
test_metadata_is_of_this_host(void **state)
{
	static const char *const good[] = {"http://169.254.169.254/metadata",
	    "http://127.0.0.1:40342/t", "https://x.org/t", NULL};
	static const char *const bad[] = {"http://169.254.169.254.x.org/t",
	    "http://169.255.0.1/t", "http://x.org/t", NULL};

	(void)state;
	judge(conf_value_metadata, good, bad);
}

static void
test_milter_sockets(void **state)
{
	static const char *const good[] = {"unix:/run/m.sock", "inet:8891",
	    "inet:8891@127.0.0.1", "inet6:8891@::1", NULL};
	static const char *const bad[] = {"", "unix:", "inet:", "inet:0",
	    "inet:65536", "inet:12345678@a", "inet:8891@", "inet:@127.0.0.1",
	    "inet:8891@a b", "INET:8891", "8891@127.0.0.1", NULL};

	(void)state;
	judge(conf_value_milter_listen, good, bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_ports),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_endpoints),
	    cmocka_unit_test(test_a_password_is_never_repeated),
	    cmocka_unit_test(test_metadata_is_of_this_host),
	    cmocka_unit_test(test_milter_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
