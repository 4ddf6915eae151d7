/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TEST_COUNTERS_PLACE_H
#define POSTOAK_TEST_COUNTERS_PLACE_H

struct counters;

/*
 * counters_place - counters in a temporary directory. What cannot be done fails
 * the test.
 */

/* The directory there is; "" if there is none. */
extern char counters_place[64];

void counters_place_make(void);
struct counters *counters_place_open(void);

/* With all that is in it. */
void counters_place_remove(void);

#endif
