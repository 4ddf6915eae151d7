/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_tls - see redis_tls.h.
 */
#include "redis_tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>

#include "clock.h"

/* Neither is ever looked into: they are OpenSSL's under another name. */
static SSL_CTX *
ctx_of(struct redis_tls_context *context)
{
	return (SSL_CTX *)(void *)context;
}

static SSL *
ssl_of(struct redis_tls *tls)
{
	return (SSL *)(void *)tls;
}

static const char *
reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text != NULL ? text : "the connection was closed";
}

struct redis_tls_context *
redis_tls_context_new(const char *ca_file, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int ok = 0;

	if (ctx != NULL) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
		     (ca_file != NULL
			     ? SSL_CTX_load_verify_file(ctx, ca_file) == 1
			     : SSL_CTX_set_default_verify_paths(ctx) == 1);
	}
	if (ok)
		return (struct redis_tls_context *)(void *)ctx;
	SSL_CTX_free(ctx);
	(void)err_set(err, ERR_CONFIG, "counters",
	    "counters_ca_file: %s cannot be used: %s; it must hold "
	    "certificates in PEM form",
	    ca_file != NULL ? ca_file : "the system's store", reason());
	ERR_clear_error();
	return NULL;
}

void
redis_tls_context_free(struct redis_tls_context *context)
{
	SSL_CTX_free(ctx_of(context));
}

/* What the last result asks to poll for; 0: it has failed. */
static short
wanted(SSL *ssl, int rc)
{
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

static int
expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char name[256]; /* OpenSSL's macro casts "const" away; it copies */

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return 1;
	if (snprintf(name, sizeof(name), "%s", host) >= (int)sizeof(name))
		return 0;
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* 1 when greeted, 0 when it failed or took too long. */
static int
greet(SSL *ssl, int fd, int64_t until_ms)
{
	struct pollfd wait = {.fd = fd};
	int64_t left;
	int rc;

	for (;;) {
		ERR_clear_error();
		rc = SSL_connect(ssl);
		if (rc == 1)
			return 1;
		wait.events = wanted(ssl, rc);
		left = until_ms - clock_boot_ms();
		if (wait.events == 0 || left <= 0)
			return 0;
		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return 0;
	}
}

struct redis_tls *
redis_tls_start(struct redis_tls_context *context, int fd, const char *host,
    int64_t until_ms, struct err *err)
{
	SSL *ssl = SSL_new(ctx_of(context));
	long verified;

	if (ssl != NULL && expect(ssl, host) && SSL_set_fd(ssl, fd) == 1 &&
	    greet(ssl, fd, until_ms))
		return (struct redis_tls *)(void *)ssl;
	verified = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
	(void)err_set(err, ERR_TEMPORARY, "tls", "no TLS with %s: %s", host,
	    verified != X509_V_OK ? X509_verify_cert_error_string(verified)
				  : reason());
	ERR_clear_error();
	SSL_free(ssl);
	return NULL;
}

/* No farewell: the descriptor is closed at once, and no answer awaited. */
void
redis_tls_free(struct redis_tls *tls)
{
	SSL_free(ssl_of(tls));
}

static ssize_t
outcome(SSL *ssl, int rc, short *events)
{
	if (rc > 0)
		return rc;
	*events = wanted(ssl, rc);
	if (SSL_get_error(ssl, rc) == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = *events != 0 ? EAGAIN : ECONNRESET;
	return -1;
}

ssize_t
redis_tls_read(struct redis_tls *tls, void *data, size_t len, short *events)
{
	ERR_clear_error();
	return outcome(ssl_of(tls),
	    SSL_read(ssl_of(tls), data, len > INT_MAX ? INT_MAX : (int)len),
	    events);
}

ssize_t
redis_tls_write(
    struct redis_tls *tls, const void *data, size_t len, short *events)
{
	ERR_clear_error();
	return outcome(ssl_of(tls),
	    SSL_write(ssl_of(tls), data, len > INT_MAX ? INT_MAX : (int)len),
	    events);
}
