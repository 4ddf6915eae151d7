/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SASL_QUERY_H
#define POSTOAK_SASL_QUERY_H

#include "err.h"
#include "sasl_tokend.h"

/*
 * sasl_query - asking the stand-in tokend through client.c. For client's tests.
 */

/* Fresh for each test by query_setup. */
extern struct tokend *tokend;

int query_setup(void **state);

/* Fails if a descriptor is left. */
int query_teardown(void **state);

/* As client_get_token; -2 if the answer was another account's. */
int query_ask(const char *account, int timeout_ms, struct err *err);

void query_assert_served(const char *account);

/* The number of the kept connection, -1 if there is none. */
int query_kept_fd(void);

#endif
