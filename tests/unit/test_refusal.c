/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: kind, sentence, and what is not shown twice, for each answer.
 * link: tokend/flow tokend/refusal
 */
#include "tokend/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct refusal r;

static struct refusal_subject
subject(enum flow_kind kind)
{
	struct refusal_subject s = {
	    .kind = kind,
	    .about =
		{
		    .application = "contoso",
		    .account = kind == FLOW_CLIENT_CREDENTIALS
				   ? NULL
				   : "relay@contoso.com",
		    .user = "relay@contoso.com",
		    .password_file = "/etc/postoak/secrets/relay.password",
		    .secret_file = "/etc/postoak/secrets/contoso.client",
		    .secret_expires = "2026-10-31",
		    .proof = CONF_PROOF_SECRET,
		    .proof_known = 1,
		    .now_s = 1793491200, /* 2026-11-01 */
		},
	    .endpoint = "https://login.example/token",
	};

	return s;
}

static void
judge(enum flow_kind kind, long status, const char *body)
{
	struct refusal_subject s = subject(kind);
	struct refusal_answer a = {
	    .status = status,
	    .body = body,
	    .body_len = strlen(body),
	    .content_type = "application/json",
	};

	refusal_judge(&r, &s, &a);
}

/* As Entra ID writes it. */
static void
judge_number(enum flow_kind kind, long status, const char *error, long number)
{
	char body[1024];

	snprintf(body, sizeof(body),
	    "{\"error\":\"%s\",\"error_description\":\"AADSTS%ld: Words of the "
	    "provider.\\r\\nTrace ID: 0000aaaa\\r\\nCorrelation ID: "
	    "aaaa0000\\r\\nTimestamp: 2026-02-04 05:06:07Z\","
	    "\"error_codes\":[%ld],\"trace_id\":\"0000aaaa\","
	    "\"correlation_id\":\"aaaa0000\"}",
	    error, number, number);
	judge(kind, status, body);
}

