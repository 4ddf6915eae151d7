/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SEALKEY_H
#define POSTOAK_SEALKEY_H

#include "crypto.h"
#include "err.h"

/*
 * sealkey - the key of the token store: a credential of the service manager
 * (systemd.exec(5), name "postoak-seal-key") before the configured file, which
 * is made on the first start. 32 bytes, any values.
 */

struct sealkey {
	struct secret key;	/* CRYPTO_KEY_LEN bytes */
	char id[CRYPTO_ID_LEN]; /* names the key without giving it away */
	int made;		/* it was not there and has just been made */
};

#define SEALKEY_CREDENTIAL "postoak-seal-key"

/*
 * Read the key, or make it if make is not 0 and there is none (then an absent
 * key is an error only if it cannot be made). 0 or -1; wipe it after use.
 */
int sealkey_load(
    struct sealkey *key, const char *path, int make, struct err *err);

void sealkey_clear(struct sealkey *key);

#endif
