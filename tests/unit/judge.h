/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TESTS_JUDGE_H
#define POSTOAK_TESTS_JUDGE_H

#include <stddef.h>

/*
 * judge - is this header block one from a single allowed address? A reader of
 * its own that shares nothing with the milter's: it takes the block as text, as
 * the next server does, and knows only one way to write a sender; all other
 * ways, right ones included, are none.
 */

struct judge_rules {
	const char *const *addresses; /* allowed, in lower case; NULL ends */
	const char *domain;	      /* "@alias.contoso.com", or NULL */
	int utf8;		      /* bytes above ASCII may be in From */
};

/* NULL if all is well, else what is wrong. The block's lines end in LF. */
const char *judge_block(
    const struct judge_rules *rules, const char *block, size_t len);

/* The same for the envelope sender, "<a@b>" or bare. */
const char *judge_envelope(const struct judge_rules *rules, const char *sender);

#endif
