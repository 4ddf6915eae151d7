/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_client - the plugin's dialogue with tokend: kept, lost, late, hostile.
 *
 * link: sasl-plugin/client sasl-plugin/process
 * link: tests/unit/sasl_query tests/unit/sasl_tokend
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "sasl-plugin/client.h"
#include "sasl_query.h"
#include "sasl_tokend.h"

static void
asks_as_the_protocol_says(void **state)
{
	struct client_query query = {.path = tokend->path,
	    .account = "relay@contoso.com",
	    .service = "smtp",
	    .host = "smtp.office365.com",
	    .wait_ms = 5000,
	    .timeout_ms = 6000};
	struct client_token token;
	struct err err;

	(void)state;
	assert_int_equal(client_get_token(&query, &token, &err), 0);
	assert_string_equal(token.user, "relay@contoso.com");
	assert_string_equal(token.token, "eyJ0eXAi.abc-_~+/1==");
	assert_string_equal(token.token_id, "0123456789abcdef");
	client_clear_token(&token);
	assert_null(token.token);
	assert_true(tokend_was_sent(tokend, "request=token"));
	assert_true(tokend_was_sent(tokend, "protocol=1"));
	assert_true(tokend_was_sent(tokend, "account=relay@contoso.com"));
	assert_true(tokend_was_sent(tokend, "service=smtp"));
	assert_true(tokend_was_sent(tokend, "host=smtp.office365.com"));
	assert_true(tokend_was_sent(tokend, "wait_ms=5000"));
}

static void
reports_a_refused_token(void **state)
{
	struct client_query query = {
	    .path = tokend->path, .account = "a@b.c", .timeout_ms = 5000};
	struct err err;

	(void)state;
	assert_int_equal(
	    client_report_rejected(&query, "00ff", "e30=", &err), 0);
	assert_int_equal(tokend_rejected(tokend), 1);
	assert_true(tokend_was_sent(tokend, "request=rejected"));
	assert_true(tokend_was_sent(tokend, "protocol=1"));
	assert_true(tokend_was_sent(tokend, "account=a@b.c"));
	assert_true(tokend_was_sent(tokend, "token_id=00ff"));
	assert_true(tokend_was_sent(tokend, "challenge=e30="));
}

