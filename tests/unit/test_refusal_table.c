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

static struct sentence_about
about(enum flow_kind kind)
{
	static const enum conf_grant grants[] = {
	    [FLOW_PASSWORD] = CONF_GRANT_PASSWORD,
	    [FLOW_REFRESH] = CONF_GRANT_REFRESH_TOKEN,
	    [FLOW_CLIENT_CREDENTIALS] = CONF_GRANT_CLIENT_CREDENTIALS,
	    [FLOW_JWT_BEARER] = CONF_GRANT_JWT_BEARER,
	    [FLOW_DEVICE_CODE] = CONF_GRANT_DEVICE_CODE,
	};
	struct sentence_about a = {
	    .application = "contoso",
	    .account =
		kind == FLOW_CLIENT_CREDENTIALS ? NULL : "relay@contoso.com",
	    .user = "relay@contoso.com",
	    .password_file = "/etc/postoak/secrets/relay.password",
	    .secret_file = "/etc/postoak/secrets/contoso.client",
	    .key_file = "/etc/postoak/secrets/service.json",
	    .grant = grants[kind],
	    .proof = CONF_PROOF_SECRET,
	    .proof_known = 1,
	};

	return a;
}

static void
judge(enum flow_kind kind, long status, const char *body)
{
	struct refusal_subject s = {
	    .kind = kind,
	    .about = about(kind),
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
	    "\"error_codes\":[%ld],\"trace_id\":\"t1\","
	    "\"correlation_id\":\"c1\"}",
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

/* It is sentence's, and nothing but the ids stands behind it. */
static void
test_each_number_has_its_sentence(void **state)
{
	struct sentence_about who = about(FLOW_REFRESH);
	char says[SENTENCE_MAX + 80], code[40];
	const struct aadsts *rows;
	struct sentence sentence;
	unsigned int count, i;

	(void)state;
	rows = aadsts_all(&count);
	for (i = 0; i < count; i++) {
		judge_number(FLOW_REFRESH, rows[i].number);
		snprintf(code, sizeof(code), "AADSTS%ld", rows[i].number);
		assert_int_equal(sentence_find(&sentence, code, &who), 1);
		sentence_write(&sentence, &who, says, SENTENCE_MAX);
		strcat(says, "; trace_id=t1 correlation_id=c1");
		assert_string_equal(r.err.text, says);
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
	    {"invalid_grant", FLOW_REFRESH, ERR_LOGIN,
		"postoak login relay@contoso.com"},
	    {"invalid_grant", FLOW_DEVICE_CODE, ERR_LOGIN, "start again"},
	    {"invalid_grant", FLOW_PASSWORD, ERR_CONFIG, "relay.password"},
	    {"invalid_grant", FLOW_JWT_BEARER, ERR_CONFIG,
		"/etc/postoak/secrets/service.json"},
	    {"invalid_client", FLOW_REFRESH, ERR_CONFIG, "contoso.client"},
	    {"unauthorized_client", FLOW_REFRESH, ERR_CONFIG, "registration"},
	    {"unauthorized_client", FLOW_JWT_BEARER, ERR_CONFIG,
		"Domain-wide delegation"},
	    {"unsupported_grant_type", FLOW_PASSWORD, ERR_CONFIG, "grant"},
	    {"invalid_request", FLOW_REFRESH, ERR_CONFIG, "client_id"},
	    {"invalid_scope", FLOW_REFRESH, ERR_CONFIG, "correct scope"},
	    {"access_denied", FLOW_REFRESH, ERR_CONFIG, "allow application"},
	    {"temporarily_unavailable", FLOW_REFRESH, ERR_TEMPORARY, "down"},
	    {"server_error", FLOW_REFRESH, ERR_TEMPORARY, "failed"},
	    {"interaction_required", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"login_required", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"consent_required", FLOW_REFRESH, ERR_LOGIN, "consent"},
	    {"invalid_rapt", FLOW_REFRESH, ERR_LOGIN, "session control"},
	    {"user_password_expired", FLOW_REFRESH, ERR_LOGIN, "postoak login"},
	    {"deleted_client", FLOW_REFRESH, ERR_CONFIG, "restore"},
	    {"disabled_client", FLOW_REFRESH, ERR_CONFIG, "enabled again"},
	    {"admin_policy_enforced", FLOW_REFRESH, ERR_CONFIG, "App access"},
	    {"org_internal", FLOW_REFRESH, ERR_CONFIG, "user type"},
	    {"rate_limit_exceeded", FLOW_REFRESH, ERR_TEMPORARY, "too often"},
	    {"internal_failure", FLOW_REFRESH, ERR_TEMPORARY, "failed"},
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
		if (strstr(r.err.text, words[i].says) == NULL)
			fail_msg("%s", r.err.text);
		/* No table knows what exactly it was. */
		assert_non_null(
		    strstr(r.err.text, "; the provider says: Words"));
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

/* The word is the general one, its subtype says what it is. */
static void
test_google_session_control(void **state)
{
	(void)state;
	judge(FLOW_REFRESH, 400,
	    "{\"error\":\"invalid_grant\",\"error_description\":\"reauth "
	    "related"
	    " error (invalid_rapt)\",\"error_subtype\":\"invalid_rapt\"}");
	assert_string_equal(r.err.code, "oauth.invalid_rapt");
	assert_int_equal(r.err.kind, ERR_LOGIN);
	assert_non_null(strstr(r.err.text, "session control"));
	judge(FLOW_REFRESH, 400,
	    "{\"error\":\"invalid_grant\",\"error_subtype\":\"whatever\"}");
	assert_string_equal(r.err.code, "oauth.invalid_grant");
}

/* Google's other form: "error" is an object, the status says it all. */
static void
test_google_quota(void **state)
{
	(void)state;
	judge(FLOW_REFRESH, 403,
	    "{\"error\":\"rate_limit_exceeded\",\"error_description\":"
	    "\"Words\"}");
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	judge(FLOW_REFRESH, 429,
	    "{\"error\":{\"code\":429,\"message\":\"Quota\","
	    "\"status\":\"RESOURCE_EXHAUSTED\"}}");
	assert_int_equal(r.err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(r.err.text, "429"));
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
	    cmocka_unit_test(test_google_session_control),
	    cmocka_unit_test(test_google_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
