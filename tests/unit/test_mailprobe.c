/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailprobe: the mechanism's string, with the providers' own examples. The
 * dialogues are driven by test_check_server.py.
 *
 * link: cli/mailprobe cli/mailwire
 * libs: cli
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/mailprobe.h"

static void
expect(const char *user, const char *token, const char *expected)
{
	struct buf out;

	buf_init(&out, 1024);
	assert_int_equal(mailprobe_xoauth2(&out, user, token), 0);
	assert_string_equal(out.data, expected);
	buf_clear(&out);
}

static void
test_examples(void **state)
{
	(void)state;
	expect("test@contoso.onmicrosoft.com",
	    "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
	    "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3"
	    "QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==");
	expect("someuser@example.com",
	    "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
	    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRm"
	    "dDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==");
	expect("a", "", "dXNlcj1hAWF1dGg9QmVhcmVyIAEB");
	expect("ab", "", "dXNlcj1hYgFhdXRoPUJlYXJlciABAQ==");
}

static void
test_what_would_say_more(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(mailprobe_xoauth2(&out, "a\001b", "t"), -1);
	assert_int_equal(mailprobe_xoauth2(&out, "a", "t\r\nQUIT"), -1);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	buf_init(&out, 4);
	assert_int_equal(mailprobe_xoauth2(&out, "a", "t"), -1);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_examples),
	    cmocka_unit_test(test_what_would_say_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
