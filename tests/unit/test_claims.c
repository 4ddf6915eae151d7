/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims: what is shown of a token.
 * link: tokend/claims
 */
#include "tokend/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct json *
show(const char *token)
{
	struct secret secret = SECRET_INIT;
	struct json *answer = json_object(), *claims;

	secret_set(&secret, token, strlen(token));
	claims = claims_read(&secret);
	claims_show(claims, answer);
	json_free(claims);
	secret_clear(&secret);
	return answer;
}

static void
test_delegated(void **state)
{
	/* {"aud":"https://outlook.office.com","upn":"relay@contoso.com",
	 * "scp":"SMTP.Send IMAP.AccessAsUser.All","tid":"t-1","n":"?>~"} */
	struct json *a = show(
	    "eyJ9.eyJhdWQiOiJodHRwczovL291dGxvb2sub2ZmaWNlLmNvbSIsInVwbiI6InJl"
	    "bGF5QGNvbnRvc28uY29tIiwic2NwIjoiU01UUC5TZW5kIElNQVAuQWNjZXNzQXNVc2"
	    "VyLkFsbCIsInRpZCI6InQtMSIsIm4iOiI_Pn4ifQ.c2ln");
	struct json *roles = json_get_array(a, "roles");

	(void)state;
	assert_string_equal(
	    json_get_string(a, "audience"), "https://outlook.office.com");
	assert_string_equal(
	    json_get_string(a, "token_user"), "relay@contoso.com");
	assert_string_equal(json_get_string(a, "tenant"), "t-1");
	assert_int_equal(json_length(roles), 2);
	assert_string_equal(json_string_at(roles, 0), "SMTP.Send");
	assert_string_equal(json_string_at(roles, 1), "IMAP.AccessAsUser.All");
	json_free(a);
}

static void
test_application(void **state)
{
	/* {"aud":"x","roles":["SMTP.SendAsApp",5]} */
	struct json *a =
	    show("e30.eyJhdWQiOiJ4Iiwicm9sZXMiOlsiU01UUC5TZW5kQXNBcHAiLDVdfQ.");
	struct json *roles = json_get_array(a, "roles");

	(void)state;
	assert_int_equal(json_length(roles), 1);
	assert_string_equal(json_string_at(roles, 0), "SMTP.SendAsApp");
	assert_null(json_get_string(a, "token_user"));
	json_free(a);
}

static void
test_opaque_and_broken_tokens_show_nothing(void **state)
{
	static const char *const tokens[] = {"", "opaque", "a.b", "a.!!!.c",
	    "a.e3.c.d", "a..c", "a.W10.c", "a.bm90IGpzb24.c"};
	struct json *a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		a = show(tokens[i]);
		assert_null(json_get_string(a, "audience"));
		assert_null(json_get_string(a, "tenant"));
		json_free(a);
	}
	a = json_object();
	claims_show(NULL, a);
	assert_null(json_get_array(a, "roles"));
	json_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_delegated),
	    cmocka_unit_test(test_application),
	    cmocka_unit_test(test_opaque_and_broken_tokens_show_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
