/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_order: an account's credential, an application's own, and what a
 * sentence about either names.
 *
 * link: tokend/grant_order tokend/clientauth tokend/claims tokend/assertion
 * link: tokend/keypair tokend/crypto tests/unit/conf_files
 * link: tokend/endpoints
 * libs: tokend
 */
#include "tokend/grant_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/conf_files.h"

static const char text[] = APPLICATION(
    "client_secret_file = { \"one\", \"two\" }\n"
    "client_secret_expires = \"2028-10-31\"") "account \"a@x.org\" { grant = "
					      "\"password\" user = \"u@x.org\" "
					      "password_file = \"password\" }\n"
					      "account \"b@x.org\" { grant = "
					      "\"refresh_token\" }\n"
					      "account \"@x.org\" { grant = "
					      "\"client_credentials\" }\n";

static struct conf *conf;
static struct grant_order order;

static int
setup(void **state)
{
	if (conf_files_open(state) == -1)
		return -1;
	conf = conf_files_load(text);
	order.application = &conf->applications[0];
	return 0;
}

static int
teardown(void **state)
{
	conf_free(conf);
	return conf_files_close(state);
}

static void
test_name_of_the_record(void **state)
{
	(void)state;
	order.account = conf_account_find(conf, "a@x.org");
	assert_string_equal(grant_order_kind(&order), "account");
	assert_string_equal(grant_order_name(&order), "a@x.org");
	order.account = NULL;
	assert_string_equal(grant_order_kind(&order), "application");
	assert_string_equal(grant_order_name(&order), "c");
}

static void
test_subject_of_an_account(void **state)
{
	struct refusal_subject subject;
	time_t begin_s = time(NULL);

	(void)state;
	order.account = conf_account_find(conf, "a@x.org");
	grant_order_subject(&order, FLOW_PASSWORD, 1, -42, &subject);
	assert_int_equal(subject.kind, FLOW_PASSWORD);
	assert_string_equal(subject.about.application, "c");
	assert_string_equal(subject.about.account, "a@x.org");
	assert_string_equal(subject.about.user, "u@x.org");
	assert_string_equal(
	    subject.about.password_file, conf_files_path("password"));
	assert_string_equal(subject.about.secret_file, conf_files_path("two"));
	assert_string_equal(subject.about.secret_expires, "2028-10-31");
	assert_string_equal(
	    subject.endpoint, order.application->token_endpoint);
	assert_int_equal(subject.clock_off_s, -42);
	assert_in_range(subject.about.now_s, begin_s, time(NULL));
	assert_false(subject.about.imported);
	order.account = conf_account_find(conf, "b@x.org");
	grant_order_subject(&order, FLOW_REFRESH, 0, 0, &subject);
	assert_true(subject.about.imported);
	assert_string_equal(subject.about.secret_file, conf_files_path("one"));
	assert_null(subject.about.password_file);
}

static void
test_subject_of_an_application(void **state)
{
	struct refusal_subject subject;

	(void)state;
	memset(&subject, 0xff, sizeof(subject));
	order.account = NULL;
	/* All its secrets have been shown. */
	grant_order_subject(&order, FLOW_CLIENT_CREDENTIALS, 2, 0, &subject);
	assert_string_equal(subject.about.application, "c");
	assert_null(subject.about.secret_file);
	assert_null(subject.about.account);
	assert_null(subject.about.user);
	assert_null(subject.about.password_file);
	assert_null(subject.proof);
	assert_false(subject.about.imported);
}

/* Each flow has its grant's words: no flow is left out of the table. */
static void
test_every_flow_has_a_grant(void **state)
{
	struct conf *its_conf = conf_files_load(text);
	const struct grant_order of_a = {
	    .application = &its_conf->applications[0],
	    .account = conf_account_find(its_conf, "a@x.org"),
	};
	struct refusal_subject subject;

	(void)state;
	grant_order_subject(&of_a, FLOW_DEVICE_CODE, 0, 0, &subject);
	assert_int_equal(subject.about.grant, CONF_GRANT_DEVICE_CODE);
	grant_order_subject(&of_a, FLOW_AUTHORIZATION_CODE, 0, 0, &subject);
	assert_int_equal(subject.about.grant, CONF_GRANT_AUTHORIZATION_CODE);
	conf_free(its_conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_flow_has_a_grant),
	    cmocka_unit_test(test_name_of_the_record),
	    cmocka_unit_test(test_subject_of_an_account),
	    cmocka_unit_test(test_subject_of_an_application),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
