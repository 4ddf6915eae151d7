/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_METRICS_H
#define POSTOAK_METRICS_H

#include "buf.h"
#include "json.h"

struct event_base;

/*
 * metrics - the accounts' states and warnings as OpenMetrics text (OpenMetrics
 * 1.0), for Prometheus. Called by main; asks account.
 */

#define METRICS_MAX (64 * 1024 * 1024)

void metrics_start(struct event_base *base);

/*
 * Serve on address ("127.0.0.1:9466"), which is checked already; NULL: no
 * longer. If it cannot be had a line says so and mail goes on: figures are no
 * reason to stop it.
 */
void metrics_apply(const char *address);
void metrics_stop(void);

/* Append the figures of accounts, an array as status answers it. */
void metrics_write(const struct json *accounts, struct buf *out);

#endif
