/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_WHOM_H
#define POSTOAK_WHOM_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "sentence.h"

/*
 * whom - which account or application a text speaks of, by the configuration.
 * Pure. Called by explain.
 */

struct whom {
	struct sentence_about about; /* borrows from conf and from mailbox */
	char mailbox[256];	     /* of an account for a whole domain */
};

/*
 * The first account that is named in the text; else the first application
 * behind the word "application"; else the only account or application there is;
 * else nothing is known. conf may be NULL.
 */
void whom_find(struct whom *whom, const struct conf *conf, const char *text,
    int64_t now_s);

/*
 * Look up a code as sentence_find does, in the grant whose sentence stands in
 * the text; in the account's own if none does.
 */
int whom_sentence(struct sentence *sentence, struct whom *whom,
    const char *code, const char *text);

#endif
