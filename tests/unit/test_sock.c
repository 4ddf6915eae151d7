/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock: listening, taking over, connecting, socket activation, readiness.
 */
#define _GNU_SOURCE
#include "sock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char path[80];

static int
setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_sock.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
test_listens_with_the_mode_asked_for(void **state)
{
	struct stat st;
	struct err err = {0};
	mode_t old = umask(077);
	int fd = sock_listen(path, 0666, &err);

	(void)state;
	umask(old);
	assert_int_not_equal(fd, -1);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	sock_unlink(path, fd);
	close(fd);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_peer_is_this_process(void **state)
{
	struct sock_peer peer;
	struct err err = {0};
	int listener = sock_listen(path, 0600, &err);
	int client = sock_connect(path, 1000, &err);
	int server = accept(listener, NULL, NULL);

	(void)state;
	assert_int_not_equal(client, -1);
	assert_int_equal(sock_peer(server, &peer, &err), 0);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(sock_peer_in_group(server, getgid()), 1);
	assert_int_equal(sock_peer_in_group(server, 4242424), 0);
	close(server);
	close(client);
	sock_unlink(path, listener);
	close(listener);
}

static void
test_dead_socket_is_replaced_and_living_one_not(void **state)
{
	struct err err = {0};
	int first = sock_listen(path, 0600, &err);
	int second;

	(void)state;
	second = sock_listen(path, 0600, &err);
	assert_int_equal(second, -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, path));
	close(first); /* its file stays behind, as after kill -9 */
	second = sock_listen(path, 0600, &err);
	assert_int_not_equal(second, -1);
	/* The file of somebody else under the same name is left alone. */
	assert_int_equal(unlink(path), 0);
	first = open(path, O_CREAT | O_WRONLY, 0600);
	sock_unlink(path, second);
	assert_int_equal(access(path, F_OK), 0);
	close(first);
	close(second);
}

static void
test_what_is_no_socket_stays(void **state)
{
	struct err err = {0};
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	(void)state;
	close(fd);
	assert_int_equal(sock_listen(path, 0600, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "no socket"));
	assert_int_equal(access(path, F_OK), 0);
}

static void
test_missing_directory_is_named(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(sock_listen("/tmp/no/such/dir/s", 0600, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "/tmp/no/such/dir/s"));
}

static void
test_long_paths_work(void **state)
{
	char deep[512], name[600];
	struct err err = {0};
	int listener, client;

	(void)state;
	snprintf(deep, sizeof(deep), "%s/%0120d", dir, 1);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(name, sizeof(name), "%s/s", deep);
	listener = sock_listen(name, 0600, &err);
	assert_int_not_equal(listener, -1);
	client = sock_connect(name, 1000, &err);
	assert_int_not_equal(client, -1);
	close(client);
	sock_unlink(name, listener);
	close(listener);
	assert_int_equal(rmdir(deep), 0);
}

static void
test_nobody_there_is_temporary(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(sock_connect(path, 100, &err), -1);
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_string_equal(err.code, "down");
}

static void
test_activation_hands_out_each_socket_once(void **state)
{
	struct err err = {0};
	char pid[24];
	int made = sock_listen(path, 0600, &err);
	int saved = fcntl(3, F_DUPFD_CLOEXEC, 10);
	int fd;

	(void)state;
	assert_int_not_equal(made, -1);
	if (made != 3)
		assert_int_equal(dup2(made, 3), 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(sock_inherited("/tmp/other"), -1);
	assert_null(getenv("LISTEN_FDS"));
	fd = sock_inherited(path);
	assert_int_equal(fd, 3);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(sock_inherited(path), -1);
	if (made != 3) {
		close(3);
		if (saved != -1)
			dup2(saved, 3);
	}
	if (saved != -1)
		close(saved);
	sock_unlink(path, made);
	close(made);
}

static void
test_manager_is_told(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char text[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)state;
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(sock_notify_wanted(), 1);
	assert_null(getenv("NOTIFY_SOCKET"));
	sock_notify("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(text, "READY=1");
	close(fd);
}

static void
test_watchdog_is_for_this_process_only(void **state)
{
	(void)state;
	assert_int_equal(sock_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(sock_watchdog_us(), 3000000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(sock_watchdog_us(), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_listens_with_the_mode_asked_for),
	    TEST(test_peer_is_this_process),
	    TEST(test_dead_socket_is_replaced_and_living_one_not),
	    TEST(test_what_is_no_socket_stays),
	    TEST(test_missing_directory_is_named),
	    TEST(test_long_paths_work),
	    TEST(test_nobody_there_is_temporary),
	    TEST(test_activation_hands_out_each_socket_once),
	    TEST(test_manager_is_told),
	    TEST(test_watchdog_is_for_this_process_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
