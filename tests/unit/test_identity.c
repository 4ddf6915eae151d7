/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: what people mix up, each with the sentence that says what to do.
 * link: cli/identity cli/identity_endpoint
 */
#include "cli/identity.h"
#include "cli/identity_endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TENANT "11111111-2222-3333-4444-555555555555"
#define OTHER "abcdef01-2222-3333-4444-555555555555"
#define CLIENT "66666666-7777-8888-9999-000000000000"
#define SECRET "abc8Q~Def_-.0123456789~abcdefghijklmnopq"
#define HOST "https://login.microsoftonline.com/"
#define NOW 1764000000 /* 2025-11-24 */

static struct err err;

/* right: the value in its usual form, or NULL and words of the sentence. */
struct one {
	const char *text;
	const char *right;
	const char *words;
};

static void
expect(const struct one *one, int rc, const char *out)
{
	if (one->right != NULL) {
		if (rc != 0)
			fail_msg("%s: %s", one->text, err.text);
		assert_string_equal(out, one->right);
		return;
	}
	if (rc != -1)
		fail_msg("\"%s\" was taken", one->text);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (strstr(err.text, one->words) == NULL)
		fail_msg("%s: \"%s\" says no \"%s\"", one->text, err.text,
		    one->words);
}

#define EACH(cases, call)                                                      \
	for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) {      \
		char out[IDENTITY_NAME_SIZE] = "";                             \
                                                                               \
		err_clear(&err);                                               \
		expect(&(cases)[i], call, out);                                \
	}

static void
test_guid(void **state)
{
	static const struct one cases[] = {
	    {CLIENT, CLIENT, NULL},
	    {"{ABCDEF01-2222-3333-4444-555555555555}", OTHER, NULL},
	    {"abcdef01222233334444555555555555", OTHER, NULL},
	    {"", NULL, "is empty"},
	    {SECRET, NULL, "a secret's Value"},
	    {"relay@contoso.com", NULL, "Overview page"},
	    {HOST "x", NULL, "Overview page"},
	    {"6666666-7777-8888-9999-000000000000", NULL,
		"has 31 hexadecimal digits, not 32"},
	    {"66666666-7777-8888-9999-0000000000000", NULL, "has 33"},
	    {"66666666-7777-8888-9999-00000000000O", NULL, "is it a 0?"},
	    {"l1111111-2222-3333-4444-555555555555", NULL, "is it a 1?"},
	    {"66666666-7777-8888-9999-00000000000x", NULL, "no GUID"},
	    {"00000000-0000-0000-0000-000000000000", NULL, "placeholder"},
	    {"00000002-0000-0ff1-ce00-000000000000", NULL, "Exchange Online"},
	};

	(void)state;
	EACH(cases, identity_guid(cases[i].text, "Client ID", out, &err))
	assert_null(strstr(err.text, SECRET));
}

static void
test_tenant(void **state)
{
	static const struct one cases[] = {
	    {TENANT, TENANT, NULL},
	    {"contoso.onmicrosoft.com", "contoso.onmicrosoft.com", NULL},
	    {"Common", NULL, "stands for every tenant"},
	    {"organizations", NULL, "stands for every tenant"},
	    {"contoso", NULL, "no GUID"},
	    {"admin@contoso.com", NULL, "Overview page"},
	    {"9188040d-6c67-4c5b-b112-36a304b66dad", NULL, "personal"},
	};

	(void)state;
	EACH(cases, identity_tenant(cases[i].text, out, &err))
}

static void
test_secret(void **state)
{
	static const struct one cases[] = {
	    {SECRET, "", NULL},
	    {"GOCSPX-0123456789abcdefghij", "", NULL},
	    {"", NULL, "is empty"},
	    {CLIENT, NULL, "that is the Secret ID"},
	    {"ABC******************", NULL, "shown only once"},
	    {"abc\xe2\x80\xa6", NULL, "shown only once"},
	    {HOST, NULL, "an address"},
	    {"eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9", NULL, "a token"},
	    {"abc8Q~Def 0123456789~abcdefghij", NULL, "a blank in it"},
	    {"abc8Q%7EDef_-.0123456789", NULL, "percent-encoded (%7E is ~)"},
	    {"abc8Q~Def", NULL, "has 9 characters"},
	};

	(void)state;
	EACH(cases, identity_secret(cases[i].text, &err))
	assert_null(strstr(err.text, "abc8Q"));
}

