/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REDIS_TLS_H
#define POSTOAK_REDIS_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * redis_tls - TLS to a Redis server, over a non-blocking descriptor. The
 * milter's only door to OpenSSL. hiredis has TLS of its own from 1.0 on, but
 * not in Debian 12, and none that ends at a deadline.
 */

struct redis_tls_context; /* what certificates are checked against */
struct redis_tls;	  /* one connection */

/* ca_file NULL: the system's certificates. NULL with ERR_CONFIG. */
struct redis_tls_context *redis_tls_context_new(
    const char *ca_file, struct err *err);
void redis_tls_context_free(struct redis_tls_context *context);

/*
 * Greet the server, whose certificate must be for host (a name or an address),
 * with TLS 1.2 or newer, until until_ms (clock_boot_ms). NULL with *err. The
 * descriptor stays the caller's; the context may be freed before.
 */
struct redis_tls *redis_tls_start(struct redis_tls_context *context, int fd,
    const char *host, int64_t until_ms, struct err *err);
void redis_tls_free(struct redis_tls *tls);

/*
 * As read(2) and write(2) of a non-blocking descriptor; -1 with errno EAGAIN
 * and in *events what to poll for. 0 of a read is the end.
 */
ssize_t redis_tls_read(
    struct redis_tls *tls, void *data, size_t len, short *events);
ssize_t redis_tls_write(
    struct redis_tls *tls, const void *data, size_t len, short *events);

#endif
