/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - strings that are wiped. See secret.h.
 *
 * Each secret has pages of its own: mlock and MADV_DONTDUMP work on pages, and
 * a page shared with other data would be unlocked under its neighbour.
 */
#define _GNU_SOURCE
#include "secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t
mapped_size(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + 1 + page - 1) / page * page;
}

int
secret_set(struct secret *secret, const char *data, size_t len)
{
	size_t size = mapped_size(len);
	char *copy = MAP_FAILED;

	if (len < SIZE_MAX / 2)
		copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED) {
		secret_clear(secret);
		errno = ENOMEM;
		return -1;
	}
	/* Best effort: RLIMIT_MEMLOCK may be small, and the data are wiped. */
	(void)mlock(copy, size);
	(void)madvise(copy, size, MADV_DONTDUMP);
	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	secret_clear(secret);
	secret->secret_data = copy;
	secret->secret_len = len;
	return 0;
}

int
secret_copy(struct secret *secret, const struct secret *from)
{
	if (secret_empty(from)) {
		secret_clear(secret);
		return 0;
	}
	return secret_set(secret, from->secret_data, from->secret_len);
}

void
secret_take(struct secret *secret, struct secret *from)
{
	if (secret == from)
		return;
	secret_clear(secret);
	*secret = *from;
	from->secret_data = NULL;
	from->secret_len = 0;
}

void
secret_clear(struct secret *secret)
{
	if (secret->secret_data != NULL) {
		explicit_bzero(secret->secret_data, secret->secret_len);
		munmap(secret->secret_data, mapped_size(secret->secret_len));
	}
	secret->secret_data = NULL;
	secret->secret_len = 0;
}

const char *
secret_reveal(const struct secret *secret)
{
	return secret->secret_data != NULL ? secret->secret_data : "";
}

size_t
secret_len(const struct secret *secret)
{
	return secret->secret_len;
}

int
secret_empty(const struct secret *secret)
{
	return secret->secret_len == 0;
}

int
secret_equal(const struct secret *a, const struct secret *b)
{
	unsigned char difference = 0;
	size_t i;

	if (a->secret_len != b->secret_len)
		return 0;
	for (i = 0; i < a->secret_len; i++)
		difference |=
		    (unsigned char)(a->secret_data[i] ^ b->secret_data[i]);
	return difference == 0;
}
