/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TICKS_H
#define POSTOAK_TICKS_H

#include <stddef.h>
#include <stdint.h>

/*
 * ticks - the time limits are counted in: milliseconds that never go back and
 * never jump, whatever is done to the wall clock.
 *
 * While the machine runs it is CLOCK_BOOTTIME, so that setting the clock,
 * forwards or back, changes nothing. The pair (boot time, ticks) is kept in the
 * store; a restarted program goes on from it. Only across a reboot, which the
 * boot id shows, the wall clock tells how long the machine was off; a clock
 * that then is behind counts as no time at all (limits free up later than they
 * could, never earlier). Pure.
 */

#define TICKS_BOOT_ID_MAX 40
#define TICKS_BYTES (3 * 8 + TICKS_BOOT_ID_MAX)

struct ticks {
	int64_t ticks_ms; /* at that moment */
	int64_t boot_ms;
	int64_t wall_ms;
	char boot_id[TICKS_BOOT_ID_MAX];
};

/*
 * Bring *stored up to now (which holds boot_ms, wall_ms and boot_id; its
 * ticks_ms is ignored). A *stored that was never set (ticks_ms 0) starts at the
 * wall clock. Returns the new ticks_ms.
 */
int64_t ticks_advance(struct ticks *stored, const struct ticks *now);

/* The clocks of this machine, now. */
void ticks_read(struct ticks *now);

void ticks_encode(const struct ticks *ticks, unsigned char data[TICKS_BYTES]);

/* 0, or -1 for bytes that are none. */
int ticks_decode(struct ticks *ticks, const unsigned char *data, size_t len);

#endif
