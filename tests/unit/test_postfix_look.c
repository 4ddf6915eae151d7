/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of postfix_look: a Postfix's settings by its own postconf, from a
 * directory that no Postfix runs from.
 *
 * link: cli/postfix_look cli/postfix_settings cli/command
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/postfix_look.h"

static char directory[] = "/tmp/postoak-look-XXXXXX";

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	return 0;
}

static int
tear_down(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/main.cf", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/master.cf", directory);
	unlink(path);
	return rmdir(directory);
}

static const char main_cf[] = "compatibility_level = 3.6\n"
			      "foo = inet:127.0.0.1:8891\n"
			      "smtpd_milters = unix:x,\n"
			      "  $foo\n"
			      "relayhost =\n"
			      "relayhost = [a]:587\n"
			      "maps = inline:{ { [a]:587 = b@c:- } }\n";

static const char master_cf[] =
    "smtp unix - - y - - smtp\n"
    "127.0.0.1:2525 inet n - - - - smtpd -v\n"
    "relay unix - - n - - smtp\n"
    "  -o smtp_sasl_password_maps=$maps\n"
    "  -o smtp_tls_policy_maps=\n"
    "  -o { smtp_sasl_security_options = noplaintext, noanonymous }\n";

static void
test_main_cf_as_written_and_in_effect(void **state)
{
	struct postfix_look *look;
	struct err err;

	(void)state;
	write_file("main.cf", main_cf);
	write_file("master.cf", master_cf);
	look = postfix_look_new(directory, &err);
	assert_non_null(look);
	assert_string_equal(
	    postfix_settings_find(&look->written, "smtpd_milters"),
	    "unix:x, $foo");
	assert_string_equal(postfix_look_main(look, "smtpd_milters"),
	    "unix:x, inet:127.0.0.1:8891");
	assert_string_equal(postfix_look_main(look, "relayhost"), "[a]:587");
	assert_null(
	    postfix_settings_find(&look->written, "milter_default_action"));
	assert_string_equal(postfix_look_main(look, "milter_protocol"), "6");
	assert_string_equal(
	    postfix_look_main(look, "relay_destination_concurrency_limit"),
	    "20");
	assert_string_equal(postfix_look_main(look, "no_such_name"), "");
	postfix_look_free(look);
}

static void
test_a_service_and_what_it_overrides(void **state)
{
	const struct postfix_look_service *relay, *smtp, *smtpd;
	struct postfix_look *look;
	struct err err;

	(void)state;
	look = postfix_look_new(directory, &err);
	assert_non_null(look);
	assert_int_equal(look->service_count, 3);
	smtp = postfix_look_find(look, "smtp", "unix");
	smtpd = postfix_look_find(look, "127.0.0.1:2525", "inet");
	relay = postfix_look_find(look, "relay", "unix");
	assert_null(postfix_look_find(look, "smtp", "inet"));
	assert_true(smtp != NULL && smtp->chroot);
	assert_true(smtpd != NULL && !smtpd->chroot);
	assert_string_equal(smtpd->program, "smtpd");
	assert_true(relay != NULL && !relay->chroot);
	assert_string_equal(
	    postfix_settings_find(&relay->written, "smtp_sasl_password_maps"),
	    "$maps");
	assert_string_equal(
	    postfix_look_option(look, relay, "smtp_sasl_password_maps"),
	    "inline:{ { [a]:587 = b@c:- } }");
	assert_string_equal(
	    postfix_look_option(look, relay, "smtp_sasl_security_options"),
	    "noplaintext, noanonymous");
	assert_string_equal(
	    postfix_look_option(look, relay, "smtp_tls_policy_maps"), "");
	assert_string_equal(
	    postfix_look_option(look, smtp, "smtp_sasl_password_maps"), "");
	postfix_look_free(look);
}

static void
test_before_level_1_no_entry_means_chrooted(void **state)
{
	struct postfix_look *look;
	struct err err;

	(void)state;
	write_file("main.cf", "compatibility_level = 0\n");
	look = postfix_look_new(directory, &err);
	assert_non_null(look);
	assert_true(postfix_look_find(look, "127.0.0.1:2525", "inet")->chroot);
	postfix_look_free(look);
}

static void
test_what_postconf_says_against_it_is_the_error(void **state)
{
	struct err err;

	(void)state;
	assert_null(postfix_look_new("/nonexistent/postfix", &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(err.text, "/nonexistent/postfix/main.cf"));
	assert_non_null(strstr(err.text, "No such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_main_cf_as_written_and_in_effect),
	    cmocka_unit_test(test_a_service_and_what_it_overrides),
	    cmocka_unit_test(test_before_level_1_no_entry_means_chrooted),
	    cmocka_unit_test(test_what_postconf_says_against_it_is_the_error),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
