/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LANE_H
#define POSTOAK_LANE_H

#include <stddef.h>

/*
 * lane - how many exchanges may be under way with one provider at a time, and
 * whose turn is next. Called by grant.
 *
 * Each server (scheme, host and port of the endpoint) is a lane of its own, so
 * a provider that hangs holds up nobody else's. In a lane the next turn goes
 * to the party with the fewest exchanges under way, and within a party to who
 * came first: a thousand accounts of one application do not keep another
 * application's single one waiting.
 */

#define LANE_WIDTH 16 /* simultaneous exchanges with one provider */

struct lane_turn; /* a place, or the wait for one */

/*
 * Ask for a place. *now is 1: go ahead, go is not called. 0: go is called from
 * the end of somebody else's turn, unless lane_leave comes first. Never NULL;
 * party is copied.
 */
struct lane_turn *lane_enter(const char *endpoint, const char *party,
    void (*go)(void *arg), void *arg, int *now);

/* Give the place or the wait up. NULL is allowed. May call the go of others. */
void lane_leave(struct lane_turn *turn);

/* The end is near: nobody who waits gets a turn any more. */
void lane_close(void);

/* Those who have a place, and those who wait, in all lanes. */
size_t lane_running(void);
size_t lane_waiting(void);

#endif
