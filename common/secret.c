/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - strings that are wiped. See secret.h.
 */
#include "secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "vault.h"

int
secret_set(struct secret *secret, const char *data, size_t len)
{
	char *copy = NULL;

	if (len < SIZE_MAX)
		copy = vault_take(len + 1);
	if (copy == NULL) {
		secret_clear(secret);
		errno = ENOMEM;
		return -1;
	}
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
	vault_give(secret->secret_data, secret->secret_len + 1);
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