static void
assert_says(const char *words)
{
	if (strstr(r.err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", r.err.text, words);
}

static void
test_wrong_password(void **state)
{
	(void)state;
	judge_number(FLOW_PASSWORD, 400, "invalid_grant", 50126);
	assert_int_equal(r.err.kind, ERR_CONFIG);
	assert_string_equal(r.err.code, "aadsts.50126");
	assert_int_equal(r.refused, RECORD_REFUSED_PASSWORD);
	assert_says("account relay@contoso.com");
	assert_says("/etc/postoak/secrets/relay.password");
	assert_says("AADSTS50126");
	assert_says("trace_id=0000aaaa correlation_id=aaaa0000");
}

static void
test_expired_secret(void **state)
{
	(void)state;
	judge_number(FLOW_CLIENT_CREDENTIALS, 401, "invalid_client", 7000222);
	assert_int_equal(r.err.kind, ERR_CONFIG);
	assert_string_equal(r.err.code, "aadsts.7000222");
	assert_int_equal(r.refused, RECORD_REFUSED_SECRET);
	assert_says("the client secret of application contoso expired on "
		    "2026-10-31");
	assert_says("put its Value");
	assert_says("/etc/postoak/secrets/contoso.client");
}

static void
test_configured_date_that_has_not_come_is_not_repeated(void **state)
{
	struct refusal_subject s = subject(FLOW_PASSWORD);
	const char *body = "{\"error\":\"invalid_client\",\"error_codes\":"
			   "[7000222]}";
	struct refusal_answer a = {401, body, strlen(body), "", 0};

	(void)state;
	s.about.secret_expires = "2030-01-01";
	refusal_judge(&r, &s, &a);
	assert_says("has expired");
	assert_null(strstr(r.err.text, "2030"));
}

static void
test_wrong_secret(void **state)
{
	(void)state;
	judge_number(FLOW_PASSWORD, 401, "invalid_client", 7000215);
	assert_int_equal(r.refused, RECORD_REFUSED_SECRET);
	assert_says("is wrong");
	assert_says("not its Secret ID");
	judge(FLOW_CLIENT_CREDENTIALS, 401, "{\"error\":\"invalid_client\"}");
	assert_int_equal(r.refused, RECORD_REFUSED_SECRET);
	assert_string_equal(r.err.code, "oauth.invalid_client");
}

static void
test_revoked_refresh_token_needs_a_login(void **state)
{
	(void)state;
	judge_number(FLOW_REFRESH, 400, "invalid_grant", 50173);
	assert_int_equal(r.err.kind, ERR_LOGIN);
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
	assert_says("Sign the sending user in again");
}

static void
test_no_person_can_sign_in_with_a_password_grant(void **state)
{
	(void)state;
	judge_number(FLOW_PASSWORD, 400, "interaction_required", 50076);
	assert_int_equal(r.err.kind, ERR_CONFIG);
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
	assert_says("MFA");
}

static void
test_other_providers_password(void **state)
{
	(void)state;
	judge(FLOW_PASSWORD, 400, "{\"error\":\"invalid_grant\"}");
	assert_int_equal(r.refused, RECORD_REFUSED_PASSWORD);
	judge(FLOW_REFRESH, 400, "{\"error\":\"invalid_grant\"}");
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
	assert_int_equal(r.err.kind, ERR_LOGIN);
}

static void
test_lockout_pauses(void **state)
{
	(void)state;
	judge_number(FLOW_PASSWORD, 400, "invalid_grant", 50053);
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_int_equal(r.least_ms, 15 * 60000);
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
}

static void
test_status_goes_before_the_number(void **state)
{
	(void)state;
	judge_number(FLOW_PASSWORD, 503, "temporarily_unavailable", 50126);
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
}

static void
test_unknown_number_takes_the_class_of_the_word(void **state)
{
	(void)state;
	judge_number(FLOW_REFRESH, 400, "invalid_grant", 9999999);
	assert_int_equal(r.err.kind, ERR_LOGIN);
	assert_says("Words of the provider.");
	assert_null(strstr(r.err.text, "Timestamp"));
	judge_number(FLOW_REFRESH, 400, "something_new", 9999999);
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_true(r.least_ms >= 60000);
}

static void
test_number_only_in_the_text(void **state)
{
	(void)state;
	judge(FLOW_REFRESH, 400,
	    "{\"error\":\"invalid_grant\",\"error_description\":"
	    "\"AADSTS700082: The refresh token has expired\"}");
	assert_string_equal(r.err.code, "aadsts.700082");
}

static void
test_throttled(void **state)
{
	struct refusal_subject s = subject(FLOW_PASSWORD);
	struct refusal_answer a = {429, "", 0, "", 17};

	(void)state;
	refusal_judge(&r, &s, &a);
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_int_equal(r.least_ms, 17000);
	assert_says("429");
	assert_says("relay@contoso.com");
}

static void
test_web_page(void **state)
{
	struct refusal_subject s = subject(FLOW_PASSWORD);
	const char *page = "<html>Please sign in to the hotel's network";
	struct refusal_answer a = {
	    200, page, strlen(page), "text/html; charset=utf-8", 0};

	(void)state;
	refusal_judge(&r, &s, &a);
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_string_equal(r.err.code, "endpoint");
	assert_says("a web page instead of JSON");
	assert_null(strstr(r.err.text, "hotel"));
}

static void
test_hostile_words_stay_in_one_line(void **state)
{
	(void)state;
	judge(FLOW_REFRESH, 400,
	    "{\"error\":\"x%s%n\\u001b[2J\",\"error_description\":"
	    "\"%s%n\\r\\nstatus=ok\\u0007\"}");
	assert_null(strpbrk(r.err.text, "\r\n\033\007"));
	assert_null(strpbrk(r.err.code, "\r\n\033\007"));
	assert_says("%s%n");
}

static void
test_long_words_are_cut(void **state)
{
	char body[8192];
	size_t used;

	(void)state;
	used = (size_t)snprintf(body, sizeof(body),
	    "{\"error\":\"invalid_request\",\"error_description\":\"");
	memset(body + used, 'x', 7000);
	strcpy(body + used + 7000, "\",\"trace_id\":\"t1\"}");
	judge(FLOW_PASSWORD, 400, body);
	assert_int_equal(r.err.kind, ERR_CONFIG);
	assert_says("trace_id=t1");
}

static void
test_no_answer_names_account_and_endpoint(void **state)
{
	struct refusal_subject s = subject(FLOW_PASSWORD);
	struct err why;

	(void)state;
	err_set(&why, ERR_TEMPORARY, "endpoint", "Could not connect to server");
	refusal_no_answer(&r, &s, &why);
	assert_says("relay@contoso.com");
	assert_says("https://login.example/token");
	assert_says("Could not connect");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wrong_password),
	    cmocka_unit_test(test_expired_secret),
	    cmocka_unit_test(
		test_configured_date_that_has_not_come_is_not_repeated),
	    cmocka_unit_test(test_wrong_secret),
	    cmocka_unit_test(test_revoked_refresh_token_needs_a_login),
	    cmocka_unit_test(test_no_person_can_sign_in_with_a_password_grant),
	    cmocka_unit_test(test_other_providers_password),
	    cmocka_unit_test(test_lockout_pauses),
	    cmocka_unit_test(test_status_goes_before_the_number),
	    cmocka_unit_test(test_unknown_number_takes_the_class_of_the_word),
	    cmocka_unit_test(test_number_only_in_the_text),
	    cmocka_unit_test(test_throttled),
	    cmocka_unit_test(test_web_page),
	    cmocka_unit_test(test_hostile_words_stay_in_one_line),
	    cmocka_unit_test(test_long_words_are_cut),
	    cmocka_unit_test(test_no_answer_names_account_and_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
