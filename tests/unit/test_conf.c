/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A good configuration: each option arrives where it belongs, presets and
 * defaults fill the rest.
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

static void
assert_list(const struct conf_list *list, size_t count, ...)
{
	va_list ap;
	size_t i;

	assert_int_equal(list->count, count);
	va_start(ap, count);
	for (i = 0; i < count; i++)
		assert_string_equal(list->items[i], va_arg(ap, const char *));
	va_end(ap);
}

/* --- sections ------------------------------------------------------------ */

static void
test_empty_file(void **state)
{
	struct conf *conf = conf_files_load("");

	(void)state;
	assert_string_equal(conf->path, conf_files_path("postoak.conf"));
	assert_int_equal(conf->account_count, 0);
	assert_list(&conf->tokend.listen, 2,
	    POSTOAK_RUNSTATEDIR "/postoak/tokend.sock",
	    POSTOAK_LOCALSTATEDIR "/spool/postfix/run/postoak/tokend.sock");
	assert_string_equal(
	    conf->tokend.control, POSTOAK_RUNSTATEDIR "/postoak/control.sock");
	assert_list(&conf->tokend.allow_users, 3, "postfix", "root", "smmsp");
	assert_string_equal(
	    conf->tokend.store, POSTOAK_LOCALSTATEDIR "/lib/postoak/tokens");
	assert_string_equal(
	    conf->tokend.seal_key_file, conf_files_path("secrets/seal.key"));
	assert_null(conf->tokend.metrics);
	assert_null(conf->tokend.admin_group);
	assert_int_equal(conf->tokend.notify_command.count, 0);
	assert_string_equal(conf->milter.listen,
	    "unix:" POSTOAK_LOCALSTATEDIR
	    "/spool/postfix/run/postoak-milter/milter.sock");
	assert_string_equal(conf->milter.control,
	    POSTOAK_RUNSTATEDIR "/postoak-milter/control.sock");
	assert_string_equal(conf->milter.counters,
	    "lmdb:" POSTOAK_LOCALSTATEDIR "/lib/postoak-milter");
	assert_string_equal(conf->milter.unmatched, "pass");
	assert_null(conf_account_find(conf, "a@x.org"));
	assert_null(conf_account_for(conf, "a@x.org"));
	conf_free(conf);
	conf_free(NULL);
}

static void
test_daemons(void **state)
{
	struct conf *conf = conf_files_load(
	    "tokend {\n"
	    "  listen = { \"t.sock\", /run/t.sock }\n"
	    "  control = 'c.sock'\n"
	    "  admin_group = adm\n"
	    "  allow_users = { }\n"
	    "  store = \"store\"\n"
	    "  seal_key_file = \"/k\"\n"
	    "  metrics = \"[::1]:9466\"\n"
	    "  notify_command = { \"/bin/tell\", \"a b\", \"\" }\n"
	    "}\n"
	    "milter {\n"
	    "  listen = \"unix:m.sock\"\n"
	    "  control = \"/run/mc.sock\"\n"
	    "  counters = \"lmdb:counters\"\n"
	    "  unmatched = \"reject\"\n"
	    "  metrics = \"127.0.0.1:9467\"\n"
	    "}\n");

	(void)state;
	assert_list(
	    &conf->tokend.listen, 2, conf_files_path("t.sock"), "/run/t.sock");
	assert_string_equal(conf->tokend.control, conf_files_path("c.sock"));
	assert_string_equal(conf->tokend.admin_group, "adm");
	assert_int_equal(conf->tokend.allow_users.count, 0);
	assert_string_equal(conf->tokend.store, conf_files_path("store"));
	assert_string_equal(conf->tokend.seal_key_file, "/k");
	assert_string_equal(conf->tokend.metrics, "[::1]:9466");
	assert_list(&conf->tokend.notify_command, 3, "/bin/tell", "a b", "");
	assert_memory_equal(conf->milter.listen, "unix:/", 6);
	assert_string_equal(conf->milter.listen + 5, conf_files_path("m.sock"));
	assert_string_equal(conf->milter.control, "/run/mc.sock");
	assert_string_equal(conf->milter.admin_group, "adm");
	assert_memory_equal(conf->milter.counters, "lmdb:/", 6);
	assert_string_equal(
	    conf->milter.counters + 5, conf_files_path("counters"));
	assert_string_equal(conf->milter.unmatched, "reject");
	conf_free(conf);
}

static void
test_milter_listens_on_inet(void **state)
{
	static const char *const good[] = {"inet:8891", "inet:8891@127.0.0.1",
	    "inet6:8891@::1", "inet:8891@localhost"};
	char text[128];
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text),
		    "milter { listen = \"%s\" counters = "
		    "\"lmdb:/var/lib/x\" }\n",
		    good[i]);
		conf = conf_files_load(text);
		assert_string_equal(conf->milter.listen, good[i]);
		conf_free(conf);
	}
}

