/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_program - what the plugin learns from the mail program it is in: the
 * account, the socket's path, and that it is sendmail.
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
#include <unistd.h>

#include <cmocka.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <sasl/saslutil.h>

#include "sasl_mailer.h"
#include "sasl_tokend.h"

#define SENDMAIL_TOKEN_MAX (1504 - (int)(sizeof(MAILER_ACCOUNT) - 1))

/* isync's way: callbacks without a function, then an answered prompt. */
static void
works_with_prompts(void **state)
{
	const sasl_callback_t callbacks[] = {{SASL_CB_USER, NULL, NULL},
	    {SASL_CB_AUTHNAME, NULL, NULL}, {SASL_CB_PASS, NULL, NULL},
	    {SASL_CB_LIST_END, NULL, NULL}};
	sasl_interact_t *prompts = NULL;
	struct mailer mailer = {0};

	(void)state;
	assert_int_equal(sasl_client_new("imap", MAILER_HOST, NULL, NULL,
			     callbacks, 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", &prompts,
			     &mailer.out, &mailer.len, &mailer.mechanism),
	    SASL_INTERACT);
	assert_non_null(prompts);
	assert_int_equal(prompts[0].id, SASL_CB_AUTHNAME);
	assert_int_equal(prompts[1].id, SASL_CB_LIST_END);
	prompts[0].result = MAILER_ACCOUNT;
	prompts[0].len = sizeof(MAILER_ACCOUNT) - 1;
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", &prompts,
			     &mailer.out, &mailer.len, &mailer.mechanism),
	    SASL_CONTINUE);
	assert_null(prompts);
	assert_true(tokend_was_sent(tokend, "account=" MAILER_ACCOUNT));
	assert_int_equal(mailer_step(&mailer, ""), SASL_OK);
	sasl_dispose(&mailer.conn);
	/* A NUL inside the answer. */
	assert_int_equal(sasl_client_new("imap", MAILER_HOST, NULL, NULL,
			     callbacks, 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", &prompts,
			     &mailer.out, &mailer.len, &mailer.mechanism),
	    SASL_INTERACT);
	prompts[0].result = "a@b.c\0evil";
	prompts[0].len = 10;
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", &prompts,
			     &mailer.out, &mailer.len, &mailer.mechanism),
	    SASL_FAIL);
	sasl_dispose(&mailer.conn);
	/* A program that has prompts but no user to ask. */
	assert_int_equal(sasl_client_new("imap", MAILER_HOST, NULL, NULL,
			     callbacks, 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", NULL,
			     &mailer.out, &mailer.len, &mailer.mechanism),
	    SASL_FAIL);
	assert_non_null(
	    strstr(sasl_errdetail(mailer.conn), "gave no user name"));
	sasl_dispose(&mailer.conn);
}

static void
never_asks_for_a_password(void **state)
{
	const sasl_callback_t callbacks[] = {
	    {SASL_CB_AUTHNAME,
		(mailer_callback)(void (*)(void))mailer_get_simple,
		(void *)(uintptr_t)MAILER_ACCOUNT},
	    {SASL_CB_LIST_END, NULL, NULL}};
	struct mailer mailer = {0};

	(void)state;
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
	assert_int_equal(mailer_passwords_asked, 0);
	/* Nor does it need a program that has one. */
	assert_int_equal(sasl_client_new("smtp", MAILER_HOST, NULL, NULL,
			     callbacks, 0, &mailer.conn),
	    SASL_OK);
	assert_int_equal(sasl_client_start(mailer.conn, "XOAUTH2", NULL,
			     &mailer.out, &mailer.len, &mailer.mechanism),
	    SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
}

static void
refuses_bad_user_names(void **state)
{
	static char long_name[600];
	const char *names[] = {
	    "", "a\001auth=Bearer x", "a\r\nRSET", "a\nb", "a\177b", long_name};
	struct mailer mailer;
	size_t i;
	int result;

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		result = mailer_start(&mailer, "XOAUTH2", names[i]);
		mailer_assert_failure(result, SASL_FAIL, &mailer,
		    "postoak: account=? code=account: the ");
	}
	assert_int_equal(tokend_requests(tokend), 0);
}

static void
finds_the_socket(void **state)
{
	struct mailer mailer;
	int result;

	(void)state;
	/* the environment before the option */
	mailer_option = "postoak_socket";
	mailer_option_value = "/nonexistent/option.sock";
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
	/* the option before the default */
	unsetenv("POSTOAK_SOCKET");
	result = mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT);
	mailer_assert_failure(
	    result, SASL_UNAVAIL, &mailer, "at /nonexistent/option.sock:");
	mailer_option_value = tokend->path;
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
	/* empty ones do not count */
	setenv("POSTOAK_SOCKET", "", 1);
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
}

