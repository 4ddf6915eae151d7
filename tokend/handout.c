/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handout - those who wait for a token. See handout.h.
 */
#include "handout.h"

#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "timer.h"

struct handout_wait {
	LIST_ENTRY(handout_wait) entry;
	struct timer timer;
	handout_done *done;
	void *arg;
	handout_over *over;
	void *owner;
	int64_t since_ms;
	int strict;
};

static void
on_time(void *arg)
{
	struct handout_wait *wait = arg;

	wait->over(wait->owner, wait);
}

struct handout_wait *
handout_add(struct handout_waits *waits, int64_t wait_ms, int strict,
    handout_done *done, void *arg, handout_over *over, void *owner)
{
	struct handout_wait *wait = mem_zalloc(1, sizeof(*wait));

	wait->done = done;
	wait->arg = arg;
	wait->over = over;
	wait->owner = owner;
	wait->strict = strict;
	wait->since_ms = clock_boot_ms();
	timer_init(&wait->timer, on_time, wait);
	timer_set(&wait->timer, wait->since_ms + wait_ms);
	LIST_INSERT_HEAD(waits, wait, entry);
	return wait;
}

void
handout_cancel(struct handout_wait *wait)
{
	if (wait == NULL)
		return;
	timer_cancel(&wait->timer);
	LIST_REMOVE(wait, entry);
	free(wait);
}

int64_t
handout_waited_ms(const struct handout_wait *wait)
{
	return clock_boot_ms() - wait->since_ms;
}

void
handout_end(struct handout_wait *wait, const struct handout *token, int fresh,
    const struct err *err)
{
	handout_done *done = wait->done;
	void *arg = wait->arg;
	int good = token != NULL && (fresh || !wait->strict);

	handout_cancel(wait);
	done(arg, good ? token : NULL, good ? NULL : err);
}

void
handout_end_all(struct handout_waits *waits, const struct handout *token,
    int fresh, const struct err *err)
{
	struct handout_waits all = LIST_HEAD_INITIALIZER(all);
	struct handout_wait *wait;

	while ((wait = LIST_FIRST(waits)) != NULL) {
		LIST_REMOVE(wait, entry);
		LIST_INSERT_HEAD(&all, wait, entry);
	}
	while ((wait = LIST_FIRST(&all)) != NULL)
		handout_end(wait, token, fresh, err);
}

size_t
handout_count(const struct handout_waits *waits)
{
	const struct handout_wait *wait;
	size_t count = 0;

	LIST_FOREACH(wait, waits, entry)
	count++;
	return count;
}
