/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of legacy and import_plan: other programs' files, and what becomes of
 * them in our configuration.
 *
 * link: cli/legacy cli/import_plan cli/conf_edit
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/import_plan.h"
#include "cli/legacy.h"

#define MICROSOFT "https://login.microsoftonline.com/"

static struct buf notes;
static struct import_plan plan;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&notes, 65536);
	memset(&plan, 0, sizeof(plan));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_clear(&notes);
	import_plan_clear(&plan);
	return 0;
}

static int
noted(const char *text)
{
	return notes.data != NULL && strstr(notes.data, text) != NULL;
}

static void
test_endpoints(void **state)
{
	static const struct {
		const char *endpoint;
		const char *provider;
		const char *tenant;
	} rows[] = {
	    {NULL, "google", NULL},
	    {"https://accounts.google.com/o/oauth2/token", "google", NULL},
	    {"https://oauth2.googleapis.com/token", "google", NULL},
	    {MICROSOFT "consumers/oauth2/v2.0/token", "outlook", "consumers"},
	    {MICROSOFT "common/oauth2/v2.0/token", "office365", "common"},
	    {MICROSOFT "contoso.com/oauth2/token", "office365", "contoso.com"},
	    {MICROSOFT "contoso.com/elsewhere", "custom", NULL},
	    {"https://login.microsoftonline.us/t/oauth2/v2.0/token",
		"office365-gcc-high", "t"},
	    {"https://id.example.org/token", "custom", NULL},
	};
	char *tenant;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(legacy_provider(rows[i].endpoint, &tenant),
		    rows[i].provider);
		if (rows[i].tenant == NULL)
			assert_null(tenant);
		else
			assert_string_equal(tenant, rows[i].tenant);
		free(tenant);
	}
	assert_string_equal(
	    legacy_provider_of_host("SMTP.office365.com"), "office365");
	assert_null(legacy_provider_of_host("mail.example.org"));
}

static void
test_table(void **state)
{
	static const char text[] =
	    "# [a] b:c\n"
	    "[smtp.office365.com]:587 relay@contoso.com:/etc/tokens/a\n"
	    "\n"
	    "smtp.gmail.com:465\n   me@gmail.com:pass:word \t\n"
	    "  # not the line before\n"
	    "sales@contoso.com\tsales@contoso.com:x\n"
	    "nonsense\n";
	struct legacy_table table;

	(void)state;
	legacy_read_table(&table, "sasl_passwd", text, &notes);
	assert_int_equal(table.count, 3);
	assert_string_equal(table.entries[0].host, "smtp.office365.com");
	assert_string_equal(table.entries[0].user, "relay@contoso.com");
	assert_string_equal(table.entries[0].password, "/etc/tokens/a");
	assert_string_equal(table.entries[1].host, "smtp.gmail.com");
	assert_string_equal(table.entries[1].password, "pass:word");
	assert_null(table.entries[2].host);
	assert_string_equal(notes.data,
	    "sasl_passwd:8: is no \"SERVER USER:PASSWORD\", and left out\n");
	legacy_clear_table(&table);
}

static void
read_json(struct legacy *legacy, const char *text)
{
	assert_int_equal(
	    legacy_read(legacy, "t.json", text, strlen(text), &notes), 0);
}

static void
refuse_json(const char *text)
{
	struct legacy legacy;

	assert_int_equal(
	    legacy_read(&legacy, "t.json", text, strlen(text), &notes), -1);
}

/* What the token file has itself counts more; a secret goes with its client. */
static void
test_inherited(void **state)
{
	struct legacy main_file, own, other;

	(void)state;
	read_json(&main_file,
	    "{\"client_id\":\"c\",\"client_secret\":\"s\",\"proxy\":\"p\","
	    "\"use_client_credentials\":\"Yes\",\"colour\":\"red\"}");
	read_json(&own, "{\"refresh_token\":\"r\",\"proxy\":\"q\"}");
	read_json(&other, "{\"client_id\":\"d\",\"client_secret\":\"\"}");
	legacy_inherit(&own, &main_file);
	legacy_inherit(&other, &main_file);
	assert_string_equal(own.client_secret, "s");
	assert_string_equal(own.proxy, "q");
	assert_true(own.by_itself);
	assert_string_equal(other.client_id, "d");
	assert_null(other.client_secret);
	assert_true(noted("t.json: the member \"colour\" is not known"));
	legacy_clear(&main_file);
	legacy_clear(&own);
	legacy_clear(&other);
	assert_int_equal(legacy_read(&own, "t", "[1", 2, &notes), -1);
}

static void
add_token(const char *text, const char *user, const char *host)
{
	struct legacy legacy;

	read_json(&legacy, text);
	import_plan_token(&plan, NULL, &legacy, user, host, &notes);
	legacy_clear(&legacy);
}

static void
check_text(const char *before, const char *after)
{
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(import_plan_text(&plan, "x", before, &out, NULL), 0);
	assert_string_equal(out.data, after);
	buf_clear(&out);
}

