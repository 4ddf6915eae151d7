/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints: as configured, or as a discovery document says.
 * link: tokend/endpoints
 */
#include "tokend/endpoints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BASE "https://login.example/t/v2.0"
#define URL BASE "/.well-known/openid-configuration"

static char url[] = URL;
static char placeholder[] = URL;
static char own[] = "https://own.example/x";
static struct conf_application application;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	memset(&application, 0, sizeof(application));
	application.discovery_endpoint = url;
	application.token_endpoint = placeholder;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	endpoints_forget();
	return 0;
}

static int
take(const char *body)
{
	return endpoints_take(url, body, strlen(body), &err);
}

static void
test_what_the_document_says(void **state)
{
	(void)state;
	assert_false(endpoints_known(&application, ENDPOINTS_TOKEN));
	assert_string_equal(endpoints_get(&application, ENDPOINTS_TOKEN), URL);
	assert_null(endpoints_get(&application, ENDPOINTS_DEVICE));
	assert_int_equal(take("{\"issuer\":\"" BASE "\","
			      "\"token_endpoint\":\"https://a.example/t\","
			      "\"authorization_endpoint\":"
			      "\"http://localhost:1/a\"}"),
	    0);
	assert_true(endpoints_known(&application, ENDPOINTS_TOKEN));
	assert_string_equal(endpoints_get(&application, ENDPOINTS_TOKEN),
	    "https://a.example/t");
	assert_string_equal(
	    endpoints_get(&application, ENDPOINTS_AUTHORIZATION),
	    "http://localhost:1/a");
	/* It may have got one meanwhile. */
	assert_false(endpoints_known(&application, ENDPOINTS_DEVICE));
	assert_null(endpoints_get(&application, ENDPOINTS_DEVICE));
}

static void
test_what_is_configured_goes_before(void **state)
{
	(void)state;
	application.token_endpoint = own;
	application.device_authorization_endpoint = own;
	assert_true(endpoints_known(&application, ENDPOINTS_TOKEN));
	assert_false(endpoints_known(&application, ENDPOINTS_AUTHORIZATION));
	take("{\"issuer\":\"" BASE "\","
	     "\"token_endpoint\":\"https://a.example/t\","
	     "\"device_authorization_endpoint\":\"https://a.example/d\","
	     "\"authorization_endpoint\":\"https://a.example/a\"}");
	assert_string_equal(endpoints_get(&application, ENDPOINTS_TOKEN), own);
	assert_string_equal(endpoints_get(&application, ENDPOINTS_DEVICE), own);
	assert_string_equal(
	    endpoints_get(&application, ENDPOINTS_AUTHORIZATION),
	    "https://a.example/a");
	application.discovery_endpoint = NULL;
	assert_true(endpoints_known(&application, ENDPOINTS_AUTHORIZATION));
	assert_null(endpoints_get(&application, ENDPOINTS_AUTHORIZATION));
}

#define GOOD                                                                   \
	"{\"issuer\":\"" BASE "\",\"token_endpoint\":\"https://a.example/t\"}"

static void
test_doubt_and_forgetting(void **state)
{
	(void)state;
	assert_int_equal(take(GOOD), 0);
	endpoints_doubt(&application);
	assert_false(endpoints_known(&application, ENDPOINTS_TOKEN));
	assert_int_equal(take(GOOD), 0);
	assert_true(endpoints_known(&application, ENDPOINTS_TOKEN));
	assert_int_equal(take("{}"), -1);
	assert_true(endpoints_known(&application, ENDPOINTS_TOKEN));
	endpoints_forget();
	assert_false(endpoints_known(&application, ENDPOINTS_TOKEN));
}

#define TOKEN "\"token_endpoint\":\"https://a.example/t\""

static void
test_what_is_refused(void **state)
{
	static const struct {
		const char *body, *words;
	} all[] = {
	    {"", "no JSON"},
	    {"[]", "no JSON"},
	    {"{" TOKEN "}", "no JSON with an issuer"},
	    {"{\"issuer\":7," TOKEN "}", "no JSON with an issuer"},
	    {"{\"issuer\":\"https://evil.example\"," TOKEN "}",
		"another issuer"},
	    {"{\"issuer\":\"" BASE "x\"," TOKEN "}", "another issuer"},
	    {"{\"issuer\":\"https://login.example/t/v2.\"," TOKEN "}",
		"another issuer"},
	    {"{\"issuer\":\"" BASE "\"}", "names no token_endpoint"},
	    {"{\"issuer\":\"" BASE "\",\"token_endpoint\":\"http://a.ex/t\"}",
		"no https:// address"},
	    {"{\"issuer\":\"" BASE "\"," TOKEN ",\"authorization_endpoint\":"
	     "\"javascript:alert(1)\"}",
		"no https:// address"},
	    {"{\"issuer\":\"" BASE "\"," TOKEN
	     ",\"device_authorization_endpoint\":\"/d\"}",
		"no https:// address"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(take(all[i].body), -1);
		assert_int_equal(err.kind, ERR_TEMPORARY);
		assert_string_equal(err.code, "discovery");
		assert_non_null(strstr(err.text, URL));
		assert_non_null(strstr(err.text, all[i].words));
	}
	assert_false(endpoints_known(&application, ENDPOINTS_TOKEN));
}

/* Entra ID's document for several tenants has a placeholder in its issuer. */
static void
test_issuers(void **state)
{
	(void)state;
	assert_int_equal(
	    take("{\"issuer\":\"https://login.example/{tenantid}/v2.0\"," TOKEN
		 "}"),
	    0);
	assert_int_equal(take("{\"issuer\":\"" BASE "/\"," TOKEN "}"), 0);
	assert_int_equal(
	    take("{\"issuer\":\"https://evil.example/{tenantid}/v2.0\"," TOKEN
		 "}"),
	    -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_the_document_says),
	    TEST(test_what_is_configured_goes_before),
	    TEST(test_doubt_and_forgetting),
	    TEST(test_what_is_refused),
	    TEST(test_issuers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
