/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorize: the address a browser is sent to, and the one it comes back with.
 * link: tokend/authorize tokend/assertion tokend/keypair tokend/crypto
 * link: tokend/flow
 * libs: tokend
 */
#include "tokend/authorize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "tokend/assertion.h"
#include "tokend/crypto.h"

#define ENDPOINT "https://login.example/authorize"

static struct authorize attempt;
static struct authorize_answer answer;
static struct err err;

static void
begin(const char *provider, const char *endpoint)
{
	char name[16], scope[] = "https://x.example/SMTP.Send offline_access";
	char id[] = "66&6";
	const struct conf_application application = {
	    .provider = name, .client_id = id, .scope = scope};

	snprintf(name, sizeof(name), "%s", provider);
	authorize_clear(&attempt);
	assert_int_equal(authorize_begin(&attempt, &application, endpoint,
			     "relay@contoso.com", 53124, &err),
	    0);
}

static int
setup(void **state)
{
	(void)state;
	begin("office365", ENDPOINT);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	authorize_clear(&attempt);
	authorize_answer_clear(&answer);
	return 0;
}

static int
has(const char *words)
{
	return strstr(attempt.address, words) != NULL;
}

static void
test_the_address_to_open(void **state)
{
	char field[128];

	(void)state;
	assert_true(has(ENDPOINT "?client_id=66%266&response_type=code"
				 "&redirect_uri=http%3A%2F%2Flocalhost%3A53124"
				 "&scope=https%3A%2F%2Fx.example%2FSMTP.Send"
				 "%20offline_access&state="));
	assert_true(has("&login_hint=relay%40contoso.com"));
	assert_true(has("&response_mode=query"));
	assert_true(has("&code_challenge_method=S256"));
	assert_int_equal(secret_len(&attempt.state), 43);
	assert_int_equal(secret_len(&attempt.verifier), 43);
	snprintf(
	    field, sizeof(field), "&state=%s&", secret_reveal(&attempt.state));
	assert_true(has(field));
	assert_false(has(secret_reveal(&attempt.verifier)));
}

