/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wipe: what is freed or moved leaves nothing behind, by whichever function.
 *
 * link: tokend/wipe
 */
#define _GNU_SOURCE
#include "tokend/wipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "json.h"

#define LEN 4000
#define LINKS (4 * sizeof(void *)) /* malloc's own, in what was freed */

/* How many bytes at an address still are 'x': asked of the kernel, because it
 * is no longer ours. Addresses that malloc puts there may hold that byte. */
static size_t
left_at(uintptr_t address)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	static char data[LEN];
	size_t i, left = 0;

	assert_int_not_equal(fd, -1);
	assert_int_equal(pread(fd, data, LEN, (off_t)address), LEN);
	close(fd);
	for (i = LINKS; i < LEN; i++)
		left += data[i] == 'x';
	return left;
}

/* Something behind it, so that the pages do not go back to the system. */
static char *
filled(char **behind)
{
	char *data = malloc(LEN);

	*behind = malloc(LEN);
	assert_non_null(data);
	memset(data, 'x', LEN);
	return data;
}

static void
test_freed(void **state)
{
	char *behind, *data = filled(&behind);
	uintptr_t at = (uintptr_t)data;

	(void)state;
	assert_int_equal(left_at(at), LEN - LINKS);
	free(data);
	assert_int_equal(left_at(at), 0);
	free(behind);
	free(NULL);
}

static void
test_moved(void **state)
{
	char *behind, *data = filled(&behind);
	uintptr_t at = (uintptr_t)data;
	size_t i;

	(void)state;
	data = realloc(data, 10 * LEN);
	assert_int_not_equal((uintptr_t)data, at);
	for (i = 0; i < LEN; i++)
		assert_int_equal(data[i], 'x');
	assert_int_equal(left_at(at), 0);
	at = (uintptr_t)data;
	data = reallocarray(data, 10, 10);
	assert_int_not_equal((uintptr_t)data, at);
	assert_memory_equal(data, "xxxxxxxxxx", 10);
	assert_int_equal(left_at(at), 0);
	free(data);
	free(behind);
}

static void
test_realloc_at_its_limits(void **state)
{
	char *volatile data = realloc(NULL, 100);
	char *more;
	volatile size_t many = SIZE_MAX / 2;

	(void)state;
	assert_non_null(data);
	strcpy(data, "kept");
	errno = 0;
	more = reallocarray(data, many, 3);
	assert_int_equal(errno, ENOMEM);
	assert_null(more);
	assert_string_equal(data, "kept");
	more = realloc(data, 90);
	assert_string_equal(more, "kept");
	free(more);
}

/* A library's own free is ours, too: here json-c's, of a value. */
static void
test_in_a_library(void **state)
{
	static char text[LEN + 20];
	struct json *json;
	uintptr_t at;
	char *behind;

	(void)state;
	strcpy(text, "{\"a\":\"");
	memset(text + 6, 'x', LEN);
	strcpy(text + 6 + LEN, "\"}");
	json = json_parse(text, strlen(text), NULL);
	assert_non_null(json);
	behind = malloc(LEN);
	at = (uintptr_t)json_get_string(json, "a");
	assert_int_equal(left_at(at), LEN - LINKS);
	json_free(json);
	assert_int_equal(left_at(at), 0);
	free(behind);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_freed),
	    cmocka_unit_test(test_moved),
	    cmocka_unit_test(test_realloc_at_its_limits),
	    cmocka_unit_test(test_in_a_library),
	};

	if (!WIPE_ACTIVE)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
