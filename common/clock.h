/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CLOCK_H
#define POSTOAK_CLOCK_H

#include <stdint.h>

/*
 * clock - the two times the daemons know.
 *
 * Lifetimes and time-outs are measured with CLOCK_BOOTTIME, which neither jumps
 * with the wall clock nor stands still in suspend. Wall time is for people and
 * for what must outlive a restart. Decisions take "now" as an argument; only
 * the edges call these.
 */

int64_t clock_boot_ms(void);
int64_t clock_wall_ms(void);
int64_t clock_wall_s(void);

#endif
