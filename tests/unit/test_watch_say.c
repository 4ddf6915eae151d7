/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_say: each warning says what is wrong, since or until when, and what to
 * do.
 * link: tokend/watch_say tokend/warning
 */
#include "tokend/watch_say.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S 1793491200 /* 2026-11-01 */

static char contoso[] = "contoso", relay[] = "relay@contoso.com",
	    ends[] = "2026-11-08", file[] = "/etc/postoak/secrets/contoso",
	    addresses[] = "198.51.100.7 192.0.2.10", before[] = "192.0.2.10";
static char *files[] = {file};
static struct conf_application application = {
    .name = contoso,
    .client_secret_expires = ends,
    .client_secret_files = {1, files},
};
static struct conf_account account = {.name = relay};
static struct notes notes;
static char text[WATCH_TEXT_MAX];

static void
say(enum warning warning, int has_application, int has_account)
{
	struct watch_subject s = {
	    .application = has_application ? &application : NULL,
	    .account = has_account ? &account : NULL,
	    .notes = &notes,
	};

	watch_say(&s, warning, NOW_S, text);
}

static void
assert_says(const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static void
test_dates(void **state)
{
	(void)state;
	say(WARNING_SECRET, 1, 0);
	assert_says("the client secret of application contoso ends on "
		    "2026-11-08, in 7 days; make a new one");
	assert_says("beside /etc/postoak/secrets/contoso");
	notes.certificate_ends_s = NOW_S + 86400 - 1;
	say(WARNING_CERTIFICATE, 1, 0);
	assert_says("the certificate of application contoso ends on "
		    "2026-11-01, in 1 day; ");
	assert_says("upload");
	notes.certificate_ends_s = NOW_S;
	say(WARNING_CERTIFICATE, 1, 0);
	assert_says("ended on 2026-11-01;");
}

static void
test_unused_refresh_token(void **state)
{
	(void)state;
	notes.refresh_at_s = NOW_S - 75 * WARNING_DAY_S;
	assert_int_not_equal(warning_idle(notes.refresh_at_s, NOW_S), 0);
	say(WARNING_IDLE, 1, 1);
	assert_says("account relay@contoso.com: ");
	assert_says("last used 75 days ago, after 90 it is dead");
	assert_says("postoak refresh relay@contoso.com");
}

static void
test_sign_in_frequency(void **state)
{
	(void)state;
	notes.sign_in_life_s = 7 * WARNING_DAY_S;
	notes.signed_in_at_s = NOW_S - 6 * WARNING_DAY_S;
	say(WARNING_SIGN_IN, 1, 1);
	assert_says("after 168 hours");
	assert_says("ends on 2026-11-02, in 1 day");
	assert_says("postoak login relay@contoso.com");
}

static void
test_egress_address(void **state)
{
	(void)state;
	notes.addresses = addresses;
	notes.address_before = before;
	say(WARNING_EGRESS, 1, 0);
	assert_says("application contoso: ");
	assert_says("at 198.51.100.7 now, before at 192.0.2.10;");
	notes.addresses = notes.address_before = NULL;
	say(WARNING_EGRESS, 1, 0);
	assert_says("at ? now, before at ?;");
}

static void
test_wrong_clock(void **state)
{
	(void)state;
	notes.clock_off_s = -3600;
	say(WARNING_CLOCK, 0, 0);
	assert_says("60 minutes behind the provider's");
	notes.clock_off_s = 600;
	say(WARNING_CLOCK, 0, 0);
	assert_says("10 minutes ahead of the provider's");
}

static void
test_name(void **state)
{
	struct watch_subject s = {&application, &account, &notes};

	(void)state;
	assert_string_equal(watch_name(&s), "relay@contoso.com");
	s.account = NULL;
	assert_string_equal(watch_name(&s), "contoso");
	s.application = NULL;
	assert_null(watch_name(&s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_unused_refresh_token),
	    cmocka_unit_test(test_sign_in_frequency),
	    cmocka_unit_test(test_egress_address),
	    cmocka_unit_test(test_wrong_clock),
	    cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
