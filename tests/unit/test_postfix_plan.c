/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the Postfix plan and its two forms of text, from real
 * configurations.
 *
 * link: cli/postfix_plan cli/postfix_member cli/postfix_senders
 * link: cli/postfix_transport cli/mailserver
 * link: cli/postfix_settings cli/postfix_text cli/show
 * link: cli/postfix_replies cli/diagnose cli/reply
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/postfix_plan.h"
#include "cli/postfix_text.h"

#define APPLICATION                                                            \
	"application \"contoso\" { provider = \"office365\"\n"                 \
	"tenant_id = \"11111111-2222-3333-4444-555555555555\"\n"               \
	"client_id = \"66666666-7777-8888-9999-000000000000\"\n"               \
	"client_secret_file = \"contoso.client\" }\n"
#define ACCOUNT(name, more)                                                    \
	"account \"" name "\" { application = \"contoso\"\n"                   \
	"grant = \"client_credentials\"\n" more " }\n"

static struct postfix_host host;
static struct conf *conf;
static struct postfix_plan *plan;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	host.config_directory = "/etc/postfix";
	host.queue_directory = "/var/spool/postfix/";
	host.ca_file = "/etc/ssl/certs/ca-certificates.crt";
	host.relay = NULL;
	host.chroot = 1;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	postfix_plan_free(plan);
	conf_free(conf);
	plan = NULL;
	conf = NULL;
	return 0;
}

static void
load(const char *text)
{
	char path[] = "/tmp/test_postfix_plan.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	conf = conf_load(path, &err);
	unlink(path);
	if (conf == NULL)
		fail_msg("%s", err.text);
}

static void
make_plan(const char *text, char **names, size_t count)
{
	load(text);
	plan = postfix_plan_new(conf, &host, names, count, &err);
	if (plan == NULL)
		fail_msg("%s", err.text);
}

static const char *
value_in(const struct postfix_settings *settings, const char *name)
{
	size_t i;

	for (i = 0; i < settings->count; i++)
		if (strcmp(settings->items[i].name, name) == 0)
			return settings->items[i].value;
	return "(not set)";
}

static void
expect_main(const char *name, const char *value)
{
	assert_string_equal(value_in(&plan->main, name), value);
}

static void
expect_option(size_t service, const char *name, const char *value)
{
	assert_true(service < plan->service_count);
	assert_string_equal(
	    value_in(&plan->services[service].options, name), value);
}

static void
test_one_account_takes_all_mail(void **state)
{
	(void)state;
	make_plan(APPLICATION ACCOUNT("relay@contoso.com", ""), NULL, 0);
	expect_main("relayhost", "[smtp.office365.com]:587");
	expect_main("default_transport", "postoak_relay");
	expect_main("postoak_relay_password_maps",
	    "inline:{ { [smtp.office365.com]:587 = relay@contoso.com:- } }");
	expect_main("sender_dependent_default_transport_maps", "(not set)");
	expect_main("smtpd_milters", "unix:run/postoak-milter/milter.sock");
	expect_main("non_smtpd_milters", "unix:run/postoak-milter/milter.sock");
	expect_main("milter_default_action", "tempfail");
	expect_main("enable_long_queue_ids", "yes");
	expect_main("internal_mail_filter_classes", "bounce");
	expect_main("message_size_limit", "36700160");
	assert_int_equal(plan->service_count, 1);
	assert_int_equal(plan->file_count, 1);
	assert_string_equal(
	    plan->files[0].path, "/etc/postfix/postoak_replies");
	expect_option(
	    0, "smtp_reply_filter", "regexp:$config_directory/postoak_replies");
	assert_int_equal(plan->note_count, 0);
}

static void
test_a_token_goes_to_a_verified_server_only(void **state)
{
	(void)state;
	make_plan(APPLICATION ACCOUNT("relay@contoso.com", ""), NULL, 0);
	expect_option(0, "smtp_sasl_auth_enable", "yes");
	expect_option(0, "smtp_sasl_mechanism_filter", "xoauth2");
	expect_option(0, "smtp_sasl_auth_cache_name", "");
	expect_option(0, "smtp_sasl_auth_soft_bounce", "yes");
	expect_option(
	    0, "smtp_sasl_security_options", "noplaintext,noanonymous");
	expect_option(
	    0, "smtp_sasl_tls_security_options", "noplaintext,noanonymous");
	expect_option(
	    0, "smtp_sasl_tls_verified_security_options", "noanonymous");
	expect_option(0, "smtp_tls_security_level", "secure");
	expect_option(0, "smtp_tls_policy_maps", "");
	expect_option(
	    0, "smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt");
	expect_option(0, "smtp_tls_wrappermode", "no");
	expect_option(0, "smtp_sender_dependent_authentication", "no");
}

