/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_xoauth2 - the dialogues of XOAUTH2 and OAUTHBEARER: libpostoak.so,
 * driven by the real libsasl2.
 *
 * link: tests/unit/sasl_mailer tests/unit/sasl_tokend
 * libs: sasl
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <sasl/saslutil.h>

#include "sasl_mailer.h"
#include "sasl_tokend.h"

/* --- the exchange --------------------------------------------------------- */

/* Microsoft's own example, and its base64. */
static void
sends_xoauth2_as_documented(void **state)
{
	char base64[256];
	struct mailer mailer;

	(void)state;
	tokend_set_token(tokend, "test@contoso.onmicrosoft.com",
	    "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA");
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	assert_string_equal(mailer.mechanism, "XOAUTH2");
	mailer_assert_sends(&mailer,
	    "user=test@contoso.onmicrosoft.com\001auth=Bearer "
	    "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA\001\001");
	assert_int_equal(
	    sasl_encode64(mailer.out, mailer.len, base64, sizeof(base64), NULL),
	    SASL_OK);
	assert_string_equal(base64,
	    "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVy"
	    "IEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==");
	assert_true(tokend_was_sent(tokend, "account=" MAILER_ACCOUNT));
	assert_true(tokend_was_sent(tokend, "service=smtp"));
	assert_true(tokend_was_sent(tokend, "host=" MAILER_HOST));
	assert_true(tokend_was_sent(tokend, "wait_ms=5000"));
	sasl_dispose(&mailer.conn);
	assert_int_equal(mailer_log_lines, 0);
}

/* RFC 7628, section 4, with its token and port 143. */
static void
sends_oauthbearer_as_documented(void **state)
{
	const char *mechanism;
	struct mailer mailer = {0};
	char base64[512];

	(void)state;
	tokend_set_token(tokend, "user@example.com",
	    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
	assert_int_equal(sasl_client_new("imap", "server.example.com",
			     "192.0.2.7;49152", "192.0.2.1;143",
			     mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "OAUTHBEARER", NULL,
			     &mailer.out, &mailer.len, &mechanism),
	    SASL_CONTINUE);
	assert_int_equal(
	    sasl_encode64(mailer.out, mailer.len, base64, sizeof(base64), NULL),
	    SASL_OK);
	assert_string_equal(base64,
	    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29t"
	    "AXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhi"
	    "SFJoZG1semRHRXVZMjl0Q2c9PQEB");
	sasl_dispose(&mailer.conn);
}

/* No address: the service's usual port, or none. */
static void
gives_the_usual_port(void **state)
{
	static const struct {
		const char *service, *part;
	} cases[] = {
	    {"smtp", "\001port=587\001auth=Bearer "},
	    {"imap", "\001port=993\001auth=Bearer "},
	    {"pop", "\001port=995\001auth=Bearer "},
	    {"sieve", "n,a=" MAILER_ACCOUNT ",\001host=" MAILER_HOST
		      "\001auth=Bearer "},
	};
	struct mailer mailer;
	const char *mechanism;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&mailer, 0, sizeof(mailer));
		assert_int_equal(
		    sasl_client_new(cases[i].service, MAILER_HOST, NULL, NULL,
			mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
		    SASL_OK);
		assert_int_equal(
		    sasl_client_start(mailer.conn, "OAUTHBEARER", NULL,
			&mailer.out, &mailer.len, &mechanism),
		    SASL_CONTINUE);
		assert_non_null(memmem(mailer.out, mailer.len, cases[i].part,
		    strlen(cases[i].part)));
		sasl_dispose(&mailer.conn);
	}
}

/* The name a server knows itself by has no dot at its end. */
static void
drops_the_dot_of_the_dns(void **state)
{
	struct mailer mailer = {0};
	const char *mechanism;

	(void)state;
	assert_int_equal(sasl_client_new("smtp", MAILER_HOST ".", NULL, NULL,
			     mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "OAUTHBEARER", NULL,
			     &mailer.out, &mailer.len, &mechanism),
	    SASL_CONTINUE);
	assert_non_null(memmem(mailer.out, mailer.len,
	    "\001host=" MAILER_HOST "\001", strlen(MAILER_HOST) + 7));
	sasl_dispose(&mailer.conn);
}

