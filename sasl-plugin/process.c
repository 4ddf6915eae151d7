/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - whether a fork has happened. See process.h.
 *
 * Not pthread_atfork: it does not see clone(2) and _Fork(3), and a handler in
 * memory that was unloaded is a crash of somebody else's program.
 */
#define _GNU_SOURCE
#include "process.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* Empty in a child; NULL: not made yet. */
static _Atomic(atomic_ulong *) mark;
static size_t mark_size;

/* Inherited, so that a child's number is a new one. */
static atomic_ulong last;

/* NULL where the kernel (before 4.14) or the memory does not allow it. */
static atomic_ulong *
make_mark(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	atomic_ulong *made = NULL, *other = NULL;
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, size, MADV_WIPEONFORK) == 0) {
		made = page;
		mark_size = size;
		if (atomic_compare_exchange_strong(&mark, &other, made))
			return made;
	}
	munmap(page, size);
	return other;
}

unsigned long
process_number(void)
{
	atomic_ulong *here = atomic_load(&mark);
	unsigned long number, none = 0;

	if (here == NULL)
		here = make_mark();
	if (here == NULL)
		return (unsigned long)getpid();
	number = atomic_load(here);
	if (number != 0)
		return number;
	number = atomic_fetch_add(&last, 1) + 1;
	return atomic_compare_exchange_strong(here, &none, number) ? number
								   : none;
}

void
process_forget(void)
{
	atomic_ulong *here = atomic_exchange(&mark, NULL);

	if (here != NULL)
		munmap(here, mark_size);
}