static void
test_limits_make_the_pace(void **state)
{
	(void)state;
	make_plan(
	    APPLICATION ACCOUNT("a@contoso.com",
		"limits = { \"30 messages / 1m\", "
		"\"10000 messages / 24h\" } max_recipients = 200")
		ACCOUNT("b@contoso.com", "limits = { \"7 messages / 1m\" }")
		    ACCOUNT(
			"c@contoso.com", "limits = { \"600 messages / 1m\" }"),
	    NULL, 0);
	expect_main("postoak_a_destination_rate_delay", "2s");
	expect_main("postoak_a_destination_recipient_limit", "200");
	expect_main("postoak_a_destination_concurrency_limit", "2");
	expect_main("postoak_b_destination_rate_delay", "9s");
	/* A second between messages would be slower than the limit. */
	expect_main("postoak_c_destination_rate_delay", "(not set)");
}

static void
test_several_accounts_go_by_sender(void **state)
{
	(void)state;
	make_plan(
	    APPLICATION ACCOUNT("relay@contoso.com",
		"send_as = { \"Sales@contoso.com\", \"@alias.contoso.com\" }")
		ACCOUNT("relay@fabrikam.com",
		    "send_as = { \"sales@contoso.com\" }"),
	    NULL, 0);
	expect_main("relayhost", "(not set)");
	expect_main("default_transport", "(not set)");
	expect_main("sender_dependent_default_transport_maps",
	    "inline:{ { relay@contoso.com = postoak_relay:"
	    "[smtp.office365.com]:587 }, { sales@contoso.com = postoak_relay:"
	    "[smtp.office365.com]:587 }, { @alias.contoso.com = postoak_relay:"
	    "[smtp.office365.com]:587 }, { relay@fabrikam.com = "
	    "postoak_relay_2:[smtp.office365.com]:587 } }");
	assert_int_equal(plan->service_count, 2);
	expect_option(
	    1, "smtp_sasl_password_maps", "$postoak_relay_2_password_maps");
	expect_main("postoak_relay_2_password_maps",
	    "inline:{ { [smtp.office365.com]:587 = relay@fabrikam.com:- } }");
}

static void
test_a_domain_logs_in_as_each_sender(void **state)
{
	(void)state;
	make_plan(APPLICATION ACCOUNT("@fabrikam.com", ""), NULL, 0);
	expect_main("relayhost", "(not set)");
	expect_main("sender_dependent_default_transport_maps",
	    "inline:{ { @fabrikam.com = postoak_fabrikam_com:"
	    "[smtp.office365.com]:587 } }");
	expect_main("postoak_fabrikam_com_password_maps",
	    "regexp:$config_directory/postoak_fabrikam_com_users");
	expect_main("postoak_fabrikam_com_destination_rate_delay", "(not set)");
	expect_option(0, "smtp_sender_dependent_authentication", "yes");
	assert_int_equal(plan->file_count, 2);
	assert_string_equal(
	    plan->files[0].path, "/etc/postfix/postoak_fabrikam_com_users");
	assert_non_null(strstr(
	    plan->files[0].text, "\n/^([^@]+@fabrikam\\.com)$/ ${1}:-\n"));
}

static void
test_named_accounts_only(void **state)
{
	char name[] = "b@contoso.com", nobody[] = "x@contoso.com";
	char *names[] = {name}, *wrong[] = {nobody};

	(void)state;
	make_plan(APPLICATION ACCOUNT("a@contoso.com", "")
		      ACCOUNT("b@contoso.com", ""),
	    names, 1);
	expect_main("default_transport", "postoak_b");
	postfix_plan_free(plan);
	plan = postfix_plan_new(conf, &host, wrong, 1, &err);
	assert_null(plan);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "no account x@contoso.com"));
}

/* 120 accounts and a domain. */
static void
load_many(const char *more)
{
	struct buf text;
	int i;

	buf_init(&text, 1 << 20);
	buf_adds(&text, APPLICATION);
	for (i = 0; i < 120; i++)
		buf_addf(&text,
		    ACCOUNT("A%d@contoso.com",
			"send_as = { \"s@contoso.com\" } "
			"max_recipients = %d"),
		    i, 400 - i);
	buf_adds(&text, more);
	load(text.data);
	buf_clear(&text);
	plan = postfix_plan_new(conf, &host, NULL, 0, &err);
	if (plan == NULL)
		fail_msg("%s", err.text);
}

static const struct postfix_file *
file_at(const char *path)
{
	size_t i;

	for (i = 0; i < plan->file_count; i++)
		if (strcmp(plan->files[i].path, path) == 0)
			return &plan->files[i];
	fail_msg("no file %s", path);
	return NULL;
}

