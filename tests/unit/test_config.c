/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: who may have a token, and where it may go.
 * link: tokend/config tokend/http tokend/timer
 * link: tokend/clientauth tokend/claims tokend/assertion tokend/keypair
 * link: tokend/crypto tokend/serviceaccount
 * link: tokend/endpoints
 * libs: tokend
 */
#define _GNU_SOURCE
#include "tokend/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static char dir[64], path[96], secret[96];
static const char *ca_line; /* of the application */
static struct err err;

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, 0600), 0);
}

static void
write_config(const char *allow, const char *endpoint)
{
	char text[4096];

	snprintf(text, sizeof(text),
	    "tokend { allow_users = { %s } }\n"
	    "application \"contoso\" {\n"
	    "    provider = \"custom\"\n"
	    "    tenant_id = \"11111111-2222-3333-4444-555555555555\"\n"
	    "    client_id = \"66666666-7777-8888-9999-000000000000\"\n"
	    "    client_secret_file = \"secret\"\n"
	    "%s"
	    "    token_endpoint = \"%s\"\n"
	    "    scope = \"s\"\n"
	    "    hosts = { \"smtp.office365.com\", \"b.example\" }\n"
	    "}\n"
	    "account \"a@contoso.com\" {\n"
	    "    application = \"contoso\"\n"
	    "    grant = \"password\"\n"
	    "    password_file = \"secret\"\n"
	    "    allow_users = { \"4711\" }\n"
	    "}\n"
	    "account \"b@contoso.com\" {\n"
	    "    application = \"contoso\"\n"
	    "    grant = \"password\"\n"
	    "    password_file = \"secret\"\n"
	    "}\n",
	    allow, ca_line, endpoint);
	write_file(path, text);
}

static int
setup(void **state)
{
	(void)state;
	ca_line = "";
	strcpy(dir, "/tmp/test_config.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/postoak.conf", dir);
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	write_file(secret, "secret\n");
	write_config("\"root\", \"no-such-user\", \"0815\"",
	    "https://login.example/token");
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void
test_users(void **state)
{
	struct config *c = config_load(path, &err);
	const struct conf_account *a, *b;

	(void)state;
	assert_non_null(c);
	a = conf_account_find(c->conf, "a@contoso.com");
	b = conf_account_find(c->conf, "b@contoso.com");
	assert_true(config_user_allowed(c, a, 0));
	assert_true(config_user_allowed(c, b, 0));
	assert_true(config_user_allowed(c, NULL, 0));
	assert_true(config_user_allowed(c, b, 815));
	assert_true(config_user_allowed(c, a, 4711));
	assert_false(config_user_allowed(c, b, 4711));
	assert_false(config_user_allowed(c, NULL, 4711));
	assert_false(config_user_allowed(c, a, 65534));
	config_unref(c);
}

static void
test_hosts(void **state)
{
	static const char *const others[] = {"", ".", "office365.com",
	    "smtp.office365.com.evil.example", "xsmtp.office365.com",
	    "smtp.office365.co", "smtp.office365.com.."};
	struct config *c = config_load(path, &err);
	const struct conf_application *app = &c->conf->applications[0];
	size_t i;

	(void)state;
	assert_true(config_host_allowed(app, "smtp.office365.com"));
	assert_true(config_host_allowed(app, "SMTP.Office365.COM"));
	assert_true(config_host_allowed(app, "smtp.office365.com."));
	assert_true(config_host_allowed(app, "b.example"));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(config_host_allowed(app, others[i]));
	config_unref(c);
}

static void
test_secret_file_is_looked_at(void **state)
{
	(void)state;
	assert_int_equal(chmod(secret, 0644), 0);
	assert_null(config_load(path, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	/* where it is configured, which file, what to do */
	assert_ptr_equal(strstr(err.text, path), err.text);
	assert_non_null(strstr(err.text, ":6:"));
	assert_non_null(strstr(err.text, secret));
	assert_non_null(strstr(err.text, "chmod 0600"));
}

static void
refused_ca(const char *words)
{
	char where[120];

	assert_null(config_load(path, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	snprintf(where, sizeof(where), "%s:7: ca_file: ", path);
	assert_ptr_equal(strstr(err.text, where), err.text);
	assert_non_null(strstr(err.text, words));
}

static void
test_ca_file_is_looked_at(void **state)
{
	char ca[96];
	struct config *c;

	(void)state;
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	ca_line = "    ca_file = \"ca.pem\"\n";
	write_config("\"root\"", "https://login.example/token");
	refused_ca("cannot be read");
	assert_int_equal(mkfifo(ca, 0600), 0);
	refused_ca("is no file");
	assert_int_equal(unlink(ca), 0);
	write_file(ca, "-----BEGIN PRIVATE KEY-----\n");
	refused_ca("holds no certificate");
	write_file(ca, "Contoso\n-----BEGIN CERTIFICATE-----\n");
	c = config_load(path, &err);
	assert_non_null(c);
	config_unref(c);
}

static void
test_endpoint_must_be_safe(void **state)
{
	struct config *c;

	(void)state;
	write_config("\"root\"", "http://login.example/token");
	assert_null(config_load(path, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	write_config("\"root\"", "http://127.0.0.1:8080/token");
	c = config_load(path, &err);
	assert_non_null(c);
	config_unref(c);
}

static void
test_an_old_configuration_lives_as_long_as_it_is_used(void **state)
{
	struct config *c = config_load(path, &err);

	(void)state;
	config_ref(c);
	config_unref(c);
	assert_string_equal(c->conf->applications[0].name, "contoso");
	config_unref(c);
	config_unref(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_users),
	    TEST(test_hosts),
	    TEST(test_secret_file_is_looked_at),
	    TEST(test_ca_file_is_looked_at),
	    TEST(test_endpoint_must_be_safe),
	    TEST(test_an_old_configuration_lives_as_long_as_it_is_used),
	};

	log_open("test_config", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
