/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_GRANT_SAVE_H
#define POSTOAK_GRANT_SAVE_H

#include "flow.h"
#include "grant_order.h"
#include "record.h"
#include "store.h"

/*
 * grant_save - what of an exchange must survive goes on disk, before anybody
 * hears of its end. record is what is kept of the credential, and is changed.
 * Each returns NULL, or the record, to be dropped, if the disk does not take
 * it; then record is empty and *err says why. Called by grant.
 */

/* The tokens that were won. */
struct record *grant_save_token(const struct grant_order *order,
    struct store *store, struct record *record, enum flow_kind how,
    struct flow_token *won, struct err *err);

/* As it is: what was refused stands in it. */
struct record *grant_save_record(const struct grant_order *order,
    struct store *store, struct record *record, struct err *err);

/* Free a record that nobody took. NULL is allowed. */
void grant_save_drop(struct record *unsaved);

#endif
