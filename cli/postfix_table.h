/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_POSTFIX_TABLE_H
#define POSTOAK_POSTFIX_TABLE_H

#include "err.h"

/*
 * postfix_table - ask Postfix's lookup tables, through its own postmap(1), and
 * take its lists apart. Called by postfix_way and check_transport.
 */

/*
 * The next item of a list of Postfix, separated by commas and blanks; what
 * stands in braces is one item. *list moves on. NULL at the end; else free()
 * it.
 */
char *postfix_table_item(const char **list);

/* 1 if the list has that item; ASCII case does not count. */
int postfix_table_has(const char *list, const char *item);

/*
 * Ask the tables of a list ("hash:/x, inline:{...}") in turn for key. 1 with
 * *value (free it); 0: none has it; -1 with *err: one cannot be asked, in
 * postmap's own words. directory is main.cf's, NULL: the default one.
 */
int postfix_table_ask(const char *directory, const char *tables,
    const char *key, char **value, struct err *err);

/* The same for an address: as a whole, then "@domain". */
int postfix_table_ask_address(const char *directory, const char *tables,
    const char *address, char **value, struct err *err);

#endif
