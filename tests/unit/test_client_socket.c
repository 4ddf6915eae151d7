/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_client_socket - the plugin's socket in a program that does as it likes:
 * unreachable, full, forked, closed, reused.
 *
 * link: sasl-plugin/client sasl-plugin/process
 * link: tests/unit/sasl_query tests/unit/sasl_tokend
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sasl-plugin/client.h"
#include "sasl_query.h"
#include "sasl_tokend.h"

static void
says_why_tokend_is_not_reachable(void **state)
{
	struct client_query query = {
	    .account = "a", .service = "smtp", .host = "h", .timeout_ms = 5000};
	struct client_token token;
	char path[200];
	struct err err;
	int fd;

	(void)state;
	/* no such file */
	snprintf(path, sizeof(path), "%s/none", tokend->dir);
	query.path = path;
	assert_int_equal(client_get_token(&query, &token, &err), -1);
	client_clear_token(&token);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_string_equal(err.code, "unreachable");
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "No such file or directory"));
	assert_non_null(strstr(err.text, "run \"postoak status\""));
	/* nobody listens */
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	close(fd);
	assert_int_equal(client_get_token(&query, &token, &err), -1);
	client_clear_token(&token);
	assert_non_null(strstr(err.text, "Connection refused"));
	unlink(path);
	/* does not fit into sun_path */
	memset(path, 'p', 150);
	path[150] = '\0';
	assert_int_equal(client_get_token(&query, &token, &err), -1);
	client_clear_token(&token);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "longer than 107 bytes"));
}

/* A listener whose queue is full, as of a daemon that hangs. */
static int
full_listener(const char *path, int *waiting, int max)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n;

	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	for (n = 0; n < max; n++) {
		waiting[n] = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(waiting[n], (struct sockaddr *)&address,
			sizeof(address)) == -1) {
			assert_int_equal(errno, EAGAIN);
			close(waiting[n]);
			waiting[n] = -1;
			return listener;
		}
	}
	fail_msg("the queue does not fill");
	return -1;
}

static void
gives_up_on_a_full_queue_at_the_deadline(void **state)
{
	int waiting[16];
	char path[128];
	struct client_query query = {.path = path,
	    .account = "a",
	    .service = "smtp",
	    .host = "h",
	    .timeout_ms = 200};
	struct client_token token;
	long long start;
	struct err err;
	int i, listener;

	(void)state;
	snprintf(path, sizeof(path), "%s/full", tokend->dir);
	listener = full_listener(path, waiting, 16);
	start = tokend_now_ms();
	assert_int_equal(client_get_token(&query, &token, &err), -1);
	client_clear_token(&token);
	assert_in_range(tokend_now_ms() - start, 200, 3000);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(err.text, "timed out"));
	assert_non_null(strstr(err.text, "does not take the connection"));
	for (i = 0; waiting[i] != -1; i++)
		close(waiting[i]);
	close(listener);
	unlink(path);
}

static void *
drain(void *arg)
{
	static const char answer[] =
	    "status=ok\nuser=a\ntoken=t\ntoken_id=0\n\n";
	int listener = ((int *)arg)[0];
	int before = ((int *)arg)[1];
	long long deadline = tokend_now_ms() + 5000;
	struct timeval limit = {5, 0};
	char in[4096];
	int fd;

	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	/* Until the client has its socket and has met the full queue. */
	while (tokend_count_fds() <= before && tokend_now_ms() < deadline)
		poll(NULL, 0, 1);
	while ((fd = accept(listener, NULL, NULL)) != -1) {
		/* Those in the queue before have hung up. */
		if (recv(fd, in, sizeof(in), 0) > 0) {
			send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
			close(fd);
			return NULL;
		}
		close(fd);
	}
	return NULL;
}

static void
gets_through_when_the_queue_empties(void **state)
{
	int waiting[16];
	char path[128];
	struct client_query query = {.path = path,
	    .account = "a",
	    .service = "smtp",
	    .host = "h",
	    .timeout_ms = 6000};
	struct client_token token;
	pthread_t thread;
	struct err err = {0};
	int i, listener, result, arg[2];

	(void)state;
	snprintf(path, sizeof(path), "%s/full", tokend->dir);
	listener = full_listener(path, waiting, 16);
	arg[0] = listener;
	arg[1] = tokend_count_fds();
	for (i = 0; waiting[i] != -1; i++)
		shutdown(waiting[i], SHUT_WR);
	assert_int_equal(pthread_create(&thread, NULL, drain, arg), 0);
	result = client_get_token(&query, &token, &err);
	client_clear_token(&token);
	pthread_join(thread, NULL);
	for (i = 0; waiting[i] != -1; i++)
		close(waiting[i]);
	close(listener);
	unlink(path);
	if (result != 0)
		fail_msg("%s", err.text);
}

