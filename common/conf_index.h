/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_INDEX_H
#define POSTOAK_CONF_INDEX_H

#include <stddef.h>

/*
 * conf_index - names to numbers, so that 100,000 accounts load and are found
 * without searching. Names are borrowed and compared without regard to ASCII
 * case. Called by conf.
 */

struct conf_index;

struct conf_index *conf_index_new(void);
void conf_index_free(struct conf_index *index);

/* Put name in with its number. 0, or -1 if it is there already. */
int conf_index_add(struct conf_index *index, const char *name, size_t number);

/* 1 and *number set, or 0. index may be NULL (nothing in it). */
int conf_index_find(
    const struct conf_index *index, const char *name, size_t *number);

#endif