static void
test_password(void **state)
{
	static const struct one cases[] = {
	    {"correct horse", "", NULL},
	    {"", NULL, "is empty"},
	    {"********", NULL, "stars"},
	    {"Relay@contoso.com", NULL, "own name"},
	    {SECRET, NULL, "same as the client secret"},
	};

	(void)state;
	EACH(cases,
	    identity_password(cases[i].text, "relay@contoso.com", SECRET, &err))
	assert_int_equal(identity_password("x", NULL, NULL, &err), 0);
}

static void
test_mailbox(void **state)
{
	static const struct one cases[] = {
	    {"relay@contoso.com", "relay@contoso.com", NULL},
	    {"Relay@Contoso.COM", "Relay@contoso.com", NULL},
	    {"<mailto:relay@contoso.com>", "relay@contoso.com", NULL},
	    {"SMTP:relay@contoso.com", "relay@contoso.com", NULL},
	    {"r@contoso.onmicrosoft.com", "r@contoso.onmicrosoft.com", NULL},
	    {"r@co.com", "r@co.com", NULL}, {"", NULL, "is empty"},
	    {"relay", NULL, "write it whole"},
	    {"CONTOSO\\relay", NULL, "user principal name"},
	    {"relay@contoso.com, sales@contoso.com", NULL, "nothing else"},
	    {"relay@contoso,com", NULL, "nothing else"},
	    {"relay contoso.com@x.com", NULL, "nothing else"},
	    {"relay@contoso", NULL, "no whole domain"},
	    {"relay@contoso.local", NULL, "inside a network"},
	    {"relay_x.com#EXT#@contoso.onmicrosoft.com", NULL, "a guest"},
	    {"relay@contoso.onmicrosft.com", NULL,
		"is \"onmicrosoft.com\" meant?"},
	    {"relay@contoso.con", NULL, "is \".com\" meant?"},
	    {"relay@outlok.com", NULL, "is \"outlook.com\" meant?"},
	    {"relay@gmial.com", "relay@gmial.com", NULL}, /* two slips */
	};

	(void)state;
	EACH(cases, identity_mailbox(cases[i].text, "User", out, &err))
}

static void
test_date(void **state)
{
	static const struct one cases[] = {
	    {"2028-10-31", "2028-10-31", NULL},
	    {"31.10.2028", "2028-10-31", NULL},
	    {"3.4.2028", "2028-04-03", NULL},
	    {"31/10/2028", "2028-10-31", NULL},
	    {"10/31/2028", "2028-10-31", NULL},
	    {"10/31/2028 12:00:00 AM", "2028-10-31", NULL},
	    {"5/5/2028", "2028-05-05", NULL},
	    {"2028-10-31T00:00:00Z", "2028-10-31", NULL},
	    {"10/11/2028", NULL, "in two ways"},
	    {"next year", NULL, "in two ways, or none"},
	    {"2028-02-30", NULL, "no day"},
	    {"2025-11-23", NULL, "expired on 2025-11-23"},
	};

	(void)state;
	EACH(cases, identity_date(cases[i].text, NOW, out, &err))
}

static void
test_kind(void **state)
{
	(void)state;
	assert_int_equal(identity_kind("a@contoso.com"), IDENTITY_WORK);
	assert_int_equal(identity_kind("a@live.contoso.com"), IDENTITY_WORK);
	assert_int_equal(identity_kind("a@outlook.com"), IDENTITY_MICROSOFT);
	assert_int_equal(identity_kind("a@Hotmail.co.uk"), IDENTITY_MICROSOFT);
	assert_int_equal(identity_kind("a@live.nl"), IDENTITY_MICROSOFT);
	assert_int_equal(identity_kind("a@gmail.com"), IDENTITY_GOOGLE);
	assert_int_equal(identity_kind("a@yahoo.com.br"), IDENTITY_OTHER);
	assert_int_equal(identity_kind("a@outlook-users.com"), IDENTITY_WORK);
}

static void
test_foreign_sender(void **state)
{
	(void)state;
	assert_false(identity_is_foreign("a@x.com", "b@X.com", TENANT));
	assert_true(identity_is_foreign("a@y.com", "b@x.com", TENANT));
	assert_false(identity_is_foreign("a@y.com", "b@x.com", "y.com"));
	/* Not knowable: the tenant has any domains. */
	assert_false(
	    identity_is_foreign("a@y.com", "b@x.onmicrosoft.com", TENANT));
	assert_false(
	    identity_is_foreign("a@x.onmicrosoft.com", "b@x.com", NULL));
	assert_false(identity_is_foreign("a@y.com", NULL, NULL));
}

