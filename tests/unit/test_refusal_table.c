/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal over the whole table of numbers, and the words of other providers:
 * each code has its kind, its state, its pause and its sentence.
 * link: tokend/flow tokend/refusal tokend/schedule
 */
#include "tokend/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aadsts.h"
#include "tokend/schedule.h"

#define MINUTE_MS (60 * 1000LL)
#define HOUR_MS (60 * MINUTE_MS)

static struct refusal r;

static void
judge(enum flow_kind kind, long status, const char *body)
{
	struct refusal_subject s = {
	    .kind = kind,
	    .application = "contoso",
	    .account =
		kind == FLOW_CLIENT_CREDENTIALS ? NULL : "relay@contoso.com",
	    .user = "relay@contoso.com",
	    .password_file = "/etc/postoak/secrets/relay.password",
	    .secret_file = "/etc/postoak/secrets/contoso.client",
	    .endpoint = "https://login.example/token",
	};
	struct refusal_answer a = {
	    .status = status,
	    .body = body,
	    .body_len = strlen(body),
	    .content_type = "application/json",
	};

	refusal_judge(&r, &s, &a);
}

static void
judge_number(enum flow_kind kind, long number)
{
	char body[400];

	snprintf(body, sizeof(body),
	    "{\"error\":\"invalid_grant\",\"error_description\":"
	    "\"AADSTS%ld: Words. Trace ID: 0 Correlation ID: 1\","
	    "\"error_codes\":[%ld]}",
	    number, number);
	judge(kind, 400, body);
}

static const char *
state_of(enum err_kind kind)
{
	struct schedule s = {.failure = kind};

	return schedule_state(&s, 1);
}

/* The shortest and the longest pause before it is tried again. */
static void
assert_pause(int64_t least, int64_t most)
{
	int64_t first, last;

	first = schedule_backoff_ms(r.err.kind, 1, r.least_ms, 0);
	last = schedule_backoff_ms(r.err.kind, 100, r.least_ms, 299000);
	assert_in_range(first, least, most);
	assert_in_range(last, least, most);
}

static const struct {
	enum aadsts_class class;
	enum flow_kind flow;
	enum err_kind kind;
	const char *state;
} expected[] = {
    {AADSTS_TRANSIENT, FLOW_PASSWORD, ERR_TEMPORARY, "retrying"},
    {AADSTS_TRANSIENT, FLOW_REFRESH, ERR_TEMPORARY, "retrying"},
    {AADSTS_TRANSIENT, FLOW_CLIENT_CREDENTIALS, ERR_TEMPORARY, "retrying"},
    {AADSTS_PERMANENT, FLOW_PASSWORD, ERR_CONFIG, "needs_admin"},
    {AADSTS_PERMANENT, FLOW_REFRESH, ERR_CONFIG, "needs_admin"},
    {AADSTS_PERMANENT, FLOW_CLIENT_CREDENTIALS, ERR_CONFIG, "needs_admin"},
    /* Who signs in with a password only cannot be asked for more. */
    {AADSTS_INTERACTION, FLOW_PASSWORD, ERR_CONFIG, "needs_admin"},
    {AADSTS_INTERACTION, FLOW_REFRESH, ERR_LOGIN, "needs_login"},
    {AADSTS_INTERACTION, FLOW_CLIENT_CREDENTIALS, ERR_CONFIG, "needs_admin"},
};

static void
test_each_number_has_its_class(void **state)
{
	const struct aadsts *rows;
	unsigned int count, i, seen[3] = {0, 0, 0};
	char word[40];
	size_t k;

	(void)state;
	rows = aadsts_all(&count);
	for (i = 0; i < count; i++) {
		for (k = 0; k < sizeof(expected) / sizeof(expected[0]); k++) {
			if (expected[k].class != rows[i].class)
				continue;
			seen[rows[i].class]++;
			judge_number(expected[k].flow, rows[i].number);
			snprintf(
			    word, sizeof(word), "aadsts.%ld", rows[i].number);
			assert_string_equal(r.err.code, word);
			assert_int_equal(r.err.kind, expected[k].kind);
			assert_string_equal(
			    state_of(r.err.kind), expected[k].state);
			if (r.err.kind == ERR_TEMPORARY)
				assert_pause(1000, 15 * MINUTE_MS);
			else
				assert_pause(HOUR_MS, 2 * HOUR_MS);
		}
	}
	assert_true(count > 200);
	assert_true(seen[0] > 30 && seen[1] > 200 && seen[2] > 60);
}

