/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_counters: where counters are, taken apart.
 */
#include "conf_counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct conf_counters c;

static int
parse(const char *text)
{
	struct conf_value value = {.text = text};
	int rc = conf_counters_parse(&value, &c);

	/* Each refusal says what would be right. */
	if (rc < 0)
		assert_non_null(
		    strstr(value.problem, "counters_password_file") != NULL
			? value.problem
			: strstr(value.problem, "lmdb:/directory"));
	return rc;
}

static void
server(size_t number, const char *host, const char *port)
{
	assert_string_equal(c.servers[number].host, host);
	assert_string_equal(c.servers[number].port, port);
}

static void
on_this_host(void **state)
{
	(void)state;
	assert_int_equal(parse("lmdb:/var/lib/x"), 0);
	assert_int_equal(c.shared, 0);
	assert_int_equal(parse("lmdb:x"), 0);
}

static void
one_server(void **state)
{
	(void)state;
	assert_int_equal(parse("redis://h"), 0);
	assert_int_equal(c.shared, 1);
	assert_int_equal(c.tls, 0);
	assert_int_equal(c.db, 0);
	assert_string_equal(c.user, "");
	assert_string_equal(c.master, "");
	assert_string_equal(c.path, "");
	server(0, "h", "6379");
	assert_int_equal(parse("redis://h:1/"), 0);
	server(0, "h", "1");
	assert_int_equal(parse("rediss://milter@redis.example:6380/3"), 0);
	assert_int_equal(c.tls, 1);
	assert_int_equal(c.db, 3);
	assert_string_equal(c.user, "milter");
	server(0, "redis.example", "6380");
	assert_int_equal(parse("redis://[2001:db8::1]/1"), 0);
	server(0, "2001:db8::1", "6379");
	assert_int_equal(parse("redis://[::1]:7/1"), 0);
	server(0, "::1", "7");
}

static void
a_unix_socket(void **state)
{
	(void)state;
	assert_int_equal(parse("redis+unix:///run/redis/redis.sock"), 0);
	assert_string_equal(c.path, "/run/redis/redis.sock");
	assert_int_equal(c.server_count, 0);
	assert_int_equal(parse("redis+unix:///s?db=12"), 0);
	assert_string_equal(c.path, "/s");
	assert_int_equal(c.db, 12);
}

static void
sentinels(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("redis+sentinel://u@a,b:5,[::1]:6/mymaster/2"), 0);
	assert_int_equal(c.server_count, 3);
	assert_string_equal(c.master, "mymaster");
	assert_string_equal(c.user, "u");
	assert_int_equal(c.db, 2);
	server(0, "a", "26379");
	server(1, "b", "5");
	server(2, "::1", "6");
	assert_int_equal(parse("rediss+sentinel://a/m"), 0);
	assert_int_equal(c.tls, 1);
}

static void
refused(void **state)
{
	static const char *const bad[] = {"", "lmdb", "lmdb:", "lmdb:~/x",
	    "/var/lib/x", "redis:", "redis:h", "redis://", "redis:///0",
	    "redis://h:0", "redis://h:65536", "redis://h:x",
	    "redis://h:", "redis://h/x", "redis://h/1x", "redis://h/0/1",
	    "redis://a,b", "redis://@h", "redis://h h", "redis://[::1",
	    "redis://[::1]x", "redis://h?db=1", "redis+unix://run/x",
	    "redis+unix://", "redis+unix:///x?db=", "redis+unix:///x?db=y",
	    "rediss+unix:///x", "redis+sentinel://a", "redis+sentinel://a/",
	    "redis+sentinel:///m", "redis+sentinel://a,/m",
	    "redis+sentinel://a,,b/m", "redis+sentinel://1,2,3,4,5,6,7,8,9/m",
	    "http://h", "valkey://h"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) == 0)
			fail_msg("taken: %s", bad[i]);
}

/* Everybody can read the configuration, and errors stand in the log. */
static void
a_password_is_refused_and_not_repeated(void **state)
{
	static const char *const bad[] = {"redis://u:pw@h", "redis://:pw@h",
	    "rediss://u:pw@h/0", "redis+sentinel://u:pw@a,b/m"};
	struct conf_value value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		value = (struct conf_value){.text = bad[i]};
		assert_int_equal(conf_counters_parse(&value, &c), -1);
		assert_int_equal(value.hide, 1);
		assert_null(strstr(value.problem, "pw"));
		assert_non_null(
		    strstr(value.problem, "counters_password_file"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(on_this_host),
	    cmocka_unit_test(one_server),
	    cmocka_unit_test(a_unix_socket),
	    cmocka_unit_test(sentinels),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(a_password_is_refused_and_not_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
