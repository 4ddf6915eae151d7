/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of denials: lines as the kernel and auditd write them.
 *
 * link: cli/denials
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/denials.h"

static const char apparmor[] =
    "<5>[ 12.3] audit: type=1400 audit(1795466040.1:9): apparmor=\"DENIED\" "
    "operation=\"connect\" profile=\"/usr/lib/postfix/sbin/smtp\" "
    "name=\"/var/spool/postfix/run/postoak/tokend.sock\" pid=7 "
    "comm=\"smtp\" requested_mask=\"wr\" denied_mask=\"wr\"\n";

static const char selinux[] =
    "type=AVC msg=audit(1795466040.1:9): avc:  denied  { write } for  pid=7 "
    "comm=\"smtpd\" name=\"milter.sock\" scontext=system_u:system_r:"
    "postfix_smtpd_t:s0 tclass=sock_file permissive=0\n";

static void
search(struct denials *denials, const char *text)
{
	memset(denials, 0, sizeof(*denials));
	denials_search(denials, text, strlen(text));
}

static void
test_both_are_found_and_quoted_from_their_mark_on(void **state)
{
	struct denials denials;

	(void)state;
	search(&denials, apparmor);
	assert_int_equal(denials.count, 1);
	assert_ptr_equal(
	    strstr(denials.last, "apparmor=\"DENIED\""), denials.last);
	assert_non_null(strstr(denials.last, "tokend.sock"));
	assert_null(strchr(denials.last, '\n'));
	search(&denials, selinux);
	assert_int_equal(denials.count, 1);
	assert_ptr_equal(strstr(denials.last, "avc:  denied"), denials.last);
}

static void
test_the_last_of_several_is_kept(void **state)
{
	char text[sizeof(apparmor) + 2 * sizeof(selinux)];
	struct denials denials;

	(void)state;
	strcpy(text, apparmor);
	strcat(text, selinux);
	strcat(text, "and a line without an end");
	search(&denials, text);
	assert_int_equal(denials.count, 2);
	assert_non_null(strstr(denials.last, "milter.sock"));
}

static void
test_others_and_what_was_allowed_do_not_count(void **state)
{
	struct denials denials;

	(void)state;
	search(&denials,
	    "audit: apparmor=\"DENIED\" profile=\"cupsd\" comm=\"cupsd\"\n"
	    "audit: apparmor=\"ALLOWED\" profile=\"postoak\" comm=\"smtp\"\n"
	    "postoak-tokend: token refused\n\n");
	assert_int_equal(denials.count, 0);
	search(&denials, "");
	assert_int_equal(denials.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_are_found_and_quoted_from_their_mark_on),
	    cmocka_unit_test(test_the_last_of_several_is_kept),
	    cmocka_unit_test(test_others_and_what_was_allowed_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
