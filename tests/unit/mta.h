/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TESTS_MTA_H
#define POSTOAK_TESTS_MTA_H

#include "../../milter/rewrite.h"

/*
 * mta - what an MTA does with the edits of rewrite, on a list of fields, and
 * what has to hold afterwards. For tests of rewrite and what it calls.
 */

#define OWN                                                                    \
	"relay@contoso.com" /* may also send as sales@contoso.com and          \
			     * anything @alias.contoso.com */

extern struct rewrite_policy mta_policy;
extern int mta_utf8; /* the message is SMTPUTF8 */
extern struct rewrite_result mta_result;
extern char mta_sender[1024]; /* envelope, after the edits */
extern size_t mta_count;      /* of fields */

int mta_setup(void **state);
int mta_teardown(void **state);

/* Fields: forget all, append one, replace (value) or delete (NULL) one, the
 * place of the index-th of a name (mta_count if none), the first one's value.
 */
void mta_clear(void);
void mta_add(const char *name, const char *value);
void mta_change(const char *name, size_t index, const char *value);
size_t mta_place(const char *name, size_t index);
const char *mta_value(const char *name);

/* Decide, and carry the edits out. */
void mta_decide(const char *envelope);

/* The value of the first field of that name; NULL: there is none. */
void mta_expect(const char *name, const char *value);

/* Lines of at most 78 columns, printable ASCII. */
void mta_expect_folded(const char *name);

/* Exactly one From with one allowed address, an allowed envelope sender. */
void mta_expect_promise(void);

/* One From field, from a foreign envelope sender: what it becomes. */
void mta_from(const char *value, const char *expected);

#endif