static void
test_accounts_of_one_application(void **state)
{
	static const char first[] =
	    "{\"client_id\":\"c\",\"token_endpoint\":\"" MICROSOFT
	    "consumers/oauth2/v2.0/token\",\"refresh_token\":\"r\"}";

	(void)state;
	add_token(first, "a@outlook.com", NULL);
	add_token(first, "b@outlook.com", NULL);
	add_token(first, "A@outlook.com", NULL); /* another sender of it */
	check_text("# mine\n",
	    "# mine\n\napplication \"outlook\" {\n"
	    "    provider  = \"outlook\"\n    client_id = \"c\"\n}\n\n"
	    "account \"a@outlook.com\" {\n    application = \"outlook\"\n"
	    "    grant       = \"refresh_token\"\n}\n\n"
	    "account \"b@outlook.com\" {\n    application = \"outlook\"\n"
	    "    grant       = \"refresh_token\"\n}\n");
}

static void
test_custom_provider(void **state)
{
	(void)state;
	add_token("{\"client_id\":\"c\",\"client_secret\":\"s\","
		  "\"token_endpoint\":\"https://id/token\",\"scope\":\"mail\","
		  "\"refresh_token\":\"r\"}",
	    "a@b", "smtp.b");
	check_text("", "application \"custom\" {\n"
		       "    provider           = \"custom\"\n"
		       "    client_id          = \"c\"\n"
		       "    client_secret_file = \"secrets/custom.client\"\n"
		       "    token_endpoint     = \"https://id/token\"\n"
		       "    hosts              = \"smtp.b\"\n"
		       "    scope              = \"mail\"\n}\n\n"
		       "account \"a@b\" {\n    application = \"custom\"\n"
		       "    grant       = \"refresh_token\"\n}\n");
}

/* Nothing that is read can become more of the configuration than a value. */
static void
test_hostile_values(void **state)
{
	static const char table_text[] =
	    "a@b x${HOME}:p\n\x01 u:p\n[h\xff] u:p\n"
	    "k nobody:\n"
	    "k \"}include(\"/etc/shadow\"):p\n";
	struct legacy_table table;

	(void)state;
	refuse_json(
	    "{\"client_id\":\"c\",\"token_endpoint\":\"https://${x}\"}");
	assert_true(noted("t.json: token_endpoint has characters"));
	refuse_json("{\"client_id\":\"c\",\"proxy\":\"a\\nb\"}");
	assert_true(noted("t.json: proxy has characters"));
	add_token("{\"client_id\":\"c\\\"}include(\\\"/x\\\")#\","
		  "\"client_secret\":\"a${b\",\"refresh_token\":\"r\"}",
	    "a{'\"\\@b", "x\"");
	check_text("",
	    "application \"google\" {\n"
	    "    provider           = \"google\"\n"
	    "    client_id          = "
	    "\"c\\\"}include(\\\"/x\\\")#\"\n"
	    "    client_secret_file = \"secrets/google.client\"\n}\n\n"
	    "account \"a{'\\\"\\\\@b\" {\n"
	    "    application = \"google\"\n"
	    "    grant       = \"refresh_token\"\n}\n");
	legacy_read_table(&table, "t", table_text, &notes);
	assert_int_equal(table.count, 1);
	assert_string_equal(
	    table.entries[0].user, "\"}include(\"/etc/shadow\")");
	assert_true(noted("t:1: the server or the user has characters"));
	assert_true(noted("t:2: the server"));
	assert_true(noted("t:3: the server"));
	assert_true(noted("t:4: is no \"SERVER USER:PASSWORD\""));
	legacy_clear_table(&table);
}

static void
add_password(const char *host, const char *user)
{
	char server[64], name[64], password[] = "p4ss";
	const struct legacy_entry entry = {server, name, password};

	strcpy(server, host);
	strcpy(name, user);
	import_plan_password(&plan, NULL, &entry, &notes);
}

static void
test_passwords(void **state)
{
	(void)state;
	add_password("smtp.gmail.com", "g@gmail.com");
	add_password("mail.example.org", "o@example.org");
	add_password("smtp.office365.com", "early@contoso.com");
	assert_int_equal(plan.account_count, 0);
	assert_true(noted("g@gmail.com: google takes no password"));
	assert_true(noted("o@example.org: mail.example.org is not Microsoft"));
	assert_true(noted("early@contoso.com: a password alone obtains no"));
	add_token("{\"client_id\":\"c\",\"token_endpoint\":\"" MICROSOFT
		  "t/oauth2/v2.0/token\",\"refresh_token\":\"r\"}",
	    "a@contoso.com", NULL);
	add_password("smtp.office365.com", "b/c@contoso.com");
	assert_int_equal(plan.account_count, 2);
	assert_true(noted("b/c@contoso.com: the password grant works only"));
	check_text("",
	    "application \"office365\" {\n    provider  = \"office365\"\n"
	    "    tenant_id = \"t\"\n    client_id = \"c\"\n}\n\n"
	    "account \"a@contoso.com\" {\n    application = \"office365\"\n"
	    "    grant       = \"refresh_token\"\n}\n\n"
	    "account \"b/c@contoso.com\" {\n"
	    "    application   = \"office365\"\n"
	    "    grant         = \"password\"\n    password_file = "
	    "\"secrets/b_c@contoso.com.password\"\n}\n");
	assert_false(noted("p4ss"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_endpoints),
	    TEST(test_table),
	    TEST(test_inherited),
	    TEST(test_accounts_of_one_application),
	    TEST(test_custom_provider),
	    TEST(test_hostile_values),
	    TEST(test_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
