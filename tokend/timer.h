/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TIMER_H
#define POSTOAK_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct event_base;

/*
 * timer - do something at a time of CLOCK_BOOTTIME, which goes on in suspend
 * and does not jump with the wall clock. All timers share one timerfd that is
 * armed for the earliest, so nothing wakes up while nothing is due.
 */

struct timer {
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not set */
	void (*fire)(void *arg);
	void *arg;
};

/* Once, before any timer is set. 0, or -1 with errno. */
int timer_start(struct event_base *base);
void timer_stop(void);

void timer_init(struct timer *timer, void (*fire)(void *arg), void *arg);

/* Fire once when clock_boot_ms() reaches at_ms; replaces an earlier time. */
void timer_set(struct timer *timer, int64_t at_ms);

/* Not fire; harmless if it is not set. Allowed inside any fire function. */
void timer_cancel(struct timer *timer);

int timer_is_set(const struct timer *timer);

#endif
