/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SECRET_H
#define POSTOAK_SECRET_H

#include <stddef.h>

/*
 * secret - a string that must not be printed, swapped or left behind.
 *
 * A struct of its own, so that passing one to "%s" does not compile. The bytes
 * are in a vault (vault.h): locked where the limit allows, kept out of cores,
 * and wiped before it takes them back.
 */

struct secret {
	char *secret_data; /* NUL-terminated; NULL when empty */
	size_t secret_len;
};

#define SECRET_INIT                                                            \
	{                                                                      \
		NULL, 0                                                        \
	}

/* Copy len bytes in, wiping what was there. 0, or -1 (ENOMEM; empty then). */
int secret_set(struct secret *secret, const char *data, size_t len);

/* Copy the other secret. 0, or -1 (ENOMEM). */
int secret_copy(struct secret *secret, const struct secret *from);

/* Move: secret takes what from holds, from is empty afterwards. */
void secret_take(struct secret *secret, struct secret *from);

/* Wipe and free; usable again. */
void secret_clear(struct secret *secret);

/* The bytes, "" when empty; valid until the secret changes. For the code
 * that must put it on a wire, into a hash or into a file, nothing else. */
const char *secret_reveal(const struct secret *secret);

size_t secret_len(const struct secret *secret);
int secret_empty(const struct secret *secret);

/* 1 if both hold the same bytes; takes the same time wherever they differ. */
int secret_equal(const struct secret *a, const struct secret *b);

#endif
