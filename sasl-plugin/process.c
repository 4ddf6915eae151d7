/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - whether a fork has happened. See process.h.
 *
 * Not pthread_atfork: it does not see clone(2) and _Fork(3), and a handler in
 * memory that was unloaded is a crash of somebody else's program.
 */
#define _GNU_SOURCE
#include "process.h"

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* Empty in a child; NULL: not made yet. */
static _Atomic(atomic_ulong *) mark;

/* Inherited, so that a child's number is a new one; and none that getpid
 * gives, should there be no memory for a mark at one time only. */
static atomic_ulong last = LONG_MAX;

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Does madvise tell the truth? User-mode emulators take any advice, and heed
 * none. */
static int
is_wiped_on_fork(void *page)
{
	return madvise(page, page_size(), -1) == -1 &&
	       madvise(page, page_size(), MADV_WIPEONFORK) == 0;
}

/* NULL where the kernel (before 4.14) or the memory does not allow it. */
static atomic_ulong *
make_mark(void)
{
	atomic_ulong *other = NULL;
	void *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (is_wiped_on_fork(page) &&
	    atomic_compare_exchange_strong(&mark, &other, page))
		return page;
	munmap(page, page_size());
	return other; /* another thread's, made meanwhile */
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
		munmap(here, page_size());
}
