/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: what is said of a token after a login.
 * link: tokend/verdict
 */
#include "tokend/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TENANT "11111111-2222-3333-4444-555555555555"
#define SMTP "https://outlook.office.com/SMTP.Send"
#define USER "\"upn\":\"Relay@contoso.com\",\"tid\":\"" TENANT "\""

/* "code code ..." of what is found, a "?" behind what is a warning. */
static void
judge(struct verdict_subject subject, const char *claims, const char *expected)
{
	const struct json *finding;
	char found[256] = "";
	struct json *json = NULL, *findings;
	size_t i;

	if (claims != NULL) {
		json = json_parse(claims, strlen(claims), NULL);
		assert_non_null(json);
	}
	subject.claims = json;
	findings = verdict_make(&subject);
	for (i = 0; i < json_length(findings); i++) {
		if (i > 0)
			strcat(found, " ");
		finding = json_at(findings, i);
		strcat(found, json_get_string(finding, "code"));
		if (strcmp(json_get_string(finding, "level"), "warn") == 0)
			strcat(found, "?");
		assert_non_null(json_get_string(finding, "text"));
	}
	assert_string_equal(found, expected);
	json_free(findings);
	json_free(json);
}

static void
assert_found(const char *claims, const char *scope, const char *granted,
    int has_refresh, const char *expected)
{
	struct verdict_subject subject = {
	    .user = "relay@contoso.com",
	    .tenant_id = TENANT,
	    .scope = scope,
	    .granted = granted,
	    .again = "log in again",
	    .keeps_refresh = 1,
	    .has_refresh = has_refresh,
	};

	judge(subject, claims, expected);
}

/* An application's own token. */
static void
test_an_applications_token(void **state)
{
	static const struct verdict_subject subject = {
	    .user = "relay@contoso.com",
	    .tenant_id = TENANT,
	    .scope = "https://outlook.office365.com/.default",
	    .again = "run \"postoak refresh relay@contoso.com\"",
	    .is_app = 1,
	};

	(void)state;
#define OUTLOOK "{\"aud\":\"https://outlook.office365.com\","
	judge(subject,
	    OUTLOOK "\"roles\":[\"IMAP.AccessAsApp\",\"SMTP.SendAsApp\"]}", "");
	judge(
	    subject, OUTLOOK "\"roles\":[\"IMAP.AccessAsApp\"]}", "permission");
	/* Rights given in Exchange alone leave no trace in the token. */
	judge(subject, OUTLOOK "\"idtyp\":\"app\"}", "permission?");
	judge(subject,
	    "{\"aud\":\"https://graph.microsoft.com\",\"roles\":"
	    "[\"SMTP.SendAsApp\"],\"tid\":"
	    "\"99999999-2222-3333-4444-555555555555\"}",
	    "audience tenant");
	judge(subject, NULL, "");
}

static void
test_a_good_token(void **state)
{
	(void)state;
	assert_found("{\"aud\":\"https://outlook.office.com\",\"scp\":"
		     "\"IMAP.AccessAsUser.All SMTP.Send\"," USER "}",
	    SMTP " https://outlook.office.com/IMAP.AccessAsUser.All "
		 "offline_access",
	    NULL, 1, "");
	assert_found("{\"aud\":\"https://outlook.office365.com/\",\"scp\":"
		     "\"SMTP.Send\"," USER "}",
	    SMTP " offline_access", NULL, 1, "");
	assert_found("{\"aud\":\"00000002-0000-0ff1-ce00-000000000000\","
		     "\"roles\":[\"smtp.send\"]," USER "}",
	    "https://outlook.office.com/.default", NULL, 1, "");
}

static void
test_the_wrong_audience(void **state)
{
	(void)state;
	assert_found("{\"aud\":\"https://graph.microsoft.com\",\"scp\":"
		     "\"SMTP.Send\"," USER "}",
	    SMTP, NULL, 1, "audience");
	assert_found("{\"aud\":\"00000003-0000-0000-c000-000000000000\","
		     "\"scp\":\"SMTP.Send\"," USER "}",
	    SMTP, NULL, 1, "audience");
	assert_found("{\"aud\":\"https://outlook.office.com.evil.example\","
		     "\"scp\":\"SMTP.Send\"," USER "}",
	    SMTP, NULL, 1, "audience");
	assert_found("{\"aud\":\"https://partner.outlook.cn\",\"scp\":"
		     "\"SMTP.Send\"," USER "}",
	    "https://partner.outlook.cn/SMTP.Send", NULL, 1, "");
}

static void
test_what_is_not_granted(void **state)
{
	(void)state;
	assert_found("{\"aud\":\"https://outlook.office.com\",\"scp\":"
		     "\"SMTP.SendAs XSMTP.Send\"," USER "}",
	    SMTP " https://outlook.office.com/POP.AccessAsUser.All", NULL, 1,
	    "permission permission");
	assert_found("{\"aud\":\"https://outlook.office.com\"," USER "}", SMTP,
	    NULL, 0, "permission refresh_token");
}

/* Personal accounts' and Google's tokens cannot be read. */
static void
test_a_token_nobody_can_read(void **state)
{
	(void)state;
	assert_found(NULL, SMTP, SMTP " offline_access", 1, "");
	assert_found(NULL, SMTP, "wl.imap", 1, "permission");
	assert_found(NULL, SMTP, NULL, 1, "");
	assert_found(NULL, "https://mail.google.com/",
	    "https://mail.google.com/", 1, "");
	assert_found(NULL, "https://mail.google.com/", NULL, 1, "");
	assert_found(
	    NULL, "https://mail.google.com/", "openid", 1, "permission");
}

static void
test_the_wrong_person_or_tenant(void **state)
{
	(void)state;
	assert_found("{\"aud\":\"https://outlook.office.com\",\"scp\":"
		     "\"SMTP.Send\",\"unique_name\":\"admin@contoso.com\"}",
	    SMTP, NULL, 1, "user?");
	assert_found(
	    "{\"aud\":\"https://outlook.office.com\",\"scp\":\"SMTP.Send\","
	    "\"tid\":\"99999999-2222-3333-4444-555555555555\"}",
	    SMTP, NULL, 1, "tenant");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_good_token),
	    cmocka_unit_test(test_an_applications_token),
	    cmocka_unit_test(test_the_wrong_audience),
	    cmocka_unit_test(test_what_is_not_granted),
	    cmocka_unit_test(test_a_token_nobody_can_read),
	    cmocka_unit_test(test_the_wrong_person_or_tenant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
