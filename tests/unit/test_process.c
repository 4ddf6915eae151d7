/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - a child is told from its parent, however it was made.
 * link: sasl-plugin/process
 */
#define _GNU_SOURCE
#include "sasl-plugin/process.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* How the kernel takes advice. */
static enum { HEEDS, REFUSES, IGNORES } kernel;

/* In place of the C library's. */
int
madvise(void *address, size_t len, int advice)
{
	if (kernel == IGNORES)
		return 0;
	if (kernel == REFUSES)
		return -1;
	return (int)syscall(SYS_madvise, address, len, advice);
}

/* What a child says of the numbers before it: 0 if its own is a new one. */
static int
look(unsigned long mine, unsigned long parents)
{
	unsigned long number = process_number();

	return number == mine || number == parents ||
	       number != process_number();
}

static int
end_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
is_the_same_all_the_time(void **state)
{
	unsigned long number = process_number();

	(void)state;
	assert_int_equal(process_number(), number);
	assert_int_equal(process_number(), number);
}

static void
is_another_in_a_child_and_in_its_child(void **state)
{
	unsigned long mine = process_number(), childs;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (look(mine, mine) != 0)
			_exit(1);
		childs = process_number();
		pid = fork();
		if (pid == 0)
			_exit(look(childs, mine) != 0 ? 1 : 0);
		_exit(end_of(pid));
	}
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(process_number(), mine);
}

/* Nothing that the C library calls for a fork runs then. */
static void
is_another_in_a_child_the_c_library_has_not_seen(void **state)
{
	unsigned long mine = process_number();
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	(void)state;
	if (pid == 0)
		_exit(look(mine, mine) != 0 ? 1 : 0);
	assert_int_equal(end_of(pid), 0);
}

static void
is_a_new_one_after_forgetting(void **state)
{
	unsigned long before = process_number();

	(void)state;
	process_forget();
	process_forget();
	assert_int_not_equal(process_number(), before);
}

/* As kernels before 4.14, and the emulators that only say they do. */
static void
is_the_process_id_where_nothing_is_emptied(void **state)
{
	pid_t pid;

	(void)state;
	for (kernel = REFUSES; kernel <= IGNORES; kernel++) {
		process_forget();
		assert_int_equal(process_number(), getpid());
		pid = fork();
		if (pid == 0)
			_exit(process_number() != (unsigned long)getpid());
		assert_int_equal(end_of(pid), 0);
	}
	kernel = HEEDS;
	/* From then on it is none that any process ever had so. */
	assert_true(process_number() > INT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_the_same_all_the_time),
	    cmocka_unit_test(is_another_in_a_child_and_in_its_child),
	    cmocka_unit_test(is_another_in_a_child_the_c_library_has_not_seen),
	    cmocka_unit_test(is_a_new_one_after_forgetting),
	    cmocka_unit_test(is_the_process_id_where_nothing_is_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