static void
assert_child_passes(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a process of its own, as it gives root's rights up. */
static void
says_when_the_socket_is_forbidden(void **state)
{
	struct err err;
	pid_t pid;

	(void)state;
	assert_int_equal(chmod(tokend->path, 0), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) == -1)
			_exit(2);
		_exit(query_ask("a@b.c", 5000, &err) == -1 &&
			      err.kind == ERR_TEMPORARY &&
			      strstr(err.text, "Permission denied; the mail "
					       "program's user") != NULL
			  ? 0
			  : 1);
	}
	assert_child_passes(pid);
	assert_int_equal(chmod(tokend->path, 0600), 0);
}

static void
leaves_the_parents_connection_alone(void **state)
{
	struct err err;
	pid_t pid;

	(void)state;
	query_assert_served("parent@b.c");
	pid = fork();
	if (pid == 0)
		_exit(query_ask("child@b.c", 5000, &err) == 0 &&
			      query_ask("child@b.c", 5000, &err) == 0
			  ? 0
			  : 1);
	assert_child_passes(pid);
	assert_int_equal(tokend_connections(tokend), 2);
	query_assert_served("parent@b.c");
	assert_int_equal(tokend_connections(tokend), 2);
	/* A child that only closes does not end it either. */
	pid = fork();
	if (pid == 0) {
		client_close();
		_exit(query_kept_fd() == -1 ? 0 : 1);
	}
	assert_child_passes(pid);
	query_assert_served("parent@b.c");
	assert_int_equal(tokend_connections(tokend), 2);
}

static void
does_not_touch_a_reused_number(void **state)
{
	int pair[2], file, number;
	struct stat before, after;
	char byte;

	(void)state;
	/* closed */
	query_assert_served("a@b.c");
	close(query_kept_fd());
	query_assert_served("a@b.c");
	/* a file in its place */
	number = query_kept_fd();
	file = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(dup3(file, number, O_CLOEXEC), number);
	query_assert_served("a@b.c");
	assert_int_equal(fcntl(number, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(number);
	close(file);
	/* another socket in its place: nothing sent to it, not closed */
	number = query_kept_fd();
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup3(pair[0], number, O_CLOEXEC), number);
	assert_int_equal(fstat(pair[0], &before), 0);
	query_assert_served("a@b.c");
	assert_int_equal(fstat(number, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	close(number);
	/* nor closed at the end */
	number = query_kept_fd();
	assert_int_equal(dup3(pair[0], number, O_CLOEXEC), number);
	client_close();
	assert_int_equal(fstat(number, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	close(number);
	close(pair[0]);
	close(pair[1]);
}

static void
keeps_off_the_standard_descriptors(void **state)
{
	struct err err;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		if (query_ask("a@b.c", 5000, &err) != 0)
			_exit(1);
		if (query_kept_fd() < 3 || fcntl(0, F_GETFD) != -1 ||
		    fcntl(1, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1)
			_exit(2);
		_exit(0);
	}
	assert_child_passes(pid);
}

static void
says_so_when_there_is_no_descriptor(void **state)
{
	pid_t pid = fork();
	struct err err;

	(void)state;
	if (pid == 0) {
		while (open("/dev/null", O_RDONLY | O_CLOEXEC) != -1)
			;
		_exit(query_ask("a@b.c", 1000, &err) == -1 &&
			      err.kind == ERR_TEMPORARY &&
			      strstr(err.text, "Too many open files") != NULL
			  ? 0
			  : 1);
	}
	assert_child_passes(pid);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, query_setup, query_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(says_why_tokend_is_not_reachable),
	    TEST(says_when_the_socket_is_forbidden),
	    TEST(gives_up_on_a_full_queue_at_the_deadline),
	    TEST(gets_through_when_the_queue_empties),
	    TEST(leaves_the_parents_connection_alone),
	    TEST(does_not_touch_a_reused_number),
	    TEST(keeps_off_the_standard_descriptors),
	    TEST(says_so_when_there_is_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
