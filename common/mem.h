/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MEM_H
#define POSTOAK_MEM_H

#include <stddef.h>

/*
 * mem - the daemons' allocator: it does not fail, it aborts with a log line.
 * Never used in the plugin. Everything returned is free()d by its owner.
 */

void *mem_zalloc(size_t count, size_t size); /* zeroed; overflow checked */
void *mem_grow(void *old, size_t count, size_t size);
char *mem_strdup(const char *string); /* NULL gives NULL */
char *mem_strndup(const char *string, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
