/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate - see gate.h.
 */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "gate.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t under_way;
static size_t deciding;
static int closed;

void
gate_begin(void)
{
	(void)pthread_mutex_lock(&lock);
	under_way++;
	(void)pthread_mutex_unlock(&lock);
}

void
gate_end(void)
{
	(void)pthread_mutex_lock(&lock);
	under_way--;
	(void)pthread_cond_signal(&changed);
	(void)pthread_mutex_unlock(&lock);
}

int
gate_decide(void)
{
	int open;

	(void)pthread_mutex_lock(&lock);
	open = !closed;
	if (open)
		deciding++;
	(void)pthread_mutex_unlock(&lock);
	return open;
}

void
gate_decided(void)
{
	(void)pthread_mutex_lock(&lock);
	deciding--;
	(void)pthread_cond_signal(&changed);
	(void)pthread_mutex_unlock(&lock);
}

void
gate_close(int timeout_ms)
{
	struct timespec until;
	int rc = 0;

	/* A clock set back must not keep the milter from ending. */
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_mutex_lock(&lock);
	while (under_way > 0 && rc == 0)
		rc = pthread_cond_clockwait(
		    &changed, &lock, CLOCK_MONOTONIC, &until);
	closed = 1;
	while (deciding > 0)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}
