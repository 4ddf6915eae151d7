/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_TAKE_H
#define POSTOAK_CONF_TAKE_H

#include "conf_account.h"
#include "conf_value.h"

/*
 * conf_take - put a checked value into the struct of its section. Called
 * through the option tables.
 *
 * Each takes the value and the address of the field it belongs to; for lists it
 * is called once an item. 0, or -1 with value->problem as conf_value has it.
 */

int conf_take_string(struct conf_value *value, void *field);
int conf_take_lower(struct conf_value *value, void *field);
int conf_take_path(struct conf_value *value, void *field);
int conf_take_item(struct conf_value *value, void *field);
int conf_take_lower_item(struct conf_value *value, void *field);
int conf_take_path_item(struct conf_value *value, void *field);
int conf_take_milter_listen(struct conf_value *value, void *field);
int conf_take_counters(struct conf_value *value, void *field);

/* These check as well. */
int conf_take_grant(struct conf_value *value, void *field);
int conf_take_on_sender(struct conf_value *value, void *field);
int conf_take_on_bounce(struct conf_value *value, void *field);
int conf_take_percent(struct conf_value *value, void *field);
int conf_take_count(struct conf_value *value, void *field);
int conf_take_size(struct conf_value *value, void *field);
int conf_take_duration(struct conf_value *value, void *field);

/* For lists these take the whole struct conf_account. */
int conf_take_on_limit(struct conf_value *value, void *account);
int conf_take_limit(struct conf_value *value, void *account);

/* path made absolute: dir/path unless it is already; the caller frees it. */
char *conf_take_absolute(const char *dir, const char *path);

/* The word of a grant, NULL for CONF_GRANT_NONE. */
const char *conf_take_grant_word(enum conf_grant grant);

#endif
