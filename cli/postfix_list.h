/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_LIST_H
#define POSTOAK_POSTFIX_LIST_H

/*
 * postfix_list - parameters of main.cf that are lists, which postoak shares
 * with others: filters, routes. Pure. Called by postfix_change.
 */

/*
 * Our items, then those of now that are not ours, in their order. Ours are
 * those that stand in ours and those with "postoak" in them, of an earlier
 * time. An item may be { in braces } and hold blanks and commas. The caller
 * frees the result.
 */
char *postfix_list_join(const char *ours, const char *now);

#endif
