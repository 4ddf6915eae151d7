/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TURNS_H
#define POSTOAK_TURNS_H

#include <stddef.h>

/*
 * turns - whose held message goes next: accounts take turns, the one that has
 * waited for its turn longest is next; within an account the oldest message.
 * Pure.
 */

#define TURNS_NONE ((size_t)-1)

/* The first message of a lane. */
struct turns_lane {
	unsigned long long account; /* any number that stands for it */
	unsigned long long number;  /* smaller is older */
	unsigned long long turn;    /* the account's last one; 0: never */
	int open;		    /* it may be chosen */
};

/* The open lane that is next, or TURNS_NONE. */
size_t turns_next(const struct turns_lane *lanes, size_t count);

/* Its account has its turn now. */
void turns_take(struct turns_lane *lanes, size_t count, size_t lane,
    unsigned long long turn);

/* Who had which turn, from run to run. All zero: nobody. */
struct turns {
	struct turns_entry *entries;
	size_t count;
	unsigned long long turn; /* the last one */
};

unsigned long long turns_last(
    const struct turns *turns, unsigned long long account);
void turns_had(struct turns *turns, unsigned long long account);
void turns_clear(struct turns *turns);

#endif