static void
keeps_one_connection(void **state)
{
	struct timeval longest = {0, 0};
	socklen_t len = sizeof(longest);
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		query_assert_served("a@b.c");
	assert_int_equal(tokend_connections(tokend), 1);
	assert_true(fcntl(query_kept_fd(), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(query_kept_fd(), SOL_SOCKET, SO_RCVTIMEO,
			     &longest, &len),
	    0);
	assert_true(longest.tv_sec == 0 && longest.tv_usec > 0);
	client_close();
	assert_int_equal(query_kept_fd(), -1);
}

static void
does_not_notice_a_restart(void **state)
{
	(void)state;
	query_assert_served("a@b.c");
	tokend_stop(tokend);
	tokend_start(tokend);
	query_assert_served("a@b.c");
	assert_int_equal(tokend_connections(tokend), 1);
}

/* The peer's reading side is shut: only the send finds out (EPIPE). Were
 * SIGPIPE raised, the test would die. */
static void
survives_a_broken_pipe(void **state)
{
	(void)state;
	tokend_behave(tokend, TOKEND_DEAF, 1);
	query_assert_served("a@b.c");
	query_assert_served("a@b.c");
	assert_int_equal(tokend_connections(tokend), 2);
}

static void
asks_once_more_when_the_daemon_goes_before_answering(void **state)
{
	struct err err;

	(void)state;
	tokend_behave(tokend, TOKEND_HANG_UP, 1);
	query_assert_served("a@b.c");
	assert_int_equal(tokend_requests(tokend), 2);
	/* Twice, never three times. */
	tokend_behave(tokend, TOKEND_HANG_UP, -1);
	assert_int_equal(query_ask("a@b.c", 5000, &err), -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_int_equal(tokend_requests(tokend), 4);
	tokend_behave(tokend, TOKEND_ANSWER, -1);
	query_assert_served("a@b.c");
}

static void
does_not_ask_again_after_half_an_answer(void **state)
{
	struct err err;

	(void)state;
	tokend_behave(tokend, TOKEND_HALF, 1);
	assert_int_equal(query_ask("a@b.c", 5000, &err), -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(err.text, "closed the connection"));
	assert_int_equal(tokend_requests(tokend), 1);
	query_assert_served("a@b.c");
}

/* The first read waits for a while by itself; that is not the end of it. */
static void
waits_to_the_deadline(void **state)
{
	long long start = tokend_now_ms();
	struct err err;

	(void)state;
	query_assert_served("a@b.c");
	tokend_behave(tokend, TOKEND_SILENT, -1);
	assert_int_equal(query_ask("a@b.c", 1300, &err), -1);
	assert_string_equal(err.code, "timeout");
	assert_in_range(tokend_now_ms() - start, 1300, 3000);
}

static void
never_takes_a_late_answer_for_another_request(void **state)
{
	struct err err;
	long long start = tokend_now_ms();
	int i;

	(void)state;
	query_assert_served("first@b.c");
	tokend_behave(tokend, TOKEND_SILENT, -1);
	assert_int_equal(query_ask("late@b.c", 200, &err), -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_string_equal(err.code, "timeout");
	assert_in_range(tokend_now_ms() - start, 200, 3000);
	/* Now the answer for late@b.c is sent. */
	tokend_behave(tokend, TOKEND_ANSWER, -1);
	for (i = 0; i < 5; i++)
		query_assert_served("next@b.c");
}

static void
never_takes_what_was_not_asked_for(void **state)
{
	(void)state;
	query_assert_served("a@b.c");
	tokend_say(tokend, "status=ok\nuser=evil@b.c\ntoken=t\n\n");
	query_assert_served("a@b.c");
	assert_int_equal(tokend_connections(tokend), 2);
}

static void
has_one_deadline_for_all_bytes(void **state)
{
	long long start = tokend_now_ms();
	struct err err;

	(void)state;
	/* About 100 bytes, 20 ms each: never silent for long. */
	tokend_behave(tokend, TOKEND_DRIP, -1);
	assert_int_equal(query_ask("a@b.c", 300, &err), -1);
	assert_string_equal(err.code, "timeout");
	assert_in_range(tokend_now_ms() - start, 300, 3000);
	tokend_behave(tokend, TOKEND_ANSWER, -1);
	query_assert_served("a@b.c");
}

static void
hands_up_what_tokend_says(void **state)
{
	static const char answer[] =
	    "status=error\nkind=login\ncode=aadsts.\x1b[50076\nretry_ms=30000\n"
	    "text=sign in again: %s%n\n\n";
	struct err err;

	(void)state;
	tokend_raw(tokend, answer, sizeof(answer) - 1);
	assert_int_equal(query_ask("a@b.c", 5000, &err), -1);
	assert_int_equal(err.kind, ERR_LOGIN);
	assert_int_equal(err.retry_ms, 30000);
	assert_string_equal(err.code, "aadsts. [50076");
	assert_string_equal(err.text, "sign in again: %s%n");
	/* That was a good answer: the connection stays. */
	query_assert_served("a@b.c");
	assert_int_equal(tokend_connections(tokend), 1);
}

static void
refuses_hostile_answers(void **state)
{
	static char huge[70000];
	static const char many[] = "status=ok\na=1\nb=1\nc=1\nd=1\ne=1\nf=1\n"
				   "g=1\nh=1\ni=1\nj=1\nk=1\nl=1\nm=1\nn=1\n"
				   "user=u\ntoken=t\n\n";
	struct {
		const char *data;
		size_t len;
	} answers[] = {
#define ANSWER(string) {string, sizeof(string) - 1}
	    ANSWER("\n"),
	    ANSWER("no lines\n\n"),
	    ANSWER("\xff\xfe\x00\x01garbage\n\n"),
	    ANSWER("user=a@b.c\ntoken=t\n\n"),
	    ANSWER("status=fine\nuser=a@b.c\ntoken=t\n\n"),
	    ANSWER("status=ok\nuser=a@b.c\n\n"),
	    ANSWER("status=ok\ntoken=t\n\n"),
	    ANSWER("status=ok\nuser=a@b.c\ntoken=t\ntoken=u\n\n"),
	    ANSWER("status=ok\nuser=a@b.c\ntoken=t\0u\n\n"),
	    ANSWER("status=ok\r\nuser=a@b.c\r\ntoken=t\r\n\n"),
	    ANSWER("status=ok\nuser=a@b.c\ntoken=t\n\nstatus=ok\n"),
	    ANSWER("status=error\nkind=new\ntext=x\n\n"),
	    ANSWER(many),
	    {huge, sizeof(huge)},
	};
	struct err err;
	size_t i;

	(void)state;
	memset(huge, 'x', sizeof(huge));
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		tokend_raw(tokend, answers[i].data, answers[i].len);
		memset(&err, 0, sizeof(err));
		if (query_ask("a@b.c", 5000, &err) != -1 ||
		    err.kind != ERR_PROTOCOL)
			fail_msg("answer %zu: kind %d, %s", i, (int)err.kind,
			    err.text);
		query_assert_served("a@b.c");
	}
}

static void
sends_nothing_that_breaks_the_protocol(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(query_ask("a@b.c\nhost=evil", 5000, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(tokend_requests(tokend), 0);
}

static void *
ask_often(void *arg)
{
	char account[32];
	struct err err;
	long failures = 0;
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(account, sizeof(account), "t%d-%d@b.c",
		    (int)(intptr_t)arg, i);
		failures += query_ask(account, 5000, &err) != 0;
	}
	return (void *)failures;
}

static void
serves_threads_their_own_answers(void **state)
{
	pthread_t threads[8];
	void *failures;
	intptr_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, ask_often, (void *)i), 0);
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
	assert_int_equal(tokend_requests(tokend), 8 * 200);
}

static void
ignore(int number)
{
	(void)number;
}

/* Interrupts the thread that waits, then lets tokend answer. */
static void *
interrupt(void *waiting)
{
	int i;

	for (i = 0; i < 50; i++) {
		pthread_kill(*(pthread_t *)waiting, SIGUSR1);
		poll(NULL, 0, 1);
	}
	tokend_behave(tokend, TOKEND_ANSWER, -1);
	return NULL;
}

/* A program's own signals, without SA_RESTART, neither end the wait nor
 * lengthen it. */
static void
waits_on_when_interrupted(void **state)
{
	struct sigaction action = {.sa_handler = ignore}, before;
	pthread_t self = pthread_self(), thread;

	(void)state;
	sigaction(SIGUSR1, &action, &before);
	tokend_behave(tokend, TOKEND_SILENT, -1);
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &self), 0);
	query_assert_served("a@b.c");
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
	assert_int_equal(tokend_requests(tokend), 1);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, query_setup, query_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(asks_as_the_protocol_says),
	    TEST(reports_a_refused_token),
	    TEST(keeps_one_connection),
	    TEST(does_not_notice_a_restart),
	    TEST(survives_a_broken_pipe),
	    TEST(asks_once_more_when_the_daemon_goes_before_answering),
	    TEST(does_not_ask_again_after_half_an_answer),
	    TEST(waits_to_the_deadline),
	    TEST(never_takes_a_late_answer_for_another_request),
	    TEST(never_takes_what_was_not_asked_for),
	    TEST(has_one_deadline_for_all_bytes),
	    TEST(waits_on_when_interrupted),
	    TEST(hands_up_what_tokend_says),
	    TEST(refuses_hostile_answers),
	    TEST(sends_nothing_that_breaks_the_protocol),
	    TEST(serves_threads_their_own_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
