/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/readahead
 *
 * readahead: a socket of libmilter's is read in one go, as nobody notices; all
 * others are left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int mta, ours; /* the two ends */

static int
setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	struct sockaddr *any = (struct sockaddr *)(void *)&address;
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	/* A name of the kernel's choice, in no directory. */
	if (bind(listening, any, sizeof(sa_family_t)) < 0 ||
	    listen(listening, 1) < 0 || getsockname(listening, any, &len) < 0)
		return -1;
	mta = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(mta, any, len) < 0)
		return -1;
	ours = accept(listening, NULL, NULL);
	(void)close(listening);
	return ours < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)close(ours);
	(void)close(mta);
	return 0;
}

static void
mta_sends(const char *text)
{
	assert_int_equal(write(mta, text, strlen(text)), (ssize_t)strlen(text));
}

static int
is_ready(int timeout_ms)
{
	struct pollfd one = {.fd = ours, .events = POLLIN | POLLPRI};
	int rc = poll(&one, 1, timeout_ms);

	assert_int_equal(one.revents, rc == 1 ? POLLIN : 0);
	return rc;
}

/* How much the socket itself still has. */
static int
left(int fd)
{
	int bytes;

	assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
	return bytes;
}

static void
expect(int fd, size_t most, const char *text)
{
	char data[10000];

	assert_int_equal(read(fd, data, most), (ssize_t)strlen(text));
	assert_memory_equal(data, text, strlen(text));
}

static void
what_arrived_is_taken_at_once(void **state)
{
	(void)state;
	assert_int_equal(is_ready(0), 0);
	mta_sends("one two ");
	assert_int_equal(is_ready(20000), 1);
	expect(ours, 4, "one ");
	assert_int_equal(left(ours), 0);
	/* What came since does not overtake. */
	mta_sends("three");
	assert_int_equal(is_ready(0), 1);
	expect(ours, 10, "two ");
	assert_int_equal(is_ready(20000), 1);
	expect(ours, 10, "three");
	assert_int_equal(is_ready(0), 0);
}

static void
who_does_not_wait_with_poll_reads_what_he_asks_for(void **state)
{
	(void)state;
	mta_sends("one two ");
	expect(ours, 4, "one ");
	assert_int_equal(left(ours), 4);
	expect(ours, 4, "two ");
}

static void
nothing_asked_for_is_nothing_taken(void **state)
{
	char none;

	(void)state;
	mta_sends("one");
	assert_int_equal(is_ready(20000), 1);
	assert_int_equal(read(ours, &none, 0), 0);
	assert_int_equal(left(ours), 3);
	expect(ours, 3, "one");
}

/* Whole bodies are not copied twice. */
static void
a_large_read_is_direct(void **state)
{
	char large[9000];

	(void)state;
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	mta_sends("head");
	assert_int_equal(is_ready(20000), 1);
	expect(ours, 1, "h");
	mta_sends(large);
	expect(ours, sizeof(large), "ead");
	assert_int_equal(left(ours), (int)strlen(large));
	expect(ours, sizeof(large), large);
}

static void
the_end_comes_behind_the_rest(void **state)
{
	char data[10];

	(void)state;
	mta_sends("bye");
	assert_int_equal(shutdown(mta, SHUT_WR), 0);
	assert_int_equal(is_ready(20000), 1);
	expect(ours, 1, "b");
	assert_int_equal(is_ready(0), 1);
	expect(ours, 10, "ye");
	assert_int_equal(is_ready(20000), 1);
	assert_int_equal(read(ours, data, sizeof(data)), 0);
}

static void
one_of_several_is_found(void **state)
{
	struct pollfd two[2] = {{.fd = -1}, {.events = POLLIN}};
	char data[10];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	mta_sends("one two ");
	assert_int_equal(is_ready(20000), 1);
	expect(ours, 4, "one ");
	two[0].fd = ends[0];
	two[0].events = POLLIN;
	two[1].fd = ours;
	assert_int_equal(poll(two, 2, -1), 1);
	assert_int_equal(two[0].revents, 0);
	assert_int_equal(two[1].revents, POLLIN);
	expect(ours, 10, "two ");
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(poll(two, 2, -1), 1);
	assert_int_equal(two[0].revents, POLLIN);
	assert_int_equal(read(ends[0], data, sizeof(data)), 1);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* Its number is another's then. */
static void
a_closed_one_leaves_nothing(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	mta_sends("one two ");
	assert_int_equal(is_ready(20000), 1);
	expect(ours, 4, "one ");
	assert_int_equal(close(ours), 0);
	assert_int_equal(dup2(ends[0], ours), ours);
	assert_int_equal(write(ends[1], "pipe of ours", 12), 12);
	assert_int_equal(is_ready(0), 1);
	expect(ours, 4, "pipe");
	assert_int_equal(left(ours), 8);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
errors_are_the_kernels(void **state)
{
	char data[10];

	(void)state;
	assert_int_equal(read(-1, data, sizeof(data)), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(close(-1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(accept(-1, NULL, NULL), -1);
	assert_int_equal(errno, EBADF);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(what_arrived_is_taken_at_once),
	    T(who_does_not_wait_with_poll_reads_what_he_asks_for),
	    T(nothing_asked_for_is_nothing_taken),
	    T(a_large_read_is_direct),
	    T(the_end_comes_behind_the_rest),
	    T(one_of_several_is_found),
	    T(a_closed_one_leaves_nothing),
	    T(errors_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