/* RFC 7636 section 4.2: the challenge is made of the verifier. */
static void
test_the_challenge_is_that_of_the_verifier(void **state)
{
	static const char verifier[] =
	    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; /* appendix B */
	unsigned char digest[CRYPTO_HASH_LEN];
	struct buf text;
	char field[128];

	(void)state;
	buf_init(&text, 64);
	crypto_digest(verifier, strlen(verifier), digest, &err);
	assertion_base64url(&text, digest, sizeof(digest));
	assert_string_equal(
	    text.data, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	buf_clear(&text);
	crypto_digest(secret_reveal(&attempt.verifier),
	    secret_len(&attempt.verifier), digest, &err);
	assertion_base64url(&text, digest, sizeof(digest));
	snprintf(field, sizeof(field), "&code_challenge=%s&", text.data);
	assert_true(has(field));
	buf_clear(&text);
}

static void
test_no_two_attempts_are_alike(void **state)
{
	struct secret old_state = SECRET_INIT, old_verifier = SECRET_INIT;

	(void)state;
	secret_copy(&old_state, &attempt.state);
	secret_copy(&old_verifier, &attempt.verifier);
	begin("office365", ENDPOINT "?a=b");
	assert_false(secret_equal(&old_state, &attempt.state));
	assert_false(secret_equal(&old_verifier, &attempt.verifier));
	assert_false(secret_equal(&attempt.state, &attempt.verifier));
	assert_true(has(ENDPOINT "?a=b&client_id="));
	secret_clear(&old_state);
	secret_clear(&old_verifier);
}

static void
test_google_is_asked_for_a_refresh_token(void **state)
{
	(void)state;
	assert_false(has("access_type"));
	begin("google", ENDPOINT);
	assert_true(has("&access_type=offline&prompt=consent&"));
}

/* "STATE" in the text stands for the attempt's own. */
static int
come(const char *text)
{
	const char *place = strstr(text, "STATE");
	char address[512];

	authorize_answer_clear(&answer);
	if (place == NULL)
		return authorize_read(&attempt, text, &answer, &err);
	snprintf(address, sizeof(address), "%.*s%s%s", (int)(place - text),
	    text, secret_reveal(&attempt.state), place + 5);
	return authorize_read(&attempt, address, &answer, &err);
}

static void
test_the_code_is_taken(void **state)
{
	static const char *const forms[] = {
	    "http://localhost:53124/?code=1.A%2Bx+y%3D&state=STATE",
	    "  http://localhost:53124/?state=STATE&code=1.A%2bx%20y%3d&a=b#f",
	    "?session_state=7&code=1.A%2Bx+y%3D&state=STATE\r\n",
	    "code=1.A%2Bx+y%3D&x&state=STATE",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(come(forms[i]), 0);
		assert_string_equal(secret_reveal(&answer.code), "1.A+x y=");
		assert_null(answer.error);
	}
}

static void
test_what_is_none_of_this_attempt(void **state)
{
	static const struct {
		const char *address, *code;
	} all[] = {
	    {"", "address"},
	    {"?", "address"},
	    {"http://localhost:53124/", "address"},
	    {"?state=STATE", "address"},
	    {"?code=x", "state"},
	    {"?code=x&state=", "state"},
	    {"?code=x&state=STATEx", "state"},
	    {"?code=x&state=x", "state"},
	    {"?error=access_denied", "state"},
	    {"?error=access_denied&state=x", "state"},
	    {"?code=&state=STATE", "address"},
	    {"?code=a&code=b&state=STATE", "address"},
	    {"?code=a&state=x&state=STATE", "address"},
	    {"?code=%&state=STATE", "address"},
	    {"?code=%4&state=STATE", "address"},
	    {"?code=%00&state=STATE", "address"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(come(all[i].address), -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_string_equal(err.code, all[i].code);
		assert_true(secret_empty(&answer.code));
		assert_null(answer.error);
	}
}

static void
test_an_endless_address(void **state)
{
	char *long_one = calloc(1, AUTHORIZE_ADDRESS_MAX + 2);

	(void)state;
	memset(long_one, 'a', AUTHORIZE_ADDRESS_MAX + 1);
	assert_int_equal(authorize_read(&attempt, long_one, &answer, &err), -1);
	assert_string_equal(err.code, "address");
	free(long_one);
}

static void
refused(const char *address, enum err_kind kind, const char *code,
    const char *words)
{
	char provider[] = "office365", name[] = "a@x.org";
	struct conf_application application = {
	    .name = name, .provider = provider};
	const struct conf_account account = {.name = name,
	    .user = name,
	    .application = &application,
	    .grant = CONF_GRANT_AUTHORIZATION_CODE};

	assert_int_equal(come(address), 0);
	assert_non_null(answer.error);
	assert_true(secret_empty(&answer.code));
	authorize_refused(&answer, &account, 0, &err);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.code, code);
	assert_non_null(strstr(err.text, "account a@x.org: "));
	assert_non_null(strstr(err.text, words));
}

static void
test_refusals(void **state)
{
	(void)state;
	refused("?state=STATE&error=access_denied", ERR_LOGIN, "declined",
	    "declined in the browser (access_denied); nothing has changed");
	refused("?state=STATE&error=access_denied&error_description="
		"AADSTS65004%3A+User+declined%0a%1b[2J",
	    ERR_LOGIN, "declined", "(AADSTS65004: User declined  [2J)");
	refused("?state=STATE&error=server_error", ERR_TEMPORARY, "refused",
	    "refuses the sign-in (server_error)");
	refused("?state=STATE&error=temporarily_unavailable", ERR_TEMPORARY,
	    "refused", "temporarily_unavailable");
	refused("?state=STATE&error=x&error_description=%25s%25n", ERR_LOGIN,
	    "refused", "(x): %s%n");
	refused("?state=STATE&error=invalid_request&error_description="
		"AADSTS50011%3A+The+redirect+URI",
	    ERR_CONFIG, "aadsts.50011", "(AADSTS50011); Register exactly");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_address_to_open),
	    TEST(test_the_challenge_is_that_of_the_verifier),
	    TEST(test_no_two_attempts_are_alike),
	    TEST(test_google_is_asked_for_a_refresh_token),
	    TEST(test_the_code_is_taken),
	    TEST(test_what_is_none_of_this_attempt),
	    TEST(test_an_endless_address),
	    TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
