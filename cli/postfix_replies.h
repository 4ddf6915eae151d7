/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_REPLIES_H
#define POSTOAK_POSTFIX_REPLIES_H

#include "buf.h"

/*
 * postfix_replies - the reply filter: which of a server's refusals Postfix is
 * to take as temporary (smtp_reply_filter in postconf(5)). Pure. Called by
 * postfix_plan; maillog knows the mark.
 *
 * What is said of the account (its quota, a block, a refused login) passes, or
 * somebody mends it, and is no fault of the message: that mail waits. What is
 * said of one message, its sender, its recipients, its size, stays as it is.
 */

/* Stands between the temporary code and the server's own reply. */
#define POSTFIX_REPLIES_MARK "deferred by postoak: "
#define POSTFIX_REPLIES_CODE "450"

/* Append the table's text, for type regexp (built into each Postfix). */
void postfix_replies_table(struct buf *out);

#endif
