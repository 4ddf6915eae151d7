/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plugin_memory - libpostoak.so in a program that runs out of memory:
 * each allocation of an authentication fails once.
 *
 * link: tests/unit/sasl_mailer tests/unit/sasl_tokend
 * libs: sasl
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sasl/sasl.h>

#include "sasl_mailer.h"
#include "sasl_tokend.h"

/* Allocations of this thread until one fails; 0: none does. */
static _Thread_local int left;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* In place of glibc's, for libsasl2 and the plugin alike. The sanitizers put
 * their own there; the test then shows only that nothing fails by itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

static int
is_refused(void)
{
	if (left == 0 || --left > 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return is_refused() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __libc_calloc(count, size);
}

#define FAILURES_MIN 5

#else

#define FAILURES_MIN 0

#endif

/*
 * One authentication without its n-th allocation: 1 if there was one that
 * failed. What the plugin lacks is temporary, and said; the rest is libsasl2's.
 */
static int
log_in_without(int n, const char *mechanism)
{
	struct mailer mailer = {0};
	int result;

	assert_int_equal(sasl_client_new("smtp", MAILER_HOST, NULL, NULL,
			     mailer_callbacks(MAILER_ACCOUNT), 0, &mailer.conn),
	    SASL_OK);
	mailer_log_lines = 0;
	left = n;
	result = sasl_client_start(mailer.conn, mechanism, NULL, &mailer.out,
	    &mailer.len, &mailer.mechanism);
	n = left;
	left = 0;
	if (result == SASL_UNAVAIL) {
		mailer_assert_failure(
		    result, SASL_UNAVAIL, &mailer, "no memory");
		return 1;
	}
	if (result != SASL_CONTINUE && result != SASL_NOMEM)
		fail_msg("%d: %s", result, mailer_log_text);
	sasl_dispose(&mailer.conn);
	return n == 0 && FAILURES_MIN > 0;
}

static void
survives_each_failed_allocation(void **state)
{
	static const char *const mechanisms[] = {"XOAUTH2", "OAUTHBEARER"};
	struct mailer mailer;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (n = 1; log_in_without(n, mechanisms[i]); n++)
			;
		assert_true(n > FAILURES_MIN);
		/* Nothing is left of it. */
		assert_int_equal(
		    mailer_start(&mailer, mechanisms[i], MAILER_ACCOUNT),
		    SASL_CONTINUE);
		sasl_dispose(&mailer.conn);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		survives_each_failed_allocation, mailer_setup, mailer_teardown),
	};

	mailer_build_dir = BUILD_DIR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
