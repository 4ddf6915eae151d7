/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imds: what is asked of the metadata service, and what its answers mean. The
 * door to the network is a stub here.
 * link: tokend/imds tokend/flow tokend/refusal
 */
#include "tokend/imds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tokend/http.h"

static char url[4200];
static http_done *answer_to;
static void *answer_arg;
static int cancelled, door_is_shut;
static char nothing;

struct http *
http_get_metadata(
    const char *the_url, http_done *done, void *arg, struct err *err)
{
	snprintf(url, sizeof(url), "%s", the_url);
	answer_to = done;
	answer_arg = arg;
	if (!door_is_shut)
		return (struct http *)(void *)&nothing;
	err_set(err, ERR_CONFIG, "endpoint", "shut");
	return NULL;
}

void
http_cancel(struct http *http)
{
	cancelled += http != NULL;
}

/* --- what came of it ------------------------------------------------------ */

static int calls;
static char token[64];
static int64_t life_s;
static struct refusal refusal;
static struct err err;

static void
on_identity(void *arg, struct flow_token *given, const struct refusal *refused)
{
	(void)arg;
	calls++;
	token[0] = '\0';
	if (given != NULL) {
		assert_null(refused);
		snprintf(
		    token, sizeof(token), "%s", secret_reveal(&given->access));
		life_s = given->expires_in_s;
		return;
	}
	assert_non_null(refused);
	refusal = *refused;
}

static struct conf_application
application(const char *identity)
{
	static char name[] = "contoso",
		    endpoint[] = "http://169.254.169.254/metadata/token",
		    scope[] = "https://outlook.office365.com/.default",
		    audience[] = "api://AzureADTokenExchange";
	static char buffer[64];
	struct conf_application a = {
	    .name = name,
	    .metadata_endpoint = endpoint,
	    .app_scope = scope,
	    .federated_audience = audience,
	    .is_identity = 1,
	};

	snprintf(buffer, sizeof(buffer), "%s", identity);
	a.managed_identity = buffer;
	return a;
}

/* Ask, and be answered. */
static void
answer(long status, int64_t retry_after_s, const char *body)
{
	struct conf_application a = application("system");
	struct http_answer given = {
	    .status = status,
	    .body = body,
	    .body_len = strlen(body),
	    .content_type = "application/json",
	    .retry_after_s = retry_after_s,
	};

	calls = 0;
	assert_non_null(imds_start(&a, on_identity, NULL, &err));
	answer_to(answer_arg, &given, NULL);
	assert_int_equal(calls, 1);
}

static void
test_address(void **state)
{
	struct conf_application a = application("system");
	struct imds *imds;

	(void)state;
	imds = imds_start(&a, on_identity, NULL, &err);
	assert_string_equal(url,
	    "http://169.254.169.254/metadata/token?api-version=2018-02-01"
	    "&resource=https%3A%2F%2Foutlook.office365.com");
	imds_cancel(imds);
	a = application("7777-8888");
	a.is_identity = 0;
	imds = imds_start(&a, on_identity, NULL, &err);
	assert_string_equal(url,
	    "http://169.254.169.254/metadata/token?api-version=2018-02-01"
	    "&resource=api%3A%2F%2FAzureADTokenExchange&client_id=7777-8888");
	imds_cancel(imds);
}

static void
test_token(void **state)
{
	(void)state;
	answer(200, 0,
	    "{\"access_token\":\"abc\",\"expires_in\":\"86399\","
	    "\"expires_on\":\"1700000000\",\"token_type\":\"Bearer\"}");
	assert_string_equal(token, "abc");
	assert_int_equal(life_s, 86399);
}

/* The statuses its documentation says to ask again after. */
static void
test_busy(void **state)
{
	static const long statuses[] = {404, 410, 429, 500, 502, 503, 504};
	char words[24];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		answer(statuses[i], 70, "<html>");
		assert_int_equal(refusal.err.kind, ERR_TEMPORARY);
		assert_string_equal(refusal.err.code, "metadata");
		assert_int_equal(refusal.least_ms, 70000);
		snprintf(words, sizeof(words), "status %ld", statuses[i]);
		assert_non_null(strstr(refusal.err.text, words));
		assert_non_null(strstr(refusal.err.text, "169.254.169.254"));
	}
}

static void
test_refused(void **state)
{
	(void)state;
	answer(400, 0,
	    "{\"error\":\"invalid_request\",\"error_description\":"
	    "\"Identity not\\u001b[2J found %n\"}");
	assert_int_equal(refusal.err.kind, ERR_CONFIG);
	assert_non_null(strstr(refusal.err.text, "application contoso: "));
	assert_non_null(
	    strstr(refusal.err.text, "managed_identity system (status 400)"));
	assert_non_null(strstr(refusal.err.text, "Identity not [2J found %n"));
	assert_non_null(strstr(refusal.err.text, "assign that identity"));
	answer(403, 0, "");
	assert_int_equal(refusal.err.kind, ERR_CONFIG);
	assert_non_null(strstr(refusal.err.text, "no words"));
}

static void
test_no_answer_and_no_token(void **state)
{
	struct conf_application a = application("system");
	struct err why;

	(void)state;
	calls = 0;
	assert_non_null(imds_start(&a, on_identity, NULL, &err));
	err_set(&why, ERR_TEMPORARY, "endpoint", "Connection refused");
	answer_to(answer_arg, NULL, &why);
	assert_int_equal(calls, 1);
	assert_int_equal(refusal.err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(refusal.err.text, "Connection refused"));
	assert_non_null(strstr(refusal.err.text, "in Azure only"));
	answer(200, 0, "{\"access_token\":\"a b\"}");
	assert_int_equal(refusal.err.kind, ERR_TEMPORARY);
	assert_string_equal(refusal.err.code, "metadata");
}

static void
test_what_cannot_begin(void **state)
{
	struct conf_application a = application("system");
	char scope[5000];

	(void)state;
	calls = 0;
	door_is_shut = 1;
	assert_null(imds_start(&a, on_identity, NULL, &err));
	assert_string_equal(err.text, "shut");
	door_is_shut = 0;
	memset(scope, 'x', sizeof(scope) - 1);
	scope[sizeof(scope) - 1] = '\0';
	a.app_scope = scope;
	assert_null(imds_start(&a, on_identity, NULL, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.code, "size");
	assert_int_equal(calls, 0);
	imds_cancel(NULL);
}

static void
test_cancelled(void **state)
{
	struct conf_application a = application("system");
	struct imds *imds = imds_start(&a, on_identity, NULL, &err);

	(void)state;
	calls = cancelled = 0;
	imds_cancel(imds);
	assert_int_equal(cancelled, 1);
	assert_int_equal(calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_token),
	    cmocka_unit_test(test_busy),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_no_answer_and_no_token),
	    cmocka_unit_test(test_what_cannot_begin),
	    cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
