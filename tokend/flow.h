/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_FLOW_H
#define POSTOAK_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

/*
 * flow - the form of each OAuth 2.0 grant and the answer to it (RFC 6749
 * sections 4.1.3, 4.3, 4.4, 5.1, 6; RFC 8628 section 3.4). Pure. What is no
 * token is for refusal to judge.
 */

enum flow_kind {
	FLOW_PASSWORD,
	FLOW_REFRESH,
	FLOW_CLIENT_CREDENTIALS,
	FLOW_JWT_BEARER, /* RFC 7523 section 2.1 */
	FLOW_DEVICE_CODE,
	FLOW_AUTHORIZATION_CODE,
};

#define FLOW_FORM_MAX 65536
#define FLOW_TOKEN_MAX                                                         \
	60000 /* an answer block of the token socket holds it                  \
	       */

#define FLOW_SCOPE_MAX 4096 /* bytes; a record holds it beside the token */

struct flow_request {
	enum flow_kind kind;
	const char *client_id;
	const char *scope; /* or NULL: none is sent */
	const char *user;
	const struct secret *client_secret; /* NULL or empty: public client */
	const struct secret *assertion;	    /* the client's, instead of that */
	const struct secret *password;
	const struct secret *refresh_token;
	const struct secret *code;     /* a sign-in's, of either kind */
	const struct secret *verifier; /* RFC 7636, of an authorization code */
	const char *redirect_uri;      /* likewise */
};

struct flow_token {
	struct secret access;
	struct secret refresh; /* empty: the old one stays */
	char *scope;	       /* as granted; NULL: not said, or no scope */
	int64_t expires_in_s;  /* an hour if not said, a week at most; five
				* minutes if it is no whole number */
};

/* The grant_type as it is sent, also for logs. */
const char *flow_name(enum flow_kind kind);

/* 1 if a person signs in for this grant; then trying again does not help. */
int flow_is_sign_in(enum flow_kind kind);

/* Append "name=value", percent-encoded, behind a "&" unless form is empty. */
void flow_put(
    struct buf *form, const char *name, const char *value, size_t len);

/* The same, nothing for a value that is NULL or empty. */
void flow_param(struct buf *form, const char *name, const char *value);

/* Append the form-encoded request. 0, or -1: too long. */
int flow_form(
    const struct flow_request *request, struct buf *form, struct err *err);

/*
 * 1: *token is set (clear it). 0: the answer holds no token. -1: it holds one
 * that cannot be used, ERR_TEMPORARY code "endpoint".
 */
int flow_answer(long status, const char *body, size_t len,
    struct flow_token *token, struct err *err);

void flow_token_clear(struct flow_token *token);

#endif
