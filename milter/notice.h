/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NOTICE_H
#define POSTOAK_NOTICE_H

#include "rewrite_edit.h"
#include "rewrite_input.h"

/*
 * notice - mail that a mail system wrote in answer to other mail: delivery
 * notices, receipts, automatic replies. Here they lose the empty envelope
 * sender, which kept others from answering them; so they are marked, and
 * counted each time they come by. Pure.
 */

/* How often a notice may have passed a postoak before; more is a loop. */
#define NOTICE_PASSES_MAX 5

/*
 * 1 for a message with the null sender, with Auto-Submitted: auto-replied, with
 * a delivery status or disposition notification in it (RFC 3462), or that was
 * one when it passed before. What programs send of their own accord
 * (auto-generated) is none.
 */
int notice_is(const struct rewrite_input *input, int null_sender);

/* 1 if it has passed too often. */
int notice_loops(const struct rewrite_input *input);

/* Keep or add Auto-Submitted (RFC 3834), add a trace that names the mailbox. */
void notice_mark(struct rewrite_edits *edits, const struct rewrite_input *input,
    const char *mailbox);

#endif