/* What explain says of a number stands in the sentence of the mail log. */
static void
test_each_number_has_its_sentence(void **state)
{
	const struct aadsts *rows;
	unsigned int count, i;

	(void)state;
	rows = aadsts_all(&count);
	for (i = 0; i < count; i++) {
		judge_number(FLOW_REFRESH, rows[i].number);
		assert_int_equal(
		    strncmp(r.err.text, "account relay@contoso.com: ", 27), 0);
		if (r.refused != RECORD_REFUSED_NOTHING)
			continue; /* says the file's name instead */
		assert_non_null(strstr(r.err.text, rows[i].meaning));
		assert_non_null(strstr(r.err.text, rows[i].remedy));
	}
}

static void
test_unknown_numbers_are_tried_slowly(void **state)
{
	(void)state;
	judge(FLOW_PASSWORD, 400,
	    "{\"error\":\"brand_new\",\"error_description\":\"AADSTS1999999: "
	    "Words\",\"error_codes\":[1999999]}");
	assert_string_equal(r.err.code, "aadsts.1999999");
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
	assert_pause(5 * MINUTE_MS, 5 * MINUTE_MS);
	assert_non_null(strstr(r.err.text, "Words"));
}

/* RFC 6749 section 5.2, OpenID Connect, and what Google adds. */
static void
test_words_of_other_providers(void **state)
{
	static const struct {
		const char *error;
		enum flow_kind flow;
		enum err_kind kind;
		const char *says;
	} words[] = {
	    {"invalid_grant", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"invalid_client", FLOW_REFRESH, ERR_CONFIG, "client secret"},
	    {"unauthorized_client", FLOW_REFRESH, ERR_CONFIG, "registration"},
	    {"unsupported_grant_type", FLOW_PASSWORD, ERR_CONFIG, "grant"},
	    {"invalid_request", FLOW_REFRESH, ERR_CONFIG, "Words"},
	    {"invalid_scope", FLOW_REFRESH, ERR_CONFIG, "scope"},
	    {"access_denied", FLOW_REFRESH, ERR_CONFIG, "Words"},
	    {"temporarily_unavailable", FLOW_REFRESH, ERR_TEMPORARY, "Words"},
	    {"server_error", FLOW_REFRESH, ERR_TEMPORARY, "Words"},
	    {"interaction_required", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"login_required", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"consent_required", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"invalid_rapt", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"user_password_expired", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"deleted_client", FLOW_REFRESH, ERR_CONFIG, "registration"},
	    {"disabled_client", FLOW_REFRESH, ERR_CONFIG, "registration"},
	    {"admin_policy_enforced", FLOW_REFRESH, ERR_CONFIG, "Words"},
	    {"org_internal", FLOW_REFRESH, ERR_CONFIG, "registration"},
	    {"rate_limit_exceeded", FLOW_REFRESH, ERR_TEMPORARY, "Words"},
	    {"internal_failure", FLOW_REFRESH, ERR_TEMPORARY, "Words"},
	};
	char body[200], code[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(body, sizeof(body),
		    "{\"error\":\"%s\",\"error_description\":\"Words\"}",
		    words[i].error);
		judge(words[i].flow, 400, body);
		snprintf(code, sizeof(code), "oauth.%.24s", words[i].error);
		assert_string_equal(r.err.code, code);
		assert_int_equal(r.err.kind, words[i].kind);
		assert_non_null(strstr(r.err.text, words[i].says));
	}
}

/* The answer to a revoked refresh token, as Google's endpoint gives it. */
static void
test_google_revoked(void **state)
{
	(void)state;
	judge(FLOW_REFRESH, 400,
	    "{\n  \"error\": \"invalid_grant\",\n  \"error_description\": "
	    "\"Token has been expired or revoked.\"\n}");
	assert_int_equal(r.err.kind, ERR_LOGIN);
	assert_int_equal(r.refused, RECORD_REFUSED_NOTHING);
	assert_non_null(
	    strstr(r.err.text, "Token has been expired or revoked"));
	assert_non_null(strstr(r.err.text, "postoak login relay@contoso.com"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_number_has_its_class),
	    cmocka_unit_test(test_each_number_has_its_sentence),
	    cmocka_unit_test(test_unknown_numbers_are_tried_slowly),
	    cmocka_unit_test(test_words_of_other_providers),
	    cmocka_unit_test(test_google_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
