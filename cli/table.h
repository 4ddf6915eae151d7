/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TABLE_H
#define POSTOAK_TABLE_H

#include <stdint.h>

#include "buf.h"
#include "json.h"
#include "show.h"

/*
 * table - the accounts' state and budgets as text for people. Pure: daemons'
 * answers and the time in, text out. Called by status and limits.
 */

/*
 * Both daemons' answers as one list: tokend's account objects, sorted with
 * trouble first, each given "limits": the milter's array for it, or null.
 * milter may be NULL. The array (one pointer an account, *count) is free()d
 * by the caller; the objects stay tokend's.
 */
struct json **table_merge(
    struct json *tokend, const struct json *milter, size_t *count);

/* One line an account, what is wrong with it below. */
void table_accounts(struct buf *out, struct json **accounts, size_t count,
    const struct show_style *style);

/* All that is known of one account. */
void table_details(struct buf *out, const struct json *account,
    const struct show_style *style);

/* The exit code that the accounts' states make: EX_CONFIG if an administrator
 * is needed, EX_NOPERM if somebody has to sign in, EX_TEMPFAIL if tokens cannot
 * be had just now, else EX_OK. */
int table_exit_code(struct json **accounts, size_t count);

#endif
