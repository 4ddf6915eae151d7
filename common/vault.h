/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VAULT_H
#define POSTOAK_VAULT_H

#include <stddef.h>

/*
 * vault - memory for secrets: in blocks of 64 KiB that nothing else shares,
 * locked (mlock2, page by page as they are used), kept out of cores
 * (MADV_DONTDUMP), with a guard page on both sides. Many secrets share a page,
 * because thousands of accounts have one each. Any thread may call.
 *
 * RLIMIT_MEMLOCK counts whole blocks. A block that may not be locked is used
 * all the same: the daemon goes on, and says once that secrets may reach swap.
 */

/* len bytes, aligned to 16; NULL with errno ENOMEM. */
void *vault_take(size_t len);

/* Wipe and give back; len as it was asked for. NULL is allowed. */
void vault_give(void *data, size_t len);

/*
 * Called once, when a block could not be locked for the first time: errnum is
 * why, limit the bytes that RLIMIT_MEMLOCK allows. Set before the first secret.
 */
typedef void vault_tell(int errnum, size_t limit);

/* Raise the soft limit to the hard one, and have tell called. */
void vault_start(vault_tell *tell);

#endif
