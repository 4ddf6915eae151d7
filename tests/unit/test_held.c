/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held: what is noted of a held message.
 *
 * link: milter/lmdb_store
 * link: milter/held milter/message milter/config milter/rewrite
 * link: milter/rewrite_edit milter/notice milter/dkim milter/charset
 * link: milter/rewrite_field milter/phrase milter/name milter/encoded
 * link: milter/route milter/address milter/scan milter/reply milter/limits
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/ticks
 * link: milter/lmdb_check
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal milter/limit milter/map
 * link: tests/unit/counters_place
 * libs: milter
 */
#include "milter/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters_place.h"
#include "log.h"

static struct err err;

static void
a_record_as_large_as_can_be(void **state)
{
	static struct held held, found;
	struct held_notes notes;
	struct limits_message message = {.recipients = UINT64_MAX};
	char lane[COUNTERS_NOTE_KEY_MAX];

	(void)state;
	held_fill(&held, "QID", "account", &message);
	memset(held.who, 'w', sizeof(held.who) - 1);
	memset(held.account, 'a', sizeof(held.account) - 1);
	memset(held.login, 'l', sizeof(held.login) - 1);
	memset(held.client, 'c', sizeof(held.client) - 1);
	memset(held.sender, 's', sizeof(held.sender) - 1);
	memset(held.reason, 'r', sizeof(held.reason) - 1);
	held.due_s = INT64_MAX;
	held_lane(lane, held.who, NULL, 0);
	assert_int_equal(strlen(lane), HELD_LANE_LEN);
	held_place(&held, lane);
	assert_int_equal(held_encode(&held, &notes), 0);
	assert_int_equal(
	    counters_note_write(counters, notes.notes, 2, &err), 0);
	assert_int_equal(held_find(counters, "QID", &found, &err), 1);
	assert_memory_equal(&found, &held, sizeof(held));
	/* One that cannot be read is said and forgotten. */
	notes.notes[0].len /= 2;
	assert_int_equal(
	    counters_note_write(counters, notes.notes, 1, &err), 0);
	assert_int_equal(held_find(counters, "QID", &found, &err), 0);
	assert_int_equal(held_next(counters, "held|", &found, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_record_as_large_as_can_be,
		counters_place_setup, counters_place_teardown),
	};

	log_open("test_held", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