static void
test_application_from_preset(void **state)
{
	struct conf *conf = conf_files_load("# one\n" APP);
	const struct conf_application *app = &conf->applications[0];

	(void)state;
	assert_string_equal(app->name, "c");
	assert_string_equal(app->provider, "office365");
	assert_string_equal(app->token_endpoint,
	    "https://login.microsoftonline.com/"
	    "11111111-2222-3333-4444-555555555555/oauth2/v2.0/token");
	assert_string_equal(
	    app->scope, "https://outlook.office.com/SMTP.Send offline_access");
	assert_string_equal(
	    app->app_scope, "https://outlook.office365.com/.default");
	assert_list(
	    &app->hosts, 2, "smtp.office365.com", "outlook.office365.com");
	assert_list(&app->client_secret_files, 1, conf_files_path("secrets/c"));
	assert_int_equal(app->min_validity_s, 900);
	assert_null(app->proxy);
	assert_null(app->ca_file);
	assert_string_equal(app->where.file, conf_files_path("postoak.conf"));
	assert_int_equal(app->where.line, 2);
	assert_int_equal(app->where_proof.line, 3);
	conf_free(conf);
}

static void
test_application_overridden(void **state)
{
	struct conf *conf = conf_files_load(
	    "application \"c\" { provider = \"office365\"\n"
	    "tenant_id = \"Contoso.COM\"\n"
	    "client_id = \"66666666-7777-8888-9999-00000000000A\"\n"
	    "client_secret_file = { \"old\", \"/new\" }\n"
	    "client_secret_expires = \"2028-02-29\"\n"
	    "authorization_endpoint = \"https://h/a\"\n"
	    "token_endpoint = \"http://127.0.0.1:8080/{tenant}/t?x=1\"\n"
	    "device_authorization_endpoint = \"https://[2001:db8::1]:8/d\"\n"
	    "scope = \"s1 s2\"\napp_scope = \"s3\"\n"
	    "hosts = { \"LOCALHOST\", \"127.0.0.1\", \"::1\" }\n"
	    "proxy = \"http://proxy:3128\"\nca_file = \"ca.pem\"\n"
	    "min_validity = 20m }\n");
	const struct conf_application *app = &conf->applications[0];

	(void)state;
	assert_string_equal(app->tenant_id, "contoso.com");
	assert_list(
	    &app->client_secret_files, 2, conf_files_path("old"), "/new");
	assert_string_equal(app->client_secret_expires, "2028-02-29");
	assert_string_equal(app->authorization_endpoint, "https://h/a");
	assert_string_equal(
	    app->token_endpoint, "http://127.0.0.1:8080/contoso.com/t?x=1");
	assert_string_equal(
	    app->device_authorization_endpoint, "https://[2001:db8::1]:8/d");
	assert_string_equal(app->scope, "s1 s2");
	assert_string_equal(app->app_scope, "s3");
	assert_list(&app->hosts, 3, "localhost", "127.0.0.1", "::1");
	assert_string_equal(app->proxy, "http://proxy:3128");
	assert_string_equal(app->ca_file, conf_files_path("ca.pem"));
	assert_int_equal(app->min_validity_s, 1200);
	conf_free(conf);
}

static void
test_other_providers(void **state)
{
	struct conf *conf = conf_files_load(
	    "application \"g\" { provider = \"google\" client_id = "
	    "\"1.apps.googleusercontent.com\" }\n"
	    "application \"o\" { provider = \"outlook\" client_id = "
	    "\"66666666-7777-8888-9999-000000000000\" }\n"
	    "application \"x\" { provider = \"custom\" client_id = \"x\" "
	    "token_endpoint = \"https://h/t\" scope = \"s\" hosts = { \"h\" } "
	    "}\n"
	    "account \"a@gmail.com\" { application = \"g\" grant = "
	    "\"authorization_code\" }\n"
	    "account \"b@h\" { application = \"x\" grant = "
	    "\"refresh_token\" }\n");

	(void)state;
	assert_string_equal(conf->applications[1].token_endpoint,
	    "https://login.microsoftonline.com/consumers/oauth2/v2.0/token");
	assert_string_equal(conf->accounts[0].application->token_endpoint,
	    "https://oauth2.googleapis.com/token");
	assert_int_equal(conf->accounts[0].limits[0].max, 2000);
	assert_int_equal(conf->accounts[0].max_recipients, 100);
	assert_string_equal(conf->accounts[1].application->name, "x");
	assert_int_equal(conf->accounts[1].limit_count, 0);
	assert_int_equal(conf->accounts[1].max_recipients, 0);
	conf_free(conf);
}

