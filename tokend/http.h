/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HTTP_H
#define POSTOAK_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct event_base;

/*
 * http - the only door to libcurl: one request, one bounded answer.
 *
 * HTTPS with verification, TLS 1.2 up; plain HTTP for loopback only. No
 * redirect, no cookie, no proxy but the configured one. Each exchange has a
 * connection of its own: libcurl repeats a request by itself when a kept
 * connection turns out dead, and a password must not be shown twice.
 */

#define HTTP_BODY_MAX 65536
#define HTTP_CONNECT_MS 10000
#define HTTP_TOTAL_MS 30000

struct http; /* an exchange under way */

struct http_answer {
	long status;
	const char *body; /* NUL-terminated; valid during the callback */
	size_t body_len;
	const char *content_type; /* or "" */
	int64_t retry_after_s;	  /* 0: absent or past; a day at most */
	int64_t date_s;		  /* the server's clock; 0: it does not say */
};

/*
 * Called once, from the loop: with an answer, or with NULL and an error
 * (ERR_TEMPORARY, code "endpoint", a text without subject such as "cannot be
 * reached: ...").
 */
typedef void http_done(
    void *arg, const struct http_answer *answer, const struct err *err);

struct http_post {
	const char *url;
	const char *proxy;   /* NULL: none */
	const char *ca_file; /* NULL: the system's */
};

/* A plain GET by the same rules. */
struct http *http_get(
    const struct http_post *get, http_done *done, void *arg, struct err *err);

/*
 * Ask an instance metadata service: a GET with "Metadata: true", never through
 * a proxy, plain HTTP to loopback and link-local addresses only.
 */
struct http *http_get_metadata(
    const char *url, http_done *done, void *arg, struct err *err);
int http_check_metadata_url(const char *url, struct err *err);

/*
 * After crypto_start. via: a Unix socket through which everything goes, or
 * NULL. 0 or -1.
 */
int http_start(struct event_base *base, const char *via, struct err *err);
void http_stop(void);

/* 0 if a secret may be sent there: https, or http to loopback. */
int http_check_url(const char *url, struct err *err);

/*
 * Send a form; it is taken and wiped. NULL with an error if it cannot even be
 * begun; done is not called then.
 */
struct http *http_post(const struct http_post *post, struct buf *form,
    http_done *done, void *arg, struct err *err);

/* End it: done is not called any more. NULL is allowed. */
void http_cancel(struct http *http);

#endif
