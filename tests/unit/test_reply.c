/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/lmdb_store
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/reply milter/limits milter/counters milter/counters_lmdb
 * link: milter/lmdb_file milter/limit milter/ticks milter/map
 * link: milter/lmdb_check
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal
 * libs: milter
 *
 * reply, limits: what a refused client reads, and what is counted for whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "milter/limits.h"
#include "milter/reply.h"

static void
durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
	    {1, "1 second"},
	    {1000, "1 second"},
	    {1001, "2 seconds"},
	    {59999, "1 minute"},
	    {60000, "1 minute"},
	    {61000, "61 seconds"},
	    {119001, "2 minutes"},
	    {120001, "3 minutes"},
	    {3600000, "1 hour"},
	    {3601000, "61 minutes"},
	    {7200000, "2 hours"},
	    {86400000, "1 day"},
	    {90000000, "25 hours"},
	    {172800001, "3 days"},
	};
	char text[40];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reply_duration(text, sizeof(text), cases[i].ms);
		assert_string_equal(text, cases[i].text);
	}
}

static void
expect(int retry, enum conf_unit unit, long long window_s, uint64_t used,
    uint64_t amount, int64_t wait_ms, const char *code, const char *text)
{
	struct conf_limit limit = {.unit = unit, .window_s = window_s};
	struct counters_item item = {
	    .max = 30, .used = used, .amount = amount, .wait_ms = wait_ms};
	struct reply reply;

	reply_over_limit(&reply, retry, "account a@b", &limit, &item);
	assert_string_equal(reply.code, code);
	assert_string_equal(reply.text, text);
}

static void
over_a_limit(void **state)
{
	(void)state;
	expect(1, CONF_UNIT_MESSAGES, 60, 30, 1, 41500, "451",
	    "account a@b has sent 30 of 30 messages in the last minute; try "
	    "again in 42 seconds");
	expect(1, CONF_UNIT_EXTERNAL_RECIPIENTS, 86400, 28, 5, 7200000, "451",
	    "account a@b has sent 28 of 30 external recipients in the last "
	    "24 hours and this message has 5; try again in 2 hours");
	expect(0, CONF_UNIT_RECIPIENTS, 3600, 30, 1, 1000, "550",
	    "account a@b has sent 30 of 30 recipients in the last hour");
	expect(1, CONF_UNIT_RECIPIENTS, 900, 0, 31, -1, "550",
	    "account a@b may send 30 recipients in 15 minutes and this "
	    "message alone has 31");
}

static void
wire_text(void **state)
{
	char out[2 * REPLY_TEXT_MAX], in[REPLY_TEXT_MAX];

	(void)state;
	reply_wire("100% of \xc3\xbc\r\n\tx", out);
	assert_string_equal(out, "100%% of ?????x");
	memset(in, '%', sizeof(in));
	in[sizeof(in) - 1] = '\0';
	reply_wire(in, out);
	assert_int_equal(strlen(out), 2 * (REPLY_TEXT_MAX - 1));
}

static void
key(const struct conf_account *account, enum conf_scope scope,
    const char *expected)
{
	static const struct limits_message message = {.who = "ann@contoso.com",
	    .login = "magma",
	    .client = "192.0.2.1",
	    .sender = "<erp@app.example>",
	    .recipients = 7,
	    .external_recipients = 5,
	    .bytes = 1000};
	const struct conf_limit limit = {.scope = scope,
	    .unit = CONF_UNIT_EXTERNAL_RECIPIENTS,
	    .max = 9,
	    .window_s = 60};
	struct counters_item item;

	limits_item(&item, account, &limit, &message);
	assert_string_equal(item.key, expected);
	assert_int_equal(item.amount, 5);
	assert_int_equal(item.max, 9);
	assert_int_equal(item.window_ms, 60000);
}

static void
scopes_are_counted_apart(void **state)
{
	static char app_name[] = "contoso", tenant[] = "1111-2222",
		    name[] = "relay@contoso.com";
	struct conf_application app = {.name = app_name, .tenant_id = tenant};
	struct conf_account account = {.name = name, .application = &app};

	(void)state;
	key(&account, CONF_SCOPE_ACCOUNT,
	    "account|ann@contoso.com|external_recipients|60");
	key(&account, CONF_SCOPE_LOGIN,
	    "login|ann@contoso.com magma|external_recipients|60");
	key(&account, CONF_SCOPE_CLIENT,
	    "client|ann@contoso.com 192.0.2.1|external_recipients|60");
	key(&account, CONF_SCOPE_SENDER,
	    "sender|ann@contoso.com <erp@app.example>|external_recipients|60");
	key(&account, CONF_SCOPE_APPLICATION,
	    "application|contoso|external_recipients|60");
	key(&account, CONF_SCOPE_TENANT,
	    "tenant|1111-2222|external_recipients|60");
	app.tenant_id = NULL;
	key(&account, CONF_SCOPE_TENANT,
	    "tenant|contoso|external_recipients|60");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(durations),
	    cmocka_unit_test(over_a_limit),
	    cmocka_unit_test(wire_text),
	    cmocka_unit_test(scopes_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
