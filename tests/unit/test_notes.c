/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes: what survives a restart, and what a damaged file costs.
 *
 * link: tokend/notes tokend/warning tokend/timer tests/unit/conf_files
 * libs: tokend
 */
#include "tokend/notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "mem.h"
#include "tests/unit/conf_files.h"
#include "tokend/timer.h"

static struct event_base *base;

static int
setup(void **state)
{
	(void)state;
	(void)unlink(conf_files_path(".notes"));
	base = event_base_new();
	return timer_start(base);
}

static int
teardown(void **state)
{
	(void)state;
	timer_stop();
	event_base_free(base);
	return 0;
}

static void
open_notes(void)
{
	notes_open(conf_files_path(""));
}

static void
restart(void)
{
	notes_close();
	open_notes();
}

static void
test_all_survives_a_restart(void **state)
{
	struct notes *notes;
	struct stat st;

	(void)state;
	open_notes();
	notes = notes_of("account", "a@x.org");
	assert_string_equal(notes->about, "account a@x.org");
	notes->told[WARNING_SIGN_IN] = 2;
	notes->told_at_s[WARNING_SIGN_IN] = 1700000000;
	strcpy(notes->state, "needs_login");
	notes->state_at_s = 1700000001;
	notes->signed_in_at_s = 1700000002;
	notes->sign_in_life_s = 604800;
	notes->addresses = mem_strdup("2001:db8:1:2::/64 192.0.2.1");
	notes->address_before = mem_strdup("192.0.2.2");
	notes->address_at_s = 5000000000;
	notes->clock_off_s = 7;
	notes->failure = mem_zalloc(1, sizeof(*notes->failure));
	err_set(&notes->failure->err, ERR_LOGIN, "aadsts.50173", "why");
	notes->failure->at_s = 1700000003;
	notes->failure->settings = 0x7fffffffffffff;
	notes_changed();
	restart();
	notes = notes_of("account", "a@x.org");
	assert_int_equal(notes->told[WARNING_SIGN_IN], 2);
	assert_int_equal(notes->told_at_s[WARNING_SIGN_IN], 1700000000);
	assert_int_equal(notes->told_at_s[WARNING_SECRET], 0);
	assert_string_equal(notes->state, "needs_login");
	assert_int_equal(notes->state_at_s, 1700000001);
	assert_int_equal(notes->signed_in_at_s, 1700000002);
	assert_int_equal(notes->sign_in_life_s, 604800);
	assert_string_equal(notes->addresses, "2001:db8:1:2::/64 192.0.2.1");
	assert_string_equal(notes->address_before, "192.0.2.2");
	assert_int_equal(notes->address_at_s, 5000000000);
	assert_int_equal(notes->clock_off_s, 0);
	assert_non_null(notes->failure);
	assert_int_equal(notes->failure->err.kind, ERR_LOGIN);
	assert_string_equal(notes->failure->err.code, "aadsts.50173");
	assert_string_equal(notes->failure->err.text, "why");
	assert_int_equal(notes->failure->at_s, 1700000003);
	assert_int_equal(notes->failure->settings, 0x7fffffffffffff);
	notes_close();
	assert_int_equal(stat(conf_files_path(".notes"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(conf_files_path("tmp.notes"), F_OK), -1);
}

static void
test_who_is_gone_is_forgotten(void **state)
{
	(void)state;
	open_notes();
	notes_of("account", "a@x.org")->signed_in_at_s = 1;
	notes_of("account", "b@x.org")->signed_in_at_s = 2;
	notes_of("application", "a@x.org")->signed_in_at_s = 3;
	notes_changed();
	restart();
	/* Only b is in the configuration from now on. */
	assert_int_equal(notes_of("account", "b@x.org")->signed_in_at_s, 2);
	notes_changed();
	restart();
	assert_int_equal(notes_of("account", "b@x.org")->signed_in_at_s, 2);
	assert_int_equal(notes_of("account", "a@x.org")->signed_in_at_s, 0);
	assert_int_equal(notes_of("application", "a@x.org")->signed_in_at_s, 0);
	notes_close();
}

static void
test_saved_by_itself_and_only_when_changed(void **state)
{
	struct notes *notes;

	(void)state;
	open_notes();
	notes = notes_of("account", "a@x.org");
	notes->signed_in_at_s = 1;
	notes_close();
	assert_int_equal(access(conf_files_path(".notes"), F_OK), -1);
	open_notes();
	notes_of("account", "a@x.org")->signed_in_at_s = 1;
	notes_changed();
	notes_changed();
	/* Ends with the only timer there is. */
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(access(conf_files_path(".notes"), F_OK), 0);
	notes_close();
}

static void
put(const char *data)
{
	conf_files_write(".notes", data, strlen(data));
}

static void
test_torn_files(void **state)
{
	(void)state;
	put("about=account a@x.org\nsigned_in_at=5\n\n"
	    "about=account b@x.org\nsigned_in_at=6\n");
	open_notes();
	assert_int_equal(notes_of("account", "a@x.org")->signed_in_at_s, 5);
	assert_int_equal(notes_of("account", "b@x.org")->signed_in_at_s, 0);
	notes_close();
	put("\x01\xff\n\n");
	open_notes();
	assert_int_equal(notes_of("account", "a@x.org")->signed_in_at_s, 0);
	notes_close();
}

static void
test_hostile_values(void **state)
{
	static const char told[] =
	    "about=account a@x.org\nclient_secret=256 1700000000\n"
	    "sign_in=-1 1700000000\negress=x\n"
	    "state=much_longer_than_any_state\n"
	    "signed_in_at=99999999999999999999\nsign_in_life=-5\n\n"
	    "signed_in_at=7\n\n"
	    "about=account b@x.org\nsigned_in_at=6\n\n";
	struct notes *notes;
	int i;

	(void)state;
	put(told);
	open_notes();
	notes = notes_of("account", "a@x.org");
	for (i = 0; i < WARNING_COUNT; i++)
		assert_int_equal(notes->told_at_s[i] + notes->told[i], 0);
	assert_int_equal(strlen(notes->state), NOTES_STATE_MAX - 1);
	assert_int_equal(notes->signed_in_at_s, 0);
	assert_int_equal(notes->sign_in_life_s, 0);
	/* Those behind it count all the same. */
	assert_int_equal(notes_of("account", "b@x.org")->signed_in_at_s, 6);
	notes_close();
}

static void
test_the_same_twice(void **state)
{
	(void)state;
	put("about=account a@x.org\naddresses=192.0.2.1\n"
	    "address_before=192.0.2.9\n\n"
	    "about=account a@x.org\naddresses=192.0.2.2\n"
	    "address_before=192.0.2.8\n\n");
	open_notes();
	assert_string_equal(
	    notes_of("account", "a@x.org")->addresses, "192.0.2.2");
	notes_close();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_all_survives_a_restart),
	    TEST(test_who_is_gone_is_forgotten),
	    TEST(test_saved_by_itself_and_only_when_changed),
	    TEST(test_torn_files),
	    TEST(test_hostile_values),
	    TEST(test_the_same_twice),
	};

	log_open("test_notes", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
