/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_RECENT_H
#define POSTOAK_RECENT_H

#include <stddef.h>

/*
 * recent - whose the last messages were, by queue id: a log line about one of
 * them names no account. Bounded, in memory, thread-safe. One that is pushed
 * out by another is simply not known any more.
 */

void recent_put(const char *id, const char *who);

/* 1 and who, or 0. */
int recent_get(const char *id, char *who, size_t size);

#endif