static void
test_account_defaults(void **state)
{
	struct conf *conf = conf_files_load(
	    APP "\naccount \"a@x.org\" {\n\n password_file = \"p\" }\n");
	const struct conf_account *account = &conf->accounts[0];

	(void)state;
	assert_string_equal(account->name, "a@x.org");
	assert_ptr_equal(account->application, &conf->applications[0]);
	assert_int_equal(account->grant, CONF_GRANT_PASSWORD);
	assert_string_equal(account->user, "a@x.org");
	assert_string_equal(account->password_file, conf_files_path("p"));
	assert_string_equal(account->from_account, "a@x.org");
	assert_null(account->from_name);
	assert_int_equal(account->on_sender, CONF_SENDER_REWRITE);
	assert_int_equal(account->on_bounce, CONF_BOUNCE_REWRITE);
	assert_string_equal(account->reply_to, "original");
	assert_int_equal(account->limit_count, 2);
	assert_string_equal(account->limits[0].text, "30 messages / 1m");
	assert_int_equal(account->limits[0].max, 30);
	assert_int_equal(account->limits[0].window_s, 60);
	assert_int_equal(account->limits[0].unit, CONF_UNIT_MESSAGES);
	assert_int_equal(account->limits[0].scope, CONF_SCOPE_ACCOUNT);
	assert_int_equal(account->limits[1].max, 10000);
	assert_int_equal(account->limits[1].window_s, 86400);
	assert_int_equal(account->limits[1].unit, CONF_UNIT_RECIPIENTS);
	assert_int_equal(account->on_limit_count, 1);
	assert_int_equal(account->on_limit[0], CONF_LIMIT_TEMPFAIL);
	assert_int_equal(account->max_recipients, 500);
	assert_int_equal(account->max_message_size, 35 << 20);
	assert_int_equal(account->where.line, 4);
	assert_int_equal(account->where_password.line, 6);
	conf_free(conf);
}

static void
test_account_options(void **state)
{
	struct conf *conf = conf_files_load(
	    APP "account \"relay\" {\n"
		"application = \"C\"\n"
		"grant = \"refresh_token\"\n"
		"user = \"u@x.org\"\n"
		"allow_users = { \"fetchmail\", \"1000\" }\n"
		"from_account = \"f@x.org\"\n"
		"from_name = \"%n via Caf\xc3\xa9 100%% \\\"x\\\"\"\n"
		"send_as = { \"sales@x.org\", \"@alias.x.org\", "
		"\"o'neil+x@x.org\" }\n"
		"on_sender = reject\n"
		"on_bounce = discard\n"
		"reply_to = \"help@x.org\"\n"
		"logins = { \"magma\" }\n"
		"senders = { \"@app.x.org\" }\n"
		"clients = { \"10.1.0.0/16\", \"2001:DB8::/32\", "
		"\"192.0.2.7\", \"0.0.0.0/0\", \"::1/128\" }\n"
		"internal_domains = { \"X.org\" }\n"
		"exempt_recipients = { \"Old.x.org\" }\n"
		"on_limit = { \"hold\", \"tempfail\" }\n"
		"max_recipients = 1000\n"
		"max_message_size = \"150M\"\n"
		"}\n");
	const struct conf_account *account = &conf->accounts[0];

	(void)state;
	assert_ptr_equal(account->application, &conf->applications[0]);
	assert_string_equal(conf_grant_name(account->grant), "refresh_token");
	assert_string_equal(account->user, "u@x.org");
	assert_list(&account->allow_users, 2, "fetchmail", "1000");
	assert_string_equal(account->from_account, "f@x.org");
	assert_string_equal(
	    account->from_name, "%n via Caf\xc3\xa9 100%% \"x\"");
	assert_list(&account->send_as, 3, "sales@x.org", "@alias.x.org",
	    "o'neil+x@x.org");
	assert_int_equal(account->on_sender, CONF_SENDER_REJECT);
	assert_int_equal(account->on_bounce, CONF_BOUNCE_DISCARD);
	assert_string_equal(account->reply_to, "help@x.org");
	assert_list(&account->logins, 1, "magma");
	assert_list(&account->senders, 1, "@app.x.org");
	assert_list(&account->clients, 5, "10.1.0.0/16", "2001:db8::/32",
	    "192.0.2.7", "0.0.0.0/0", "::1/128");
	assert_list(&account->internal_domains, 1, "x.org");
	assert_list(&account->exempt_recipients, 1, "old.x.org");
	assert_int_equal(account->on_limit_count, 2);
	assert_int_equal(account->on_limit[0], CONF_LIMIT_HOLD);
	assert_int_equal(account->on_limit[1], CONF_LIMIT_TEMPFAIL);
	assert_int_equal(account->max_recipients, 1000);
	assert_int_equal(account->max_message_size, 150LL << 20);
	conf_free(conf);
}

