/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_BARS_H
#define POSTOAK_BARS_H

#include "buf.h"
#include "json.h"
#include "show.h"

/*
 * bars - what the milter says of limits as text for people. Pure. Called by
 * limits and table. Of a limit that counts for many, with the member "used"
 * null, there is a line each in its "fullest".
 */

/* One entry of the milter's "accounts": name, bars, what is held, and what the
 * provider refuses. */
void bars_account(
    struct buf *out, const struct json *entry, const struct show_style *style);

/* The budgets of one account as bars; limits is the milter's array. */
void bars_show(
    struct buf *out, const struct json *limits, const struct show_style *style);

/* "18 of 30 this minute": the one that will stop the account first; account has
 * the member "limits". */
void bars_budget(struct buf *out, const struct json *account);

/* A line with what the provider refuses the account for; nothing without a
 * member "refused". */
void bars_refused(
    struct buf *out, const struct json *entry, const struct show_style *style);

#endif