static void
escapes_the_gs2_header(void **state)
{
	struct mailer mailer;

	(void)state;
	tokend_set_token(tokend, "a,b=c@contoso.com", "t");
	assert_int_equal(mailer_start(&mailer, "OAUTHBEARER", MAILER_ACCOUNT),
	    SASL_CONTINUE);
	mailer_assert_sends(&mailer,
	    "n,a=a=2Cb=3Dc@contoso.com,\001host=" MAILER_HOST
	    "\001port=587\001auth=Bearer t\001\001");
	sasl_dispose(&mailer.conn);
}

static void
is_content_with_an_empty_challenge(void **state)
{
	struct mailer mailer;
	const void *user;

	(void)state;
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	assert_int_equal(mailer_step(&mailer, ""), SASL_OK);
	mailer_assert_sends(&mailer, "");
	assert_int_equal(
	    sasl_getprop(mailer.conn, SASL_USERNAME, &user), SASL_OK);
	assert_string_equal(user, MAILER_ACCOUNT);
	sasl_dispose(&mailer.conn);
	assert_int_equal(mailer_log_lines, 0);
}

static void
works_without_an_initial_response(void **state)
{
	struct mailer mailer = {0};

	(void)state;
	assert_int_equal(
	    sasl_client_new("pop", "outlook.office365.com", NULL, NULL,
		mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", NULL, NULL,
			     NULL, &mailer.mechanism),
	    SASL_CONTINUE);
	assert_int_equal(tokend_requests(tokend), 0);
	assert_int_equal(mailer_step(&mailer, ""), SASL_CONTINUE);
	mailer_assert_sends(&mailer,
	    "user=" MAILER_ACCOUNT
	    "\001auth=Bearer eyJ0eXAi.abc-_~+/1==\001\001");
	assert_int_equal(mailer_step(&mailer, ""), SASL_OK);
	sasl_dispose(&mailer.conn);
	/* A server that speaks first gets no token. */
	assert_int_equal(
	    sasl_client_new("pop", "outlook.office365.com", NULL, NULL,
		mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", NULL, NULL,
			     NULL, &mailer.mechanism),
	    SASL_CONTINUE);
	assert_int_equal(mailer_step(&mailer, "Username:"), SASL_BADPROT);
	assert_int_equal(tokend_requests(tokend), 1);
	sasl_dispose(&mailer.conn);
}

/* --- the error challenge -------------------------------------------------- */

#define GMAIL                                                                  \
	"{\"status\":\"401\",\"schemes\":\"bearer mac\","                      \
	"\"scope\":\"https://mail.google.com/\"}\n"

static void
answers_an_error_challenge(void **state)
{
	static const char dovecot[] =
	    "{\"status\":\"invalid_token\",\"scope\":\"mail\"}";
	char base64[128], line[256];
	struct mailer mailer;

	(void)state;
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	assert_int_equal(mailer_step(&mailer, GMAIL), SASL_CONTINUE);
	mailer_assert_sends(&mailer, "");
	assert_int_equal(tokend_rejected(tokend), 1);
	assert_true(tokend_was_sent(tokend, "request=rejected"));
	assert_true(tokend_was_sent(tokend, "account=" MAILER_ACCOUNT));
	assert_true(tokend_was_sent(tokend, "token_id=0123456789abcdef"));
	assert_true(tokend_was_sent(tokend,
	    "challenge=eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsIn"
	    "Njb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K"));
	assert_int_equal(mailer_log_lines, 1);
	assert_int_equal(mailer_log_level, SASL_LOG_FAIL);
	assert_non_null(strstr(mailer_log_text, "refused the access token"));
	assert_null(strstr(mailer_log_text, "bearer mac"));
	/* A third one is none of the mechanism's. */
	assert_int_equal(mailer_step(&mailer, GMAIL), SASL_BADPROT);
	assert_int_equal(tokend_rejected(tokend), 1);
	sasl_dispose(&mailer.conn);

	assert_int_equal(mailer_start(&mailer, "OAUTHBEARER", MAILER_ACCOUNT),
	    SASL_CONTINUE);
	assert_int_equal(mailer_step(&mailer, dovecot), SASL_CONTINUE);
	mailer_assert_sends(&mailer, "\001");
	assert_int_equal(sasl_encode64(dovecot, sizeof(dovecot) - 1, base64,
			     sizeof(base64), NULL),
	    SASL_OK);
	snprintf(line, sizeof(line), "challenge=%s", base64);
	assert_true(tokend_was_sent(tokend, line));
	sasl_dispose(&mailer.conn);
}

