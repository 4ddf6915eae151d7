/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TESTS_BLOCK_H
#define POSTOAK_TESTS_BLOCK_H

#include "hostile.h"
#include "judge.h"
#include "../../milter/message.h"

/*
 * block - a hostile message from the MTA to the milter's decision, and back to
 * the header block that the next server gets. For tests with many messages.
 */

/* How an MTA counts fields while edits are carried out. */
enum block_mta {
	BLOCK_POSTFIX,	/* a deleted field is gone */
	BLOCK_SENDMAIL, /* it is only marked and still counted */
};

#define BLOCK_MAX (4 * HOSTILE_BYTES)

struct block {
	struct rewrite_policy policy;
	struct address own;
	struct message message;
	struct rewrite_result result;
	char sender[1024];    /* after the edits */
	char text[BLOCK_MAX]; /* the header, lines ending in LF */
	size_t len;
};

extern const struct judge_rules block_rules; /* but for utf8 */

void block_init(struct block *block);
void block_clear(struct block *block);

/* Decide about the message, as the number wants it; 0, or -1 if it was refused
 * or discarded (result has the reason). */
int block_decide(struct block *block, const struct hostile *hostile);

/* Carry the edits out: sender, text and len. */
void block_edit(
    struct block *block, const struct hostile *hostile, enum block_mta mta);

/* The header as it came, in the same form. */
void block_before(struct block *block, const struct hostile *hostile);

#endif
