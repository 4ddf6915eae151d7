/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SERVICEACCOUNT_H
#define POSTOAK_SERVICEACCOUNT_H

#include <stdint.h>

#include "conf_account.h"
#include "err.h"
#include "secret.h"

/*
 * serviceaccount - Google's service accounts: an assertion for one user, signed
 * with the key of the JSON file (RFC 7523 section 2.1). Called by grant and
 * config; calls assertion, secretfile.
 */

/* The assertion for user into *jwt. -1 with ERR_CONFIG: the file is at fault.
 */
int serviceaccount_sign(const struct conf_application *application,
    const char *user, int64_t now_s, struct secret *jwt, struct err *err);

#endif