static void
test_many_accounts_share_a_transport(void **state)
{
	const struct postfix_file *file;

	(void)state;
	load_many(ACCOUNT("@fabrikam.com", ""));
	assert_int_equal(plan->service_count, 2);
	assert_string_equal(plan->services[0].name, "postoak_contoso");
	expect_option(0, "smtp_sender_dependent_authentication", "yes");
	expect_main("sender_dependent_default_transport_maps",
	    "$default_database_type:$config_directory/postoak_senders");
	expect_main("postoak_contoso_password_maps",
	    "$default_database_type:$config_directory/postoak_contoso_users");
	expect_main("postoak_contoso_destination_concurrency_limit", "20");
	expect_main("postoak_contoso_destination_recipient_limit", "281");
	expect_main("postoak_contoso_destination_rate_delay", "(not set)");
	file = file_at("/etc/postfix/postoak_senders");
	assert_true(file->is_indexed && !file->is_private);
	assert_non_null(strstr(file->text,
	    "\na119@contoso.com\tpostoak_contoso:[smtp.office365.com]:587\n"));
	assert_non_null(strstr(file->text,
	    "\n@fabrikam.com\tpostoak_fabrikam_com:[smtp.office365.com]:"
	    "587\n"));
	file = file_at("/etc/postfix/postoak_contoso_users");
	assert_true(file->is_indexed && file->is_private);
	assert_non_null(
	    strstr(file->text, "\na119@contoso.com\tA119@contoso.com:-\n"));
	/* Whom an address belongs to, all tables say alike: the first. */
	assert_non_null(
	    strstr(file->text, "\ns@contoso.com\tA0@contoso.com:-\n"));
	assert_null(strstr(file->text, "\ts@contoso.com\tA1@"));
	assert_null(strstr(file->text, "fabrikam"));
}

static void
test_another_relay(void **state)
{
	static const char *const bad[] = {
	    "", ":25", "host:0", "host:66000", "[host]", "a b", "h:1:x"};
	size_t i;

	(void)state;
	host.relay = "mail.example.net:465";
	make_plan(APPLICATION ACCOUNT("relay@contoso.com", ""), NULL, 0);
	expect_main("relayhost", "[mail.example.net]:465");
	expect_option(0, "smtp_tls_wrappermode", "yes");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		host.relay = bad[i];
		if (postfix_plan_new(conf, &host, NULL, 0, &err) != NULL)
			fail_msg("relay \"%s\" was taken", bad[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
}

static void
test_sockets_out_of_reach_are_noted(void **state)
{
	(void)state;
	make_plan(
	    "tokend { listen = { \"/srv/x/tokend.sock\" } }\n"
	    "milter { listen = \"unix:/srv/x/milter.sock\" }\n" APPLICATION
		ACCOUNT("relay@contoso.com", "on_sender = \"pass\""),
	    NULL, 0);
	expect_main("smtpd_milters", "unix:/srv/x/milter.sock");
	assert_int_equal(plan->note_count, 2);
	assert_non_null(strstr(plan->notes[0], "/srv/x/milter.sock"));
	assert_non_null(strstr(plan->notes[1], "POSTOAK_SOCKET"));
}

static void
test_milter_over_tcp(void **state)
{
	(void)state;
	make_plan(
	    "milter { listen = \"inet:8891@10.0.0.5\" }\n" APPLICATION ACCOUNT(
		"relay@contoso.com", ""),
	    NULL, 0);
	expect_main("smtpd_milters", "inet:10.0.0.5:8891");
}

static void
test_texts(void **state)
{
	struct buf out;

	(void)state;
	host.config_directory = "/tmp/it's here";
	make_plan(APPLICATION ACCOUNT("a@contoso.com", "")
		      ACCOUNT("@fabrikam.com", ""),
	    NULL, 0);
	buf_init(&out, 1 << 20);
	postfix_text_paste(&out, plan, host.config_directory);
	assert_non_null(strstr(out.data, "\n    -o smtp_tls_policy_maps=\n"));
	assert_non_null(strstr(out.data, ":587 },\n    { @fabrikam.com = "));
	assert_non_null(strstr(
	    out.data, "\npostoak_a               unix  -       -       y"));
	buf_clear(&out);
	postfix_text_commands(&out, plan, host.config_directory);
	assert_non_null(strstr(out.data, "postconf -c '/tmp/it'\\''s here' -e "
					 "'milter_default_action=tempfail'\n"));
	assert_non_null(
	    strstr(out.data, " -P 'postoak_a/unix/smtp_sasl_password_maps="
			     "$postoak_a_password_maps'\n"));
	buf_clear(&out);
}

static void
test_addresses_that_would_break_a_table(void **state)
{
	(void)state;
	load(APPLICATION ACCOUNT("a=b@contoso.com", ""));
	assert_null(postfix_plan_new(conf, &host, NULL, 0, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "without ="));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_one_account_takes_all_mail),
	    TEST(test_a_token_goes_to_a_verified_server_only),
	    TEST(test_limits_make_the_pace),
	    TEST(test_several_accounts_go_by_sender),
	    TEST(test_a_domain_logs_in_as_each_sender),
	    TEST(test_named_accounts_only),
	    TEST(test_many_accounts_share_a_transport),
	    TEST(test_another_relay),
	    TEST(test_sockets_out_of_reach_are_noted),
	    TEST(test_milter_over_tcp),
	    TEST(test_texts),
	    TEST(test_addresses_that_would_break_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