/* The copy of this program: log in once, say how it went. */
static int
be_sendmail(void)
{
	struct mailer mailer;
	int result;

	mailer_find_plugins(0);
	mailer_init();
	mailer_option = "postoak_long_lines";
	mailer_option_value = getenv("TEST_OPTION") != NULL ? "yes" : "no";
	result = mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT);
	if (result == SASL_CONTINUE)
		printf("sent\n");
	else
		printf("%d %s\n", mailer_log_level, mailer_log_text);
	sasl_dispose(&mailer.conn);
	sasl_client_done();
	return 0;
}

/* The first line that a copy of this program under that name prints. */
static void
run_as(const char *name, const char *variable, char *out, size_t size)
{
	char command[1024];
	FILE *pipe;

	snprintf(command, sizeof(command),
	    "cp /proc/%ld/exe %s/%s && %s %s/%s --log-in; rm -f %s/%s",
	    (long)getpid(), tokend->dir, name, variable, tokend->dir, name,
	    tokend->dir, name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (fgets(out, (int)size, pipe) == NULL)
		out[0] = '\0';
	pclose(pipe);
}

static void
refuses_lines_that_sendmail_cuts(void **state)
{
	static const char refused[] =
	    "1 postoak: account=" MAILER_ACCOUNT /* at SASL_LOG_ERR */
	    " code=sendmail.line: sendmail before "
	    "8.18.2 cuts lines at 2047 bytes and this token needs 2049: ";
	char token[1600], out[1024];

	(void)state;
	memset(token, 't', sizeof(token));
	token[SENDMAIL_TOKEN_MAX] = '\0';
	tokend_set_token(tokend, NULL, token);
	run_as("sendmail", "", out, sizeof(out));
	assert_string_equal(out, "sent\n");

	token[SENDMAIL_TOKEN_MAX] = 't';
	token[SENDMAIL_TOKEN_MAX + 1] = '\0';
	tokend_set_token(tokend, NULL, token);
	run_as("sendmail", "", out, sizeof(out));
	if (strncmp(out, refused, strlen(refused)) != 0)
		fail_msg("%s", out);
	run_as("sendmail.sendmail", "", out, sizeof(out));
	assert_memory_equal(out, refused, strlen(refused));
	run_as("sendmail", "POSTOAK_LONG_LINES=0", out, sizeof(out));
	assert_memory_equal(out, refused, strlen(refused));
	/* said to be a newer one, or none at all */
	run_as("sendmail", "POSTOAK_LONG_LINES=1", out, sizeof(out));
	assert_string_equal(out, "sent\n");
	run_as("sendmail", "TEST_OPTION=1", out, sizeof(out));
	assert_string_equal(out, "sent\n");
	run_as("smtp", "", out, sizeof(out));
	assert_string_equal(out, "sent\n");
}

static int
refuse_name(sasl_conn_t *conn, void *context, const char *in, unsigned in_len,
    unsigned flags, const char *realm, char *out, unsigned out_max,
    unsigned *out_len)
{
	(void)conn;
	(void)context;
	(void)in;
	(void)in_len;
	(void)flags;
	(void)realm;
	(void)out;
	(void)out_max;
	(void)out_len;
	return SASL_BADAUTH;
}

/* The program's own rules for names have the last word, and are told of. */
static void
tells_that_the_name_is_not_taken(void **state)
{
	const sasl_callback_t *usual = mailer_callbacks(MAILER_ACCOUNT);
	const sasl_callback_t callbacks[] = {usual[0], usual[1],
	    {SASL_CB_CANON_USER, (mailer_callback)(void (*)(void))refuse_name,
		NULL},
	    {SASL_CB_LIST_END, NULL, NULL}};
	struct mailer mailer = {0};
	int result;

	(void)state;
	assert_int_equal(sasl_client_new("smtp", MAILER_HOST, NULL, NULL,
			     callbacks, 0, &mailer.conn),
	    SASL_OK);
	result = sasl_client_start(mailer.conn, "XOAUTH2", NULL, &mailer.out,
	    &mailer.len, &mailer.mechanism);
	mailer_assert_failure(
	    result, SASL_FAIL, &mailer, "does not take the user name");
	assert_int_equal(tokend_requests(tokend), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, mailer_setup, mailer_teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(works_with_prompts),
	    TEST(never_asks_for_a_password),
	    TEST(refuses_bad_user_names),
	    TEST(tells_that_the_name_is_not_taken),
	    TEST(finds_the_socket),
	    TEST(refuses_lines_that_sendmail_cuts),
	};

	mailer_build_dir = BUILD_DIR;
	if (argc == 2 && strcmp(argv[1], "--log-in") == 0)
		return be_sendmail();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
