/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TESTS_HOSTILE_H
#define POSTOAK_TESTS_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * hostile - messages that try to pass a sender through: made from a seed, the
 * same ones each time. What is made is what an MTA hands to a milter: fields
 * without the blank behind the colon, folds as LF, no NUL.
 */

#define HOSTILE_FIELDS 220
#define HOSTILE_BYTES (96 * 1024)

struct hostile_field {
	const char *name;
	const char *value; /* in the block's bytes, or owned by nobody */
};

struct hostile {
	uint64_t state; /* of the generator */
	char sender[200];
	int utf8; /* declared SMTPUTF8 */
	struct hostile_field fields[HOSTILE_FIELDS];
	size_t count;
	char bytes[HOSTILE_BYTES];
	size_t used;
};

/* Make the message of that number, from nothing else. */
void hostile_make(struct hostile *hostile, uint64_t number);

/* A number below n from the generator. */
size_t hostile_below(struct hostile *hostile, size_t n);

#endif
