/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PROOF_H
#define POSTOAK_PROOF_H

#include <stdint.h>

#include "conf.h"
#include "crypto.h"
#include "err.h"
#include "record.h"

/*
 * proof - what is shown to the provider, known again by its fingerprint: the
 * password with its user, or the client secrets, and where they are sent. What
 * was refused is not shown again as long as that stays the same. Called by
 * grant and failure; account is NULL for an application's own credential.
 */

/* 0, or -1 if a file cannot be read. */
int proof_id(const struct conf_application *application,
    const struct conf_account *account, enum record_refused what,
    char id[CRYPTO_HEX_LEN], struct err *err);

/* A number that changes when one of the files does. */
uint64_t proof_stamp(const struct conf_application *application,
    const struct conf_account *account);

#endif
