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

struct counters *counters_place_open(void);

/* The counters of a test: opened by its setup, closed and removed by its
 * teardown with all that is in the directory. */
extern struct counters *counters;

int counters_place_setup(void **state);
int counters_place_teardown(void **state);

#endif
