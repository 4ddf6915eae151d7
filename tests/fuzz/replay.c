/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - run a fuzz driver over its kept corpus, without a fuzzer. Linked
 * with one driver each.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
kept_corpus(void **state)
{
	static uint8_t data[1024 * 1024];
	char path[4096];
	struct dirent *entry;
	size_t count = 0;
	DIR *directory = opendir(CORPUS);
	FILE *file;

	(void)state;
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(
		    path, sizeof(path), "%s/%s", CORPUS, entry->d_name);
		file = fopen(path, "rb");
		assert_non_null(file);
		/* So that its name is known should it end here. */
		print_message("%s\n", path);
		(void)LLVMFuzzerTestOneInput(
		    data, fread(data, 1, sizeof(data), file));
		(void)fclose(file);
		count++;
	}
	(void)closedir(directory);
	assert_true(count > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kept_corpus)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
