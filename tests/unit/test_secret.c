/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: copied, moved, compared. Where they are kept: test_vault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "secret.h"

static void
test_set_and_clear(void **state)
{
	struct secret secret = SECRET_INIT;

	(void)state;
	assert_true(secret_empty(&secret));
	assert_string_equal(secret_reveal(&secret), "");
	assert_int_equal(secret_set(&secret, "pass\0word", 9), 0);
	assert_false(secret_empty(&secret));
	assert_int_equal(secret_len(&secret), 9);
	assert_memory_equal(secret_reveal(&secret), "pass\0word", 10);
	/* From within itself: a trimmed copy. */
	assert_int_equal(secret_set(&secret, secret_reveal(&secret) + 1, 3), 0);
	assert_string_equal(secret_reveal(&secret), "ass");
	assert_int_equal(secret_set(&secret, "", 0), 0);
	assert_true(secret_empty(&secret));
	secret_clear(&secret);
	secret_clear(&secret);
	assert_string_equal(secret_reveal(&secret), "");
}

static void
test_no_memory(void **state)
{
	struct secret secret = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_set(&secret, "old", 3), 0);
	errno = 0;
	assert_int_equal(secret_set(&secret, "new", SIZE_MAX), -1);
	assert_int_equal(errno, ENOMEM);
	assert_true(secret_empty(&secret));
	assert_int_equal(secret_set(&secret, "new", SIZE_MAX - 4096), -1);
	assert_int_equal(secret_set(&secret, "new", SIZE_MAX / 2 - 1), -1);
	assert_true(secret_empty(&secret));
}

static void
test_copy_and_take(void **state)
{
	struct secret a = SECRET_INIT, b = SECRET_INIT;

	(void)state;
	secret_set(&a, "one", 3);
	assert_int_equal(secret_copy(&b, &a), 0);
	assert_true(secret_equal(&a, &b));
	assert_ptr_not_equal(secret_reveal(&a), secret_reveal(&b));
	secret_set(&a, "two", 3);
	secret_take(&b, &a);
	assert_true(secret_empty(&a));
	assert_string_equal(secret_reveal(&b), "two");
	secret_take(&b, &b);
	assert_string_equal(secret_reveal(&b), "two");
	assert_int_equal(secret_copy(&b, &b), 0);
	assert_string_equal(secret_reveal(&b), "two");
	assert_int_equal(secret_copy(&b, &a), 0);
	assert_true(secret_empty(&b));
	secret_clear(&b);
}

static void
test_equal(void **state)
{
	struct secret a = SECRET_INIT, b = SECRET_INIT;

	(void)state;
	assert_true(secret_equal(&a, &b));
	secret_set(&a, "same", 4);
	assert_false(secret_equal(&a, &b));
	secret_set(&b, "same", 4);
	assert_true(secret_equal(&a, &b));
	secret_set(&b, "samf", 4);
	assert_false(secret_equal(&a, &b));
	secret_set(&b, "sam", 3);
	assert_false(secret_equal(&a, &b));
	secret_clear(&a);
	secret_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set_and_clear),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_copy_and_take),
	    cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
