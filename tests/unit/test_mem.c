/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator that does not fail: what it cannot give ends the program, with
 * a line that says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static void
test_zalloc(void **state)
{
	int *numbers = mem_zalloc(100, sizeof(*numbers));
	void *none = mem_zalloc(0, 8);
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(numbers[i], 0);
	assert_non_null(none);
	free(none);
	free(numbers);
}

static void
test_grow(void **state)
{
	char *text = mem_grow(NULL, 4, 1);

	(void)state;
	memcpy(text, "abc", 4);
	text = mem_grow(text, 1000, 10);
	assert_string_equal(text, "abc");
	text = mem_grow(text, 0, 10);
	assert_non_null(text);
	free(text);
}

static void
test_strings(void **state)
{
	char *text;

	(void)state;
	assert_null(mem_strdup(NULL));
	text = mem_strdup("abc");
	assert_string_equal(text, "abc");
	free(text);
	text = mem_strndup("abcdef", 3);
	assert_string_equal(text, "abc");
	free(text);
	text = mem_strndup("ab", 9);
	assert_string_equal(text, "ab");
	free(text);
	text = mem_printf("%s-%d", "x", 5);
	assert_string_equal(text, "x-5");
	free(text);
}

/* What a child writes on standard error while it runs act; *status is its
 * end. */
static void
watch(void (*act)(void), int *status, char *said, size_t size)
{
	int ends[2];
	size_t used = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		act();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, status, 0), child);
}

/* More than there is, and a product that overflows. */
static volatile size_t count = SIZE_MAX / 4;

static void
zalloc_overflow(void)
{
	(void)!mem_zalloc(count, 8);
}

static void
grow_overflow(void)
{
	(void)!mem_grow(NULL, count, 8);
}

static void
test_no_memory_ends_the_program(void **state)
{
	static void (*const acts[])(void) = {zalloc_overflow, grow_overflow};
	char said[4096];
	int status;
	size_t i;

	(void)state;
	/* A sanitizer's allocator ends the program by itself. */
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		watch(acts[i], &status, said, sizeof(said));
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
#ifndef SANITIZED
		assert_int_equal(WTERMSIG(status), SIGABRT);
		assert_non_null(strstr(said, "out of memory"));
#endif
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zalloc),
	    cmocka_unit_test(test_grow),
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_no_memory_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
