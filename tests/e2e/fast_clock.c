/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fast_clock - put before the C library: CLOCK_BOOTTIME and the timers on it
 * run FACTOR times as fast from the start of the program on.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int64_t start;

static int64_t
read_clock(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts) == -1)
		return -1;
	return ts->tv_sec * SECOND + ts->tv_nsec;
}

static void
put(struct timespec *ts, int64_t ns)
{
	ts->tv_sec = ns / SECOND;
	ts->tv_nsec = ns % SECOND;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t now = read_clock(id, ts);

	if (now == -1)
		return -1;
	if (id != CLOCK_BOOTTIME)
		return 0;
	if (start == 0)
		start = now;
	put(ts, start + (now - start) * FACTOR);
	return 0;
}

/* All timers are absolute and on that clock. */
int
timerfd_settime(
    int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	struct itimerspec real = *new;
	int64_t at = new->it_value.tv_sec *SECOND + new->it_value.tv_nsec;

	if (start != 0 && at > start)
		put(&real.it_value, start + (at - start) / FACTOR);
	return (int)syscall(SYS_timerfd_settime, fd, flags, &real, old);
}
