/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/negotiated milter/map
 *
 * negotiated: each connection has its own, or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/negotiated.h"

#define CONNECTIONS 5000 /* more than there are places */

static char contexts[CONNECTIONS];

static void
what_was_noted_last_is_found(void **state)
{
	struct negotiated first = {0x11, 1}, second = {0x22, 0}, found;

	(void)state;
	assert_int_equal(negotiated_find(&contexts[0], &found), 0);
	assert_int_equal(found.steps, 0);
	negotiated_keep(&contexts[0], &first);
	assert_int_equal(negotiated_find(&contexts[0], &found), 1);
	assert_int_equal(found.steps, 0x11);
	assert_int_equal(found.can_hold, 1);
	negotiated_keep(&contexts[0], &second);
	assert_int_equal(negotiated_find(&contexts[0], &found), 1);
	assert_int_equal(found.steps, 0x22);
	assert_int_equal(found.can_hold, 0);
}

static void
no_connection_has_another_ones(void **state)
{
	struct negotiated found;
	size_t i, known = 0;

	(void)state;
	for (i = 0; i < CONNECTIONS; i++)
		negotiated_keep(&contexts[i], &(struct negotiated){i + 1, 1});
	for (i = 0; i < CONNECTIONS; i++) {
		if (negotiated_find(&contexts[i], &found)) {
			assert_int_equal(found.steps, i + 1);
			known++;
		} else {
			assert_int_equal(found.steps, 0);
			assert_int_equal(found.can_hold, 0);
		}
	}
	assert_in_range(known, 500, 1024);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_noted_last_is_found),
	    cmocka_unit_test(no_connection_has_another_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
