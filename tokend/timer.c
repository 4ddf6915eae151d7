/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer - a binary heap of times over one timerfd. See timer.h.
 */
#define _GNU_SOURCE
#include "timer.h"

#include <event2/event.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

static struct timer **heap; /* heap[1] is the earliest; heap[0] unused */
static size_t heap_len;
static size_t heap_size;
static int clock_fd = -1;
static int64_t armed_ms; /* what clock_fd is set to; 0: nothing */
static int firing;
static struct event *clock_event;

static void
put(struct timer *timer, size_t place)
{
	heap[place] = timer;
	timer->place = place;
}

static void
sift_up(struct timer *timer, size_t place)
{
	while (place > 1 && heap[place / 2]->at_ms > timer->at_ms) {
		put(heap[place / 2], place);
		place /= 2;
	}
	put(timer, place);
}

static void
sift_down(struct timer *timer, size_t place)
{
	size_t child;

	while ((child = place * 2) <= heap_len) {
		if (child < heap_len &&
		    heap[child + 1]->at_ms < heap[child]->at_ms)
			child++;
		if (heap[child]->at_ms >= timer->at_ms)
			break;
		put(heap[child], place);
		place = child;
	}
	put(timer, place);
}

/* Make the descriptor's time that of the earliest timer. */
static void
arm(void)
{
	struct itimerspec spec = {{0, 0}, {0, 0}};
	int64_t at_ms = heap_len > 0 ? heap[1]->at_ms : 0;

	if (firing)
		return;
	if (heap_len > 0 && at_ms < 1)
		at_ms = 1; /* an all-zero time would disarm */
	if (at_ms == armed_ms)
		return;
	armed_ms = at_ms;
	spec.it_value.tv_sec = at_ms / 1000;
	spec.it_value.tv_nsec = at_ms % 1000 * 1000000;
	(void)timerfd_settime(clock_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void
take_out(struct timer *timer)
{
	struct timer *last = heap[heap_len--];
	size_t place = timer->place;

	timer->place = 0;
	if (last == timer)
		return;
	if (place > 1 && heap[place / 2]->at_ms > last->at_ms)
		sift_up(last, place);
	else
		sift_down(last, place);
}

static void
fire_due(evutil_socket_t fd, short what, void *arg)
{
	int64_t now = clock_boot_ms();
	struct timer *timer;
	uint64_t count;

	(void)what;
	(void)arg;
	if (read(fd, &count, sizeof(count)) == -1 && errno == EAGAIN)
		return;
	armed_ms = 0;
	firing = 1;
	while (heap_len > 0 && heap[1]->at_ms <= now) {
		timer = heap[1];
		take_out(timer);
		timer->fire(timer->arg);
	}
	firing = 0;
	arm();
}

int
timer_start(struct event_base *base)
{
	clock_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (clock_fd == -1)
		return -1;
	clock_event =
	    event_new(base, clock_fd, EV_READ | EV_PERSIST, fire_due, NULL);
	if (clock_event == NULL || event_add(clock_event, NULL) == -1) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

void
timer_stop(void)
{
	while (heap_len > 0)
		take_out(heap[heap_len]);
	if (clock_event != NULL)
		event_free(clock_event);
	clock_event = NULL;
	if (clock_fd != -1)
		close(clock_fd);
	clock_fd = -1;
	free(heap);
	heap = NULL;
	heap_size = 0;
	armed_ms = 0;
}

void
timer_init(struct timer *timer, void (*fire)(void *arg), void *arg)
{
	timer->at_ms = 0;
	timer->place = 0;
	timer->fire = fire;
	timer->arg = arg;
}

void
timer_set(struct timer *timer, int64_t at_ms)
{
	if (timer->place != 0)
		take_out(timer);
	if (heap_len + 1 >= heap_size) {
		heap_size = heap_size > 0 ? heap_size * 2 : 64;
		heap = mem_grow(heap, heap_size, sizeof(struct timer *));
	}
	timer->at_ms = at_ms;
	sift_up(timer, ++heap_len);
	arm();
}

void
timer_cancel(struct timer *timer)
{
	if (timer->place == 0)
		return;
	take_out(timer);
	arm();
}

int
timer_is_set(const struct timer *timer)
{
	return timer->place != 0;
}