static void
test_limits(void **state)
{
	static const struct {
		const char *text;
		enum conf_scope scope;
		long long max;
		enum conf_unit unit;
		long long window_s;
	} limits[] = {
	    {"30 messages / 1m", CONF_SCOPE_ACCOUNT, 30, CONF_UNIT_MESSAGES,
		60},
	    {"1 message/2s", CONF_SCOPE_ACCOUNT, 1, CONF_UNIT_MESSAGES, 2},
	    {" tenant  12000 external_recipients / 24h ", CONF_SCOPE_TENANT,
		12000, CONF_UNIT_EXTERNAL_RECIPIENTS, 86400},
	    {"login 5 recipients / 31d", CONF_SCOPE_LOGIN, 5,
		CONF_UNIT_RECIPIENTS, 31 * 86400},
	    {"client 10M bytes / 1h", CONF_SCOPE_CLIENT, 10 << 20,
		CONF_UNIT_BYTES, 3600},
	    {"sender 7 messages / 90m", CONF_SCOPE_SENDER, 7,
		CONF_UNIT_MESSAGES, 5400},
	    {"application 8 recipient / 1d", CONF_SCOPE_APPLICATION, 8,
		CONF_UNIT_RECIPIENTS, 86400},
	};
	char text[600];
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		snprintf(text, sizeof(text),
		    APP "account \"a@x.org\" { grant = \"refresh_token\" "
			"internal_domains = { \"x.org\" } limits = { \"%s\" } "
			"}\n",
		    limits[i].text);
		conf = conf_files_load(text);
		assert_int_equal(conf->accounts[0].limit_count, 1);
		assert_int_equal(
		    conf->accounts[0].limits[0].scope, limits[i].scope);
		assert_int_equal(
		    conf->accounts[0].limits[0].max, limits[i].max);
		assert_int_equal(
		    conf->accounts[0].limits[0].unit, limits[i].unit);
		assert_int_equal(
		    conf->accounts[0].limits[0].window_s, limits[i].window_s);
		assert_string_equal(
		    conf->accounts[0].limits[0].text, limits[i].text);
		conf_free(conf);
	}
	conf = conf_files_load(
	    APP "account \"a@x.org\" { grant = \"refresh_token\" "
		"limits = { } }\n");
	assert_int_equal(conf->accounts[0].limit_count, 0);
	conf_free(conf);
}

static void
test_find(void **state)
{
	struct conf *conf = conf_files_load(
	    APP "account \"a@x.org\" { grant = \"refresh_token\" }\n"
		"account \"@x.org\" { grant = \"client_credentials\" }\n"
		"account \"plain\" { grant = \"refresh_token\" user = \"u\" "
		"from_account = \"p@x.org\" }\n");

	(void)state;
	assert_ptr_equal(
	    conf_account_find(conf, "a@x.org"), &conf->accounts[0]);
	assert_ptr_equal(
	    conf_account_find(conf, "A@X.org"), &conf->accounts[0]);
	assert_null(conf_account_find(conf, "b@x.org"));
	assert_null(conf_account_find(conf, ""));
	assert_ptr_equal(conf_account_for(conf, "a@x.org"), &conf->accounts[0]);
	assert_ptr_equal(conf_account_for(conf, "b@x.org"), &conf->accounts[1]);
	assert_ptr_equal(conf_account_for(conf, "b@X.ORG"), &conf->accounts[1]);
	assert_ptr_equal(conf_account_for(conf, "@x.org"), &conf->accounts[1]);
	assert_ptr_equal(conf_account_for(conf, "plain"), &conf->accounts[2]);
	assert_null(conf_account_for(conf, "b@y.x.org"));
	assert_null(conf_account_for(conf, "b@"));
	assert_string_equal(conf->accounts[1].user, "@x.org");
	assert_string_equal(conf_grant_name(CONF_GRANT_NONE), "none");
	conf_free(conf);
}

static void
test_default_path(void **state)
{
	(void)state;
	assert_string_equal(
	    conf_default_path(), POSTOAK_SYSCONFDIR "/postoak/postoak.conf");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty_file),
	    cmocka_unit_test(test_daemons),
	    cmocka_unit_test(test_milter_listens_on_inet),
	    cmocka_unit_test(test_application_from_preset),
	    cmocka_unit_test(test_application_overridden),
	    cmocka_unit_test(test_other_providers),
	    cmocka_unit_test(test_account_defaults),
	    cmocka_unit_test(test_account_options),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_default_path),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
