/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NOTES_H
#define POSTOAK_NOTES_H

#include <stdint.h>

#include "err.h"
#include "warning.h"

/*
 * notes - what is remembered of accounts and applications so that nobody is
 * told twice: who was told what, why there is no token, addresses, the length
 * of sign-ins. No secret, and nothing that a token depends on: the file
 * ".notes" in the store's directory is replaced as a whole, a second after a
 * change; without it some warnings come once more. Called by watch.
 */

#define NOTES_STATE_MAX 16

/* Why there is no token, as long as that waits for a person. */
struct notes_failure {
	struct err err;
	int64_t at_s;
	int64_t settings; /* a fingerprint of those it belongs to */
};

struct notes {
	char *about; /* "account relay@contoso.com" */
	uint8_t told[WARNING_COUNT];
	int64_t told_at_s[WARNING_COUNT];
	char state[NOTES_STATE_MAX]; /* the last one told; "": none */
	int64_t state_at_s;
	int64_t signed_in_at_s; /* by a person; 0: not known, or over */
	int64_t sign_in_life_s; /* of the sign-in before */
	char *addresses;	/* as warning_address has it, or NULL */
	char *address_before;
	int64_t address_at_s;	       /* of the last change */
	struct notes_failure *failure; /* or NULL */
	/* Not on disk. */
	int64_t refresh_at_s; /* last use of the refresh token; 0: none */
	int64_t certificate_ends_s;
	int64_t clock_off_s;
};

/* Read the file; what cannot be read is logged, and notes begin empty. */
void notes_open(const char *store);

/* Those of a subject, made if need be; valid until notes_close. */
struct notes *notes_of(const char *kind, const char *name);

/* Something that belongs on disk has changed. */
void notes_changed(void);

/* Save what is not saved yet, forget all. */
void notes_close(void);

#endif
