/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of lists in main.cf that postoak shares with others.
 *
 * link: cli/postfix_list cli/postfix_table cli/command
 */
#include "cli/postfix_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define OURS "unix:run/postoak-milter/milter.sock"

static const struct {
	const char *ours, *now, *joined;
} cases[] = {
    {OURS, "", OURS},
    {OURS, "inet:localhost:8891", OURS ", inet:localhost:8891"},
    /* Joined again, nothing changes. */
    {OURS, OURS ", inet:localhost:8891", OURS ", inet:localhost:8891"},
    {OURS, "inet:a:1 , " OURS "\tinet:b:2", OURS ", inet:a:1, inet:b:2"},
    /* Where the filter listened before. */
    {OURS, "unix:/run/postoak-milter/milter.sock, inet:a:1", OURS ", inet:a:1"},
    /* Braces hold an item together. */
    {OURS, "{ inet:a:1, timeout=3s } inet:b:2",
	OURS ", { inet:a:1, timeout=3s }, inet:b:2"},
    {"inline:{ { a@b = postoak_a:x } }",
	"inline:{ { c@d = postoak_c:x }, { e@f = postoak_e:x } }, hash:/r",
	"inline:{ { a@b = postoak_a:x } }, hash:/r"},
    {"bounce", "notify bounce", "bounce, notify"},
    {"", "inline:{ { a@b = postoak_a:x } }", ""},
    {"", "hash:/r inline:{ { a@b = postoak_a:x } }", "hash:/r"},
    /* Not closed: all of the rest. */
    {OURS, "{ inet:a:1, x", OURS ", { inet:a:1, x"},
};

static void
test_join(void **state)
{
	size_t i;
	char *joined;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		joined = postfix_list_join(cases[i].ours, cases[i].now);
		assert_string_equal(joined, cases[i].joined);
		free(joined);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_join)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
