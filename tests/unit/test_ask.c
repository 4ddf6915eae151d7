/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of ask against a small control server in a thread.
 *
 * link: cli/ask
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <poll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/ask.h"
#include "sock.h"

/* What the server does with one connection. */
struct server {
	int fd;
	const char *answer; /* NULL: close without one */
	int hold;	    /* do not close before the client does */
	char request[512];
	pthread_t thread;
};

static char dir[64], path[96];
static struct server server;
static struct err err;

static void *
serve(void *arg)
{
	struct server *s = arg;
	struct pollfd ready = {.fd = s->fd, .events = POLLIN};
	ssize_t n;
	char byte;
	int client;

	if (poll(&ready, 1, 10000) != 1)
		return NULL;
	client = accept(s->fd, NULL, NULL);
	n = recv(client, s->request, sizeof(s->request) - 1, 0);
	s->request[n > 0 ? n : 0] = '\0';
	/* In two pieces: an answer may come so. */
	if (s->answer != NULL && strlen(s->answer) > 0) {
		send(client, s->answer, 1, MSG_NOSIGNAL);
		send(
		    client, s->answer + 1, strlen(s->answer) - 1, MSG_NOSIGNAL);
	}
	while (s->hold && recv(client, &byte, 1, 0) > 0)
		;
	close(client);
	return NULL;
}

static void
start(const char *answer, int hold)
{
	memset(&server, 0, sizeof(server));
	server.answer = answer;
	server.hold = hold;
	server.fd = sock_listen(path, 0600, &err);
	assert_true(server.fd != -1);
	assert_int_equal(
	    pthread_create(&server.thread, NULL, serve, &server), 0);
}

static void
stop(void)
{
	pthread_join(server.thread, NULL);
	sock_unlink(path, server.fd);
	close(server.fd);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_ask.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	err_clear(&err);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(dir);
	return 0;
}

static void
test_answer(void **state)
{
	struct json *answer;

	(void)state;
	start("{\"version\":1,\"status\":\"ok\",\"expires_in\":3599}\n", 1);
	answer = ask(ASK_TOKEND, path, "refresh", "a\"b@c", 5000, &err);
	stop();
	assert_non_null(answer);
	assert_string_equal(server.request,
	    "{\"version\":1,\"verb\":\"refresh\",\"account\":\"a\\\"b@c\"}\n");
	json_free(answer);
}

static void
test_no_account(void **state)
{
	(void)state;
	start("{\"version\":1,\"status\":\"ok\"}\n", 1);
	json_free(ask(ASK_TOKEND, path, "status", NULL, 5000, &err));
	stop();
	assert_string_equal(
	    server.request, "{\"version\":1,\"verb\":\"status\"}\n");
}

static void
test_error_answer(void **state)
{
	(void)state;
	start("{\"version\":1,\"status\":\"error\",\"kind\":\"login\",\"code\":"
	      "\"aadsts.50076\",\"text\":\"sign in\",\"retry_ms\":5000}\n",
	    1);
	assert_null(ask(ASK_TOKEND, path, "token", "a@b", 5000, &err));
	stop();
	assert_int_equal(err.kind, ERR_LOGIN);
	assert_string_equal(err.code, "aadsts.50076");
	assert_string_equal(err.text, "sign in");
	assert_int_equal(err.retry_ms, 5000);
	assert_int_equal(ask_exit_code(&err), err_exit_code(ERR_LOGIN));
}

/* Some want the answer only. */
static void
test_error_that_nobody_wants(void **state)
{
	(void)state;
	start("{\"status\":\"error\",\"kind\":\"temporary\",\"code\":\"later\","
	      "\"text\":\"later\",\"retry_ms\":1500}\n",
	    0);
	assert_null(ask(ASK_TOKEND, path, "token", "a@b", 5000, NULL));
	stop();
}

static void
test_nobody_there(void **state)
{
	(void)state;
	assert_null(ask(ASK_TOKEND, path, "status", NULL, 5000, &err));
	assert_string_equal(err.code, "unreachable");
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "systemctl start postoak-tokend"));
	assert_int_equal(ask_exit_code(&err), EX_UNAVAILABLE);
}

static void
test_no_proper_answer(void **state)
{
	static const char *const answers[] = {"hello\n", "{}\n", "[]\n", "\n",
	    "{\"status\":\"fine\"}\n", "{\"status\":1}\n",
	    "{\"status\":\"ok\"} x\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		start(answers[i], 1);
		if (ask(ASK_MILTER, path, "limits", NULL, 5000, &err) != NULL)
			fail_msg("%s was taken", answers[i]);
		stop();
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_string_equal(err.code, "answer");
	}
}

static void
test_closed_without_an_answer(void **state)
{
	(void)state;
	start(NULL, 0);
	assert_null(ask(ASK_MILTER, path, "limits", NULL, 5000, &err));
	stop();
	assert_int_equal(err.kind, ERR_PROTOCOL);
	start("{\"status\":\"ok\"", 0); /* cut off: no line */
	assert_null(ask(ASK_MILTER, path, "limits", NULL, 5000, &err));
	stop();
	assert_int_equal(err.kind, ERR_PROTOCOL);
}

static void
test_silence(void **state)
{
	(void)state;
	start(NULL, 1);
	assert_null(ask(ASK_TOKEND, path, "status", NULL, 50, &err));
	stop();
	assert_string_equal(err.code, "silent");
	assert_int_equal(ask_exit_code(&err), EX_UNAVAILABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answer),
	    TEST(test_no_account),
	    TEST(test_error_answer),
	    TEST(test_error_that_nobody_wants),
	    TEST(test_nobody_there),
	    TEST(test_no_proper_answer),
	    TEST(test_closed_without_an_answer),
	    TEST(test_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
