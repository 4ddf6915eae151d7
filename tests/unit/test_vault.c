/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault: locked, out of cores, wiped, packed, and said once when it cannot be
 * locked.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vault.h"

/* What the kernel says of the mapping that holds address: flags, resident. */
static void
look(const void *address, char flags[256], size_t *resident_kb)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	char line[512];
	int inside = 0;

	assert_non_null(file);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)address >= start &&
				 (uintptr_t)address < end;
		if (!inside)
			continue;
		sscanf(line, "Rss: %zu", resident_kb);
		if (strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, 256, "%.250s", line);
	}
	fclose(file);
}

static void
test_locked_and_not_dumped(void **state)
{
	static const size_t sizes[] = {1, 5000, 32768, 32769, 200000};
	size_t i, resident;
	char flags[256], *data;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		data = vault_take(sizes[i]);
		assert_non_null(data);
		memset(data, 'x', sizes[i]);
		look(data, flags, &resident);
		assert_non_null(strstr(flags, " lo"));
		assert_non_null(strstr(flags, " dd"));
		look(data + sizes[i] - 1, flags, &resident);
		assert_non_null(strstr(flags, " lo"));
		assert_non_null(strstr(flags, " dd"));
		vault_give(data, sizes[i]);
	}
}

/* Only what is used is resident, and many small ones share a page. */
static void
test_packed(void **state)
{
	enum { COUNT = 200, LEN = 60 };
	char *all[COUNT], flags[256];
	size_t i, resident = 0;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		all[i] = vault_take(LEN);
		assert_non_null(all[i]);
		memset(all[i], (int)i, LEN);
	}
	look(all[0], flags, &resident);
	assert_true(resident >= COUNT * LEN / 1024);
	assert_true(resident <= COUNT * 64 / 1024 + 12);
	for (i = 0; i < COUNT; i++) {
		assert_int_equal((unsigned char)all[i][0], i);
		assert_int_equal((unsigned char)all[i][LEN - 1], i);
		vault_give(all[i], LEN);
	}
}

static void
test_what_is_given_back_is_wiped_and_used_again(void **state)
{
	char *keep = vault_take(10), *first = vault_take(100), *second;
	size_t i;

	(void)state;
	memset(first, 'x', 100);
	vault_give(first, 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(first[i], 0);
	second = vault_take(100);
	assert_ptr_equal(first, second);
	vault_give(second, 100);
	vault_give(keep, 10);
	vault_give(NULL, 5);
}

/* Whatever the order: nothing overlaps, and no block is lost. */
static void
test_random_use(void **state)
{
	enum { COUNT = 300, ROUNDS = 20000 };
	static struct {
		unsigned char *data;
		size_t len;
	} all[COUNT];
	unsigned int seed = 7;
	size_t i, k;
	int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		i = (size_t)rand_r(&seed) % COUNT;
		if (all[i].data != NULL) {
			for (k = 0; k < all[i].len; k++)
				assert_int_equal(all[i].data[k], i % 251);
			vault_give(all[i].data, all[i].len);
			all[i].data = NULL;
			continue;
		}
		all[i].len = 1 + (size_t)rand_r(&seed) % 6000;
		all[i].data = vault_take(all[i].len);
		assert_non_null(all[i].data);
		memset(all[i].data, (int)(i % 251), all[i].len);
	}
	for (i = 0; i < COUNT; i++)
		if (all[i].data != NULL)
			vault_give(all[i].data, all[i].len);
}

/* A run past the end is stopped before it reaches other data. */
static void
test_guard_page(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		volatile char *data = vault_take(40960);

		signal(SIGSEGV, SIG_DFL);
		data[40959] = 'x';
		data[40960] = 'x';
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void
test_too_much(void **state)
{
	(void)state;
	errno = 0;
	assert_null(vault_take(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(vault_take(SIZE_MAX / 4 - 1));
}

static int told;
static size_t told_limit;

static void
on_unlocked(int errnum, size_t limit)
{
	assert_true(errnum == ENOMEM || errnum == EAGAIN || errnum == EPERM);
	told_limit = limit;
	told++;
}

/* In a process without rights: the second block is one too many. */
static int
use_with_little(void)
{
	const struct rlimit little = {1024, 100000};
	char *all[40], flags[256];
	size_t i, resident;

	if (setrlimit(RLIMIT_MEMLOCK, &little) == -1 ||
	    (geteuid() == 0 && setuid(65534) == -1))
		return 2;
	vault_start(on_unlocked);
	for (i = 0; i < 40; i++) {
		all[i] = vault_take(5000);
		memset(all[i], 'x', 5000);
	}
	look(all[0], flags, &resident);
	if (strstr(flags, " lo") == NULL)
		return 3;
	look(all[39], flags, &resident);
	if (strstr(flags, " lo") != NULL || strstr(flags, " dd") == NULL)
		return 4;
	return told == 1 && told_limit == 100000 ? 0 : 5;
}

static void
test_said_once_when_it_cannot_be_locked(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(use_with_little());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    /* First, before this process has a block. */
	    cmocka_unit_test(test_said_once_when_it_cannot_be_locked),
	    cmocka_unit_test(test_packed),
	    cmocka_unit_test(test_locked_and_not_dumped),
	    cmocka_unit_test(test_what_is_given_back_is_wiped_and_used_again),
	    cmocka_unit_test(test_random_use),
	    cmocka_unit_test(test_guard_page),
	    cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
