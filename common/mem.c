/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem - allocation that ends the program instead of failing. See mem.h.
 */
#define _GNU_SOURCE
#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static void *
checked(void *memory)
{
	if (memory == NULL) {
		log_warn(NULL, "out of memory: ending, to be started again");
		abort();
	}
	return memory;
}

void *
mem_zalloc(size_t count, size_t size)
{
	return checked(calloc(count > 0 ? count : 1, size));
}

void *
mem_grow(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count > 0 ? count : 1, size));
}

char *
mem_strdup(const char *string)
{
	return string == NULL ? NULL : checked(strdup(string));
}

char *
mem_strndup(const char *string, size_t len)
{
	return checked(strndup(string, len));
}

char *
mem_printf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return checked(len == -1 ? NULL : text);
}
