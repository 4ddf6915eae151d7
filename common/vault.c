/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault - memory for secrets. See vault.h.
 *
 * A block begins with its own description, one byte for each unit of 64 bytes,
 * and is aligned to its size, so that an address tells its block. What is
 * larger than half a block gets pages of its own.
 */
#define _GNU_SOURCE
#include "vault.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#define BLOCK ((size_t)65536)
#define UNIT ((size_t)64)
#define UNITS (BLOCK / UNIT)

struct block {
	LIST_ENTRY(block) entry;
	size_t free;	  /* units */
	char used[UNITS]; /* those of the description included */
};

#define DESCRIPTION ((sizeof(struct block) + UNIT - 1) / UNIT)

static LIST_HEAD(, block) blocks = LIST_HEAD_INITIALIZER(blocks);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vault_tell *tell_once;

/* --- pages -----------------------------------------------------------------
 */

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void
tell(int errnum)
{
	vault_tell *the_tell = tell_once;
	struct rlimit limit = {0, 0};

	tell_once = NULL;
	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	if (the_tell != NULL)
		the_tell(errnum, (size_t)limit.rlim_cur);
}

/* Locked as they are touched: an idle daemon must not hold them all. */
static void
protect(void *data, size_t len)
{
	if (mlock2(data, len, MLOCK_ONFAULT) == -1)
		tell(errno);
	(void)madvise(data, len, MADV_DONTDUMP);
}

/*
 * len bytes, a whole number of pages, at a multiple of align (which is one,
 * too), between two pages that nobody may touch. NULL if there is no memory.
 */
static void *
map(size_t len, size_t align)
{
	size_t guard = page_size(), all = len + align + 2 * guard;
	char *whole, *data, *end;

	whole = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (whole == MAP_FAILED)
		return NULL;
	data = whole + guard;
	data += (align - (uintptr_t)data % align) % align;
	end = data + len + guard;
	if (mprotect(data, len, PROT_READ | PROT_WRITE) == -1) {
		munmap(whole, all);
		return NULL;
	}
	if (data - guard > whole)
		munmap(whole, (size_t)(data - guard - whole));
	if (whole + all > end)
		munmap(end, (size_t)(whole + all - end));
	protect(data, len);
	return data;
}

static void
unmap(void *data, size_t len)
{
	size_t guard = page_size();

	munmap((char *)data - guard, len + 2 * guard);
}

/* --- blocks ----------------------------------------------------------------
 */

static size_t
units_of(size_t len)
{
	return len == 0 ? 1 : (len + UNIT - 1) / UNIT;
}

static struct block *
block_of(void *data)
{
	char *at = data;

	return (void *)(at - (uintptr_t)at % BLOCK);
}

static struct block *
new_block(void)
{
	struct block *block = map(BLOCK, BLOCK);

	if (block == NULL)
		return NULL;
	memset(block->used, 1, DESCRIPTION);
	block->free = UNITS - DESCRIPTION;
	LIST_INSERT_HEAD(&blocks, block, entry);
	return block;
}

/* The first run of count free units, marked used; NULL if there is none. */
static void *
take_from(struct block *block, size_t count)
{
	char *used = block->used, *end = used + UNITS, *from = used, *taken;

	if (block->free < count)
		return NULL;
	while ((from = memchr(from, 0, (size_t)(end - from))) != NULL &&
	       (size_t)(end - from) >= count) {
		taken = memchr(from, 1, count);
		if (taken == NULL) {
			memset(from, 1, count);
			block->free -= count;
			return (char *)block + (size_t)(from - used) * UNIT;
		}
		from = taken;
	}
	return NULL;
}

static void *
take_units(size_t count)
{
	struct block *block;
	void *data = NULL;

	pthread_mutex_lock(&lock);
	LIST_FOREACH(block, &blocks, entry)
	{
		data = take_from(block, count);
		if (data != NULL)
			break;
	}
	if (data == NULL && (block = new_block()) != NULL)
		data = take_from(block, count);
	pthread_mutex_unlock(&lock);
	return data;
}

/* An empty block goes back to the system, but for the last one. */
static void
give_units(void *data, size_t count)
{
	struct block *block = block_of(data);
	size_t first = (size_t)((char *)data - (char *)block) / UNIT;

	pthread_mutex_lock(&lock);
	memset(block->used + first, 0, count);
	block->free += count;
	if (block->free == UNITS - DESCRIPTION &&
	    (block != LIST_FIRST(&blocks) || LIST_NEXT(block, entry) != NULL)) {
		LIST_REMOVE(block, entry);
		unmap(block, BLOCK);
	}
	pthread_mutex_unlock(&lock);
}

/* --- the outside -----------------------------------------------------------
 */

static size_t
own_size(size_t len)
{
	size_t page = page_size();

	return (len + page - 1) / page * page;
}

void *
vault_take(size_t len)
{
	void *data = NULL;

	if (len <= BLOCK / 2) {
		data = take_units(units_of(len));
	} else if (len < SIZE_MAX / 4) {
		pthread_mutex_lock(&lock);
		data = map(own_size(len), page_size());
		pthread_mutex_unlock(&lock);
	}
	if (data == NULL)
		errno = ENOMEM;
	return data;
}

void
vault_give(void *data, size_t len)
{
	if (data == NULL)
		return;
	explicit_bzero(data, len);
	if (len <= BLOCK / 2)
		give_units(data, units_of(len));
	else
		unmap(data, own_size(len));
}

void
vault_start(vault_tell *the_tell)
{
	struct rlimit limit;

	tell_once = the_tell;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	}
}
