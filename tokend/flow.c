/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow - forms and answers of the token endpoint. See flow.h.
 */
#define _GNU_SOURCE
#include "flow.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "mem.h"

/* What RFC 6749 section 5.1 leaves open when expires_in is absent. */
#define DEFAULT_LIFE_S 3600
/* Of an expires_in that is no whole number: a token that is dead already would
 * cost mail, one that is fetched anew too early an exchange. */
#define UNREADABLE_LIFE_S 300
/* RFC 7523 section 2.2 */
#define CLIENT_ASSERTION                                                       \
	"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define LIFE_MAX_S (7 * 86400)

static const char *const names[] = {
    [FLOW_PASSWORD] = "password",
    [FLOW_REFRESH] = "refresh_token",
    [FLOW_CLIENT_CREDENTIALS] = "client_credentials",
    [FLOW_JWT_BEARER] = "urn:ietf:params:oauth:grant-type:jwt-bearer",
    [FLOW_DEVICE_CODE] = "urn:ietf:params:oauth:grant-type:device_code",
    [FLOW_AUTHORIZATION_CODE] = "authorization_code",
};

const char *
flow_name(enum flow_kind kind)
{
	return names[kind];
}

int
flow_is_sign_in(enum flow_kind kind)
{
	return kind == FLOW_DEVICE_CODE || kind == FLOW_AUTHORIZATION_CODE;
}

static int
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

void
flow_put(struct buf *form, const char *name, const char *value, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	char code[3] = {'%', 0, 0};
	unsigned char c;
	size_t i;

	if (form->len > 0)
		buf_adds(form, "&");
	buf_adds(form, name);
	buf_adds(form, "=");
	for (i = 0; i < len; i++) {
		c = (unsigned char)value[i];
		if (c != '\0' && is_unreserved(c)) {
			buf_add(form, &value[i], 1);
			continue;
		}
		code[1] = digits[c >> 4];
		code[2] = digits[c & 15];
		buf_add(form, code, sizeof(code));
	}
}

void
flow_param(struct buf *form, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		flow_put(form, name, value, strlen(value));
}

static void
put_secret(struct buf *form, const char *name, const struct secret *value)
{
	if (value != NULL && !secret_empty(value))
		flow_put(form, name, secret_reveal(value), secret_len(value));
}

static int
check_size(const struct buf *form, struct err *err)
{
	if (form->truncated)
		return err_set(err, ERR_CONFIG, "size",
		    "the request to the token endpoint is larger than %d bytes",
		    FLOW_FORM_MAX);
	return 0;
}

int
flow_form(const struct flow_request *request, struct buf *form, struct err *err)
{
	if (request->kind == FLOW_JWT_BEARER) {
		flow_param(form, "grant_type", names[request->kind]);
		put_secret(form, "assertion", request->assertion);
		return check_size(form, err);
	}
	flow_param(form, "client_id", request->client_id);
	flow_param(form, "grant_type", names[request->kind]);
	/* What a device code is good for was said when it was asked for. */
	if (request->kind != FLOW_DEVICE_CODE)
		flow_param(form, "scope", request->scope);
	put_secret(form, "client_secret", request->client_secret);
	if (request->assertion != NULL && !secret_empty(request->assertion)) {
		flow_param(form, "client_assertion_type", CLIENT_ASSERTION);
		put_secret(form, "client_assertion", request->assertion);
	}
	if (request->kind == FLOW_PASSWORD) {
		flow_param(form, "username", request->user);
		put_secret(form, "password", request->password);
	}
	if (request->kind == FLOW_REFRESH)
		put_secret(form, "refresh_token", request->refresh_token);
	if (request->kind == FLOW_DEVICE_CODE)
		put_secret(form, "device_code", request->code);
	if (request->kind == FLOW_AUTHORIZATION_CODE) {
		put_secret(form, "code", request->code);
		flow_param(form, "redirect_uri", request->redirect_uri);
		put_secret(form, "code_verifier", request->verifier);
	}
	return check_size(form, err);
}

/* RFC 6750 section 2.1: what a token may consist of. */
static int
is_token(const char *text)
{
	size_t len = strlen(text);
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] <= 0x20 ||
		    (unsigned char)text[i] >= 0x7f)
			return 0;
	return len > 0 && len <= FLOW_TOKEN_MAX;
}

/* RFC 6749 section 3.3; what is none is only shown, and not worth a token. */
static const char *
usable_scope(const char *text)
{
	size_t i;

	for (i = 0; text != NULL && text[i] != '\0'; i++)
		if ((unsigned char)text[i] < 0x20 ||
		    (unsigned char)text[i] >= 0x7f || i == FLOW_SCOPE_MAX)
			return NULL;
	return text;
}

static int
unusable(struct err *err, const char *what)
{
	return err_set(err, ERR_TEMPORARY, "endpoint",
	    "the token endpoint sent a token that cannot be used: %s", what);
}

static int
take(struct flow_token *token, const struct json *json, struct err *err)
{
	const char *access = json_get_string(json, "access_token");
	const char *refresh = json_get_string(json, "refresh_token");
	const char *type = json_get_string(json, "token_type");

	token->expires_in_s = DEFAULT_LIFE_S;
	if (!json_get_int(json, "expires_in", &token->expires_in_s) &&
	    json_has(json, "expires_in"))
		token->expires_in_s = UNREADABLE_LIFE_S;
	if (!is_token(access))
		return unusable(err, "it is empty, too long or not ASCII");
	if (type != NULL && strcasecmp(type, "Bearer") != 0)
		return unusable(err, "its token_type is not Bearer");
	if (token->expires_in_s <= 0)
		return unusable(err, "its expires_in is no positive number");
	if (token->expires_in_s > LIFE_MAX_S)
		token->expires_in_s = LIFE_MAX_S;
	if (secret_set(&token->access, access, strlen(access)) == -1)
		return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	/* One that cannot be stored is as good as none: the old one stays. */
	if (refresh != NULL && is_token(refresh) &&
	    secret_set(&token->refresh, refresh, strlen(refresh)) == -1)
		return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	token->scope = mem_strdup(usable_scope(json_get_string(json, "scope")));
	return 0;
}

int
flow_answer(long status, const char *body, size_t len, struct flow_token *token,
    struct err *err)
{
	struct json *json;
	int rc = 0;

	memset(token, 0, sizeof(*token));
	if (status != 200)
		return 0;
	json = json_parse(body, len, NULL);
	if (json != NULL && json_get_string(json, "access_token") != NULL)
		rc = take(token, json, err) == 0 ? 1 : -1;
	json_free(json);
	if (rc == -1)
		flow_token_clear(token);
	return rc;
}

void
flow_token_clear(struct flow_token *token)
{
	secret_clear(&token->access);
	secret_clear(&token->refresh);
	free(token->scope);
	token->scope = NULL;
}