static void
answers_an_error_challenge_without_tokend(void **state)
{
	struct mailer mailer;
	long long start_ms;

	(void)state;
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	tokend_behave(tokend, TOKEND_SILENT, -1);
	start_ms = tokend_now_ms();
	assert_int_equal(mailer_step(&mailer, GMAIL), SASL_CONTINUE);
	mailer_assert_sends(&mailer, "");
	assert_in_range(tokend_now_ms() - start_ms, 900, 3000);
	sasl_dispose(&mailer.conn);
	tokend_behave(tokend, TOKEND_ANSWER, -1);
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	tokend_stop(tokend);
	assert_int_equal(mailer_step(&mailer, GMAIL), SASL_CONTINUE);
	mailer_assert_sends(&mailer, "");
	assert_non_null(strstr(mailer_log_text, "could not be told"));
	tokend_start(tokend);
	sasl_dispose(&mailer.conn);
}

/* More than fits: cut at 2048 bytes of base64. */
static void
reports_a_huge_challenge(void **state)
{
	static char challenge[10001];
	static char line[2048 + 11];
	struct mailer mailer;

	(void)state;
	memset(challenge, 0, sizeof(challenge));
	memset(challenge, 'M', 10000);
	strcpy(line, "challenge=");
	while (strlen(line) < 2048 + 10)
		strcat(line, "TU1N");
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	assert_int_equal(mailer_step(&mailer, challenge), SASL_CONTINUE);
	assert_int_equal(tokend_rejected(tokend), 1);
	assert_true(tokend_was_sent(tokend, line));
	sasl_dispose(&mailer.conn);
}

/* --- what goes wrong ------------------------------------------------------ */

static void
tells_what_tokend_said(void **state)
{
	static const struct {
		const char *kind;
		int code;
	} kinds[] = {
	    {"temporary", SASL_UNAVAIL},
	    {"login", SASL_EXPIRED},
	    {"config", SASL_FAIL},
	    {"denied", SASL_FAIL},
	    {"protocol", SASL_FAIL},
	    {"unheard-of", SASL_FAIL},
	};
	char answer[512], line[512];
	struct mailer mailer;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(answer, sizeof(answer),
		    "status=error\nkind=%s\ncode=aadsts.%zu\n"
		    "retry_ms=29001\ntext=50%% of %%s and %%n are no format\n"
		    "\n",
		    kinds[i].kind, i);
		snprintf(line, sizeof(line),
		    "postoak: account=" MAILER_ACCOUNT
		    " code=aadsts.%zu retry=30s: "
		    "50%% of %%s and %%n are no format",
		    i);
		tokend_raw(tokend, answer, strlen(answer));
		result = mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT);
		mailer_assert_failure(result, kinds[i].code, &mailer, line);
	}
}

/* As long as an error's text may be: whole, in the log and for the program. */
static void
tells_a_long_sentence_whole(void **state)
{
	char answer[1024], text[721];
	struct mailer mailer;
	int result;

	(void)state;
	memset(text, 'x', 717);
	strcpy(text + 717, "END");
	snprintf(answer, sizeof(answer),
	    "status=error\nkind=config\ncode=c\ntext=%s\n\n", text);
	tokend_raw(tokend, answer, strlen(answer));
	result = mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT);
	mailer_assert_failure(result, SASL_FAIL, &mailer, text);
}

