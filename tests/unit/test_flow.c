/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow: the forms of the grants, and which answers are tokens.
 * link: tokend/flow
 */
#include "tokend/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct secret client_secret, password, refresh_token;

static int
setup(void **state)
{
	(void)state;
	secret_set(&client_secret, "a~B.c-d_e+f/g=", 14);
	secret_set(&password, "p&w d%\xc3\xa4", 8);
	secret_set(&refresh_token, "1.AX0A", 6);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	secret_clear(&client_secret);
	secret_clear(&password);
	secret_clear(&refresh_token);
	return 0;
}

static struct flow_request
request(enum flow_kind kind)
{
	struct flow_request r = {
	    .kind = kind,
	    .client_id = "6666",
	    .scope = "https://outlook.office.com/SMTP.Send offline_access",
	    .user = "relay@contoso.com",
	    .client_secret = &client_secret,
	    .password = &password,
	    .refresh_token = &refresh_token,
	};

	return r;
}

static void
assert_form(const struct flow_request *r, const char *expected)
{
	struct buf form;
	struct err err;

	buf_init(&form, FLOW_FORM_MAX);
	assert_int_equal(flow_form(r, &form, &err), 0);
	assert_string_equal(form.data, expected);
	buf_clear(&form);
}

#define SCOPE                                                                  \
	"scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20offline_access"
#define SECRET "client_secret=a~B.c-d_e%2Bf%2Fg%3D"

static void
test_forms(void **state)
{
	struct flow_request r = request(FLOW_PASSWORD);

	(void)state;
	assert_form(&r,
	    "client_id=6666&grant_type=password&" SCOPE "&" SECRET
	    "&username=relay%40contoso.com&password=p%26w%20d%25%C3%A4");
	r = request(FLOW_REFRESH);
	assert_form(&r, "client_id=6666&grant_type=refresh_token&" SCOPE
			"&" SECRET "&refresh_token=1.AX0A");
	r = request(FLOW_CLIENT_CREDENTIALS);
	assert_form(&r,
	    "client_id=6666&grant_type=client_credentials&" SCOPE "&" SECRET);
}

/* RFC 6749 section 4.1.3, RFC 7636 section 4.5. */
static void
test_form_of_an_authorization_code(void **state)
{
	struct flow_request r = request(FLOW_AUTHORIZATION_CODE);

	(void)state;
	r.code = &refresh_token;
	r.verifier = &password;
	r.redirect_uri = "http://localhost:53124";
	assert_form(&r,
	    "client_id=6666&grant_type=authorization_code&" SCOPE "&" SECRET
	    "&code=1.AX0A&redirect_uri=http%3A%2F%2Flocalhost%3A53124"
	    "&code_verifier=p%26w%20d%25%C3%A4");
}

static void
test_public_client_sends_no_secret(void **state)
{
	struct flow_request r = request(FLOW_REFRESH);
	struct secret none = SECRET_INIT;

	(void)state;
	r.client_secret = &none;
	r.scope = NULL;
	assert_form(
	    &r, "client_id=6666&grant_type=refresh_token&refresh_token=1.AX0A");
}

static int
judge(long status, const char *body, struct flow_token *token)
{
	struct err err;

	return flow_answer(status, body, strlen(body), token, &err);
}

static void
test_token_is_taken(void **state)
{
	struct flow_token t;

	(void)state;
	assert_int_equal(
	    judge(200,
		"{\"token_type\":\"bearer\",\"expires_in\":\"4213\","
		"\"access_token\":\"eyJ.a.b\",\"refresh_token\":\"1.B\","
		"\"scope\":\"S T\",\"unknown\":[1]}",
		&t),
	    1);
	assert_string_equal(secret_reveal(&t.access), "eyJ.a.b");
	assert_string_equal(secret_reveal(&t.refresh), "1.B");
	assert_string_equal(t.scope, "S T");
	assert_int_equal(t.expires_in_s, 4213);
	flow_token_clear(&t);
}

static void
test_refresh_token_and_scope_may_be_absent(void **state)
{
	struct flow_token t;

	(void)state;
	assert_int_equal(judge(200, "{\"access_token\":\"x\"}", &t), 1);
	assert_true(secret_empty(&t.refresh));
	assert_null(t.scope);
	assert_int_equal(t.expires_in_s, 3600);
	flow_token_clear(&t);
}