static void
test_endpoint(void **state)
{
	static const struct one cases[] = {
	    {HOST TENANT "/oauth2/v2.0/token", TENANT, NULL},
	    {HOST "contoso.com/oauth2/v2.0/token", "contoso.com", NULL},
	    {"https://login.microsoftonline.us/" TENANT "/oauth2/v2.0/token",
		TENANT, NULL},
	    {"http://127.0.0.1:8080/token", "", NULL},
	    {"https://localhost:99/" TENANT "/oauth2/v2.0/token", TENANT, NULL},
	    {"https://oauth2.googleapis.com/token", "", NULL},
	    {"token", NULL, "begins with https://"},
	    {"http://login.microsoftonline.com/" TENANT "/oauth2/v2.0/token",
		NULL, "over https:// only"},
	    {HOST TENANT "/oauth2/token", NULL,
		"version 1, which knows no mail permissions; use " HOST TENANT
		"/oauth2/v2.0/token"},
	    {HOST TENANT "/oauth2/v2.0/authorize", NULL,
		"Token Endpoint is given the Authorization Endpoint"},
	    {HOST TENANT "/saml2", NULL,
		"is another address; the right one "
		"is " HOST TENANT},
	    {HOST "common/oauth2/v2.0/token", NULL, "every tenant"},
	    {"https://login.windows.net/" TENANT "/oauth2/v2.0/token", NULL,
		"today it is login.microsoftonline.com"},
	    {"https://login.microsoftonline.de/" TENANT "/oauth2/v2.0/token",
		NULL, "moved in 2021"},
	    {"https://login.microsftonline.com/" TENANT "/oauth2/v2.0/token",
		NULL, "is login.microsoftonline.com meant?"},
	    {"https://idp.example.com/" TENANT "/oauth2/v2.0/token", NULL,
		"neither Microsoft nor Google"},
	};
	struct identity_endpoint endpoint;

	(void)state;
	EACH(cases, identity_endpoint(
			cases[i].text, IDENTITY_TOKEN, &endpoint, &err) == 0
			? (strcpy(out, endpoint.tenant), 0)
			: -1)
	assert_int_equal(identity_endpoint(HOST TENANT "/oauth2/authorize",
			     IDENTITY_AUTHORIZATION, &endpoint, &err),
	    -1);
	assert_non_null(strstr(err.text, "/oauth2/v2.0/authorize"));
}

static void
test_agreement(void **state)
{
	struct identity_endpoint here = {"office365", TENANT};
	struct identity_endpoint there = {"office365", OTHER};
	struct identity_endpoint cloud = {"office365-gcc-high", TENANT};
	static const struct {
		const char *tenant, *client, *secret, *object;
		int authorization, token; /* 1 here, 2 there, 3 cloud */
		const char *words;	  /* NULL: they agree */
	} cases[] = {
	    {TENANT, CLIENT, OTHER, OTHER, 1, 1, NULL},
	    {TENANT, CLIENT, NULL, NULL, 0, 0, NULL},
	    {NULL, NULL, NULL, NULL, 1, 1, NULL},
	    {TENANT, "", "", "", 1, 1, NULL},
	    {"contoso.com", CLIENT, NULL, NULL, 2, 2, NULL},
	    {TENANT, TENANT, NULL, NULL, 0, 0, "Tenant ID are the same"},
	    {TENANT, CLIENT, CLIENT, NULL, 0, 0, "is the Secret ID"},
	    {TENANT, CLIENT, NULL, CLIENT, 0, 0, "Enterprise applications"},
	    {TENANT, CLIENT, NULL, NULL, 1, 2,
		"Token Endpoint is of tenant " OTHER},
	    {TENANT, CLIENT, NULL, NULL, 2, 0, "Authorization Endpoint is of"},
	    {TENANT, CLIENT, NULL, NULL, 1, 3, "of two clouds"},
	};
	const struct identity_endpoint *which[] = {NULL, &here, &there, &cloud};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity_claim claim = {cases[i].tenant, cases[i].client,
		    cases[i].secret, cases[i].object,
		    which[cases[i].authorization], which[cases[i].token]};
		struct one one = {
		    "", cases[i].words == NULL ? "" : NULL, cases[i].words};

		expect(&one, identity_agree(&claim, &err), "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guid),
	    cmocka_unit_test(test_tenant),
	    cmocka_unit_test(test_secret),
	    cmocka_unit_test(test_password),
	    cmocka_unit_test(test_mailbox),
	    cmocka_unit_test(test_date),
	    cmocka_unit_test(test_kind),
	    cmocka_unit_test(test_foreign_sender),
	    cmocka_unit_test(test_endpoint),
	    cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