static void
tells_that_tokend_is_not_there(void **state)
{
	struct mailer mailer;
	char text[300];
	int result;

	(void)state;
	setenv("POSTOAK_SOCKET", "/nonexistent/tokend.sock", 1);
	snprintf(text, sizeof(text),
	    "postoak: account=" MAILER_ACCOUNT
	    " code=unreachable: cannot connect to "
	    "postoak-tokend at /nonexistent/tokend.sock: No such file or "
	    "directory; postoak-tokend is not running, or the socket is not "
	    "visible in the jail: run \"postoak status\"");
	result = mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT);
	mailer_assert_failure(result, SASL_UNAVAIL, &mailer, text);
	setenv("POSTOAK_SOCKET", tokend->path, 1);
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
}

static void
refuses_what_would_break_the_response(void **state)
{
	static const struct {
		const char *user, *token, *text;
	} answers[] = {
	    {"a\001b", "t", "user name is empty or holds a control"},
	    {"a\tb", "t", "user name is empty or holds a control"},
	    {"", "t", "user name is empty or holds a control"},
	    {"a", "", "token is empty or holds a character"},
	    {"a", "t\001auth=x", "token is empty or holds a character"},
	    {"a", "t t", "token is empty or holds a character"},
	    {"a", "t\tt", "token is empty or holds a character"},
	    {"a", "t\xc3\xa9", "token is empty or holds a character"},
	    {"a", "t\"", "token is empty or holds a character"},
	};
	struct mailer mailer;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		tokend_set_token(tokend, answers[i].user, answers[i].token);
		result = mailer_start(
		    &mailer, i % 2 ? "XOAUTH2" : "OAUTHBEARER", MAILER_ACCOUNT);
		mailer_assert_failure(
		    result, SASL_FAIL, &mailer, answers[i].text);
	}
}

static void
wants_to_know_the_server(void **state)
{
	static const char *const hosts[] = {NULL, "", "a\001auth=Bearer b"};
	struct mailer mailer = {0};
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		assert_int_equal(
		    sasl_client_new("smtp", hosts[i], NULL, NULL,
			mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
		    SASL_OK);
		result = sasl_client_start(mailer.conn, "OAUTHBEARER", NULL,
		    &mailer.out, &mailer.len, &mailer.mechanism);
		mailer_assert_failure(
		    result, SASL_FAIL, &mailer, "did not say which server");
	}
	assert_int_equal(tokend_requests(tokend), 0);
}

/* There is room for 63 bytes. */
static void
refuses_a_long_token_id(void **state)
{
	struct mailer mailer;
	char answer[256];
	int len, result;

	(void)state;
	for (len = 63; len <= 64; len++) {
		snprintf(answer, sizeof(answer),
		    "status=ok\nuser=u\ntoken=t\ntoken_id=%0*d\n\n", len, 0);
		tokend_raw(tokend, answer, strlen(answer));
		result = mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT);
		if (len == 63) {
			assert_int_equal(result, SASL_CONTINUE);
			sasl_dispose(&mailer.conn);
		} else
			mailer_assert_failure(
			    result, SASL_FAIL, &mailer, "token_id is too long");
	}
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, mailer_setup, mailer_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sends_xoauth2_as_documented),
	    TEST(sends_oauthbearer_as_documented),
	    TEST(gives_the_usual_port),
	    TEST(drops_the_dot_of_the_dns),
	    TEST(escapes_the_gs2_header),
	    TEST(is_content_with_an_empty_challenge),
	    TEST(works_without_an_initial_response),
	    TEST(answers_an_error_challenge),
	    TEST(answers_an_error_challenge_without_tokend),
	    TEST(reports_a_huge_challenge),
	    TEST(tells_what_tokend_said),
	    TEST(tells_a_long_sentence_whole),
	    TEST(tells_that_tokend_is_not_there),
	    TEST(refuses_what_would_break_the_response),
	    TEST(wants_to_know_the_server),
	    TEST(refuses_a_long_token_id),
	};

	mailer_build_dir = BUILD_DIR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