/* It would be in the way when the refresh token is stored. */
static void
test_what_is_no_scope_is_left_out(void **state)
{
	static const char head[] =
	    "{\"access_token\":\"x\",\"refresh_token\":\"y\",\"scope\":\"";
	struct flow_token t;
	char text[8192];

	(void)state;
	snprintf(text, sizeof(text), "%sa\\nb\"}", head);
	assert_int_equal(judge(200, text, &t), 1);
	assert_string_equal(secret_reveal(&t.refresh), "y");
	assert_null(t.scope);
	flow_token_clear(&t);
	snprintf(text, sizeof(text), "%s%0*d\"}", head, FLOW_SCOPE_MAX + 1, 0);
	assert_int_equal(judge(200, text, &t), 1);
	assert_null(t.scope);
	flow_token_clear(&t);
}

static void
test_what_is_no_token(void **state)
{
	struct flow_token t;

	(void)state;
	assert_int_equal(judge(200, "<html>access_token</html>", &t), 0);
	assert_int_equal(judge(200, "", &t), 0);
	assert_int_equal(judge(200, "{\"access_token\":5}", &t), 0);
	assert_int_equal(judge(400, "{\"access_token\":\"x\"}", &t), 0);
	/* Facts 3.7: the words stand inside claims of an error, too. */
	assert_int_equal(judge(400,
			     "{\"error\":\"invalid_grant\",\"claims\":"
			     "\"{\\\"access_token\\\":{}}\"}",
			     &t),
	    0);
}

static void
test_what_cannot_be_used(void **state)
{
	struct flow_token t;

	(void)state;
	assert_int_equal(judge(200, "{\"access_token\":\"\"}", &t), -1);
	assert_int_equal(judge(200, "{\"access_token\":\"a b\"}", &t), -1);
	assert_int_equal(judge(200, "{\"access_token\":\"a\\nb\"}", &t), -1);
	assert_int_equal(judge(200, "{\"access_token\":\"a\\u0001\"}", &t), -1);
	assert_int_equal(
	    judge(200, "{\"access_token\":\"a\",\"expires_in\":0}", &t), -1);
	assert_int_equal(
	    judge(200, "{\"access_token\":\"a\",\"expires_in\":-5}", &t), -1);
	assert_int_equal(
	    judge(200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", &t),
	    -1);
}

static void
test_absurd_life_is_cut(void **state)
{
	struct flow_token t;

	(void)state;
	assert_int_equal(
	    judge(
		200, "{\"access_token\":\"a\",\"expires_in\":99999999999}", &t),
	    1);
	assert_int_equal(t.expires_in_s, 7 * 86400);
	flow_token_clear(&t);
}

/* Entra's v1 and IMDS send strings; what is no number is not guessed at. */
static void
test_life_as_it_may_be_written(void **state)
{
	static const struct {
		const char *written;
		int64_t life_s;
	} lives[] = {
	    {"3599", 3599},
	    {"\"3599\"", 3599},
	    {"3599.0", 3599},
	    {"1e3", 1000},
	    {"null", 3600},
	    {"3599.5", 300},
	    {"\"3599.5\"", 300},
	    {"\"\"", 300},
	    {"\"an hour\"", 300},
	    {"\"3599 s\"", 300},
	    {"true", 300},
	    {"[3599]", 300},
	    {"{}", 300},
	    {"604801", 604800},
	    {"\"604801\"", 604800},
	    {"99999999999999999999999", 300},
	    {"\"99999999999999999999999\"", 300},
	    {"1e300", 300},
	    {"0", -1},
	    {"\"0\"", -1},
	    {"-1", -1},
	    {"\"-3599\"", -1},
	};
	struct flow_token t;
	char body[120];
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		snprintf(body, sizeof(body),
		    "{\"access_token\":\"a\",\"expires_in\":%s}",
		    lives[i].written);
		rc = judge(200, body, &t);
		if (rc != (lives[i].life_s > 0 ? 1 : -1) ||
		    (rc == 1 && t.expires_in_s != lives[i].life_s))
			fail_msg("%s: %d, %lld", body, rc,
			    (long long)t.expires_in_s);
		flow_token_clear(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_public_client_sends_no_secret),
	    cmocka_unit_test(test_form_of_an_authorization_code),
	    cmocka_unit_test(test_token_is_taken),
	    cmocka_unit_test(test_refresh_token_and_scope_may_be_absent),
	    cmocka_unit_test(test_what_is_no_scope_is_left_out),
	    cmocka_unit_test(test_what_is_no_token),
	    cmocka_unit_test(test_what_cannot_be_used),
	    cmocka_unit_test(test_absurd_life_is_cut),
	    cmocka_unit_test(test_life_as_it_may_be_written),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
