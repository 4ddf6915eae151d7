/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wipe - what is freed is wiped first, whoever frees it. See wipe.h.
 */
#define _GNU_SOURCE
#include "wipe.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if WIPE_ACTIVE

static void (*next_free)(void *);

/* Before main, and before any thread; a library's own start may be earlier. */
static __attribute__((constructor)) void
find_next(void)
{
	void *found = dlsym(RTLD_NEXT, "free");

	memcpy(&next_free, &found, sizeof(next_free));
}

void
free(void *memory)
{
	if (memory == NULL)
		return;
	explicit_bzero(memory, malloc_usable_size(memory));
	if (next_free == NULL)
		find_next();
	next_free(memory);
}

/* A block that moves leaves its old place wiped; one that fits stays. */
void *
realloc(void *memory, size_t size)
{
	size_t old = malloc_usable_size(memory);
	void *moved;

	if (memory != NULL && size > 0 && size <= old && size > old / 2)
		return memory;
	moved = malloc(size);
	if (memory == NULL || (moved == NULL && size > 0))
		return moved;
	memcpy(moved, memory, old < size ? old : size);
	free(memory);
	return moved;
}

void *
reallocarray(void *memory, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all))
		all = (size_t)-1; /* malloc refuses it with ENOMEM */
	return realloc(memory, all);
}

#endif
