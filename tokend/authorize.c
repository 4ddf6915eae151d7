/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorize - the addresses of a sign-in by browser. See authorize.h.
 */
#define _GNU_SOURCE
#include "authorize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aadsts.h"
#include "assertion.h"
#include "buf.h"
#include "crypto.h"
#include "flow.h"
#include "mem.h"
#include "sentence.h"

#define RANDOM_LEN 32 /* 43 characters, the least of RFC 7636 section 4.1 */
#define TEXT_MAX 64

/* --- the way out -----------------------------------------------------------
 */

static int
make_random(struct secret *secret, struct err *err)
{
	unsigned char bytes[RANDOM_LEN];
	struct buf text;
	int rc = -1;

	buf_init(&text, TEXT_MAX);
	if (crypto_random(bytes, sizeof(bytes), err) == -1)
		goto out;
	if (assertion_base64url(&text, bytes, sizeof(bytes)) == -1 ||
	    secret_set(secret, text.data, text.len) == -1) {
		err_set(err, ERR_TEMPORARY, "memory", "out of memory");
		goto out;
	}
	rc = 0;
out:
	explicit_bzero(bytes, sizeof(bytes));
	buf_clear(&text);
	return rc;
}

static int
add_challenge(struct buf *query, const struct secret *verifier, struct err *err)
{
	unsigned char digest[CRYPTO_HASH_LEN];
	struct buf text;

	if (crypto_digest(secret_reveal(verifier), secret_len(verifier), digest,
		err) == -1)
		return -1;
	buf_init(&text, TEXT_MAX);
	assertion_base64url(&text, digest, sizeof(digest));
	flow_param(query, "code_challenge", text.data);
	flow_param(query, "code_challenge_method", "S256");
	buf_clear(&text);
	return 0;
}

/* Google gives a refresh token only if asked twice over. */
static void
add_customs(struct buf *query, const struct conf_application *application)
{
	if (strcmp(application->provider, "google") == 0) {
		flow_param(query, "access_type", "offline");
		flow_param(query, "prompt", "consent");
	} else {
		flow_param(query, "response_mode", "query");
	}
}

static int
make_address(struct authorize *authorize,
    const struct conf_application *application, const char *endpoint,
    const char *user, struct err *err)
{
	struct buf query, address;
	int rc;

	buf_init(&query, AUTHORIZE_ADDRESS_MAX);
	buf_init(&address, AUTHORIZE_ADDRESS_MAX);
	flow_param(&query, "client_id", application->client_id);
	flow_param(&query, "response_type", "code");
	flow_param(&query, "redirect_uri", authorize->redirect_uri);
	flow_param(&query, "scope", application->scope);
	flow_param(&query, "state", secret_reveal(&authorize->state));
	add_customs(&query, application);
	flow_param(&query, "login_hint", user);
	rc = add_challenge(&query, &authorize->verifier, err);
	buf_addf(&address, "%s%s%s", endpoint,
	    strchr(endpoint, '?') != NULL ? "&" : "?",
	    query.data != NULL ? query.data : "");
	if (rc == 0 && (query.truncated || address.truncated))
		rc = err_set(err, ERR_CONFIG, "size",
		    "the address to sign in at is longer than %d bytes",
		    AUTHORIZE_ADDRESS_MAX);
	if (rc == 0)
		authorize->address = buf_take(&address);
	buf_clear(&address);
	buf_clear(&query);
	return rc;
}

int
authorize_begin(struct authorize *authorize,
    const struct conf_application *application, const char *endpoint,
    const char *user, unsigned int port, struct err *err)
{
	memset(authorize, 0, sizeof(*authorize));
	/* The name, not a number, and no path: what Entra ID compares with the
	 * registered http://localhost is all but the port. */
	authorize->redirect_uri = mem_printf("http://localhost:%u", port);
	if (make_random(&authorize->state, err) == -1 ||
	    make_random(&authorize->verifier, err) == -1)
		return -1;
	return make_address(authorize, application, endpoint, user, err);
}

void
authorize_clear(struct authorize *authorize)
{
	secret_clear(&authorize->state);
	secret_clear(&authorize->verifier);
	free(authorize->redirect_uri);
	free(authorize->address);
	memset(authorize, 0, sizeof(*authorize));
}

/* --- the way back ----------------------------------------------------------
 */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decode in place (application/x-www-form-urlencoded); -1: NUL or no hex. */
static int
decode(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (*text == '+') {
			*out++ = ' ';
		} else if (*text != '%') {
			*out++ = *text;
		} else {
			if (hex(text[1]) == -1 || hex(text[2]) == -1)
				return -1;
			*out = (char)(hex(text[1]) << 4 | hex(text[2]));
			if (*out++ == '\0')
				return -1;
			text += 2;
		}
	}
	*out = '\0';
	return 0;
}

enum field { STATE, CODE, ERROR, DESCRIPTION, FIELDS };

/* Values point into query, which is changed. -1: broken, or a name twice. */
static int
split(char *query, char *fields[FIELDS])
{
	static const char *const names[FIELDS] = {
	    "state", "code", "error", "error_description"};
	char *pair, *value;
	size_t i;

	while ((pair = strsep(&query, "&")) != NULL) {
		value = strchr(pair, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		for (i = 0; i < FIELDS; i++) {
			if (strcmp(pair, names[i]) != 0)
				continue;
			if (fields[i] != NULL || decode(value) == -1)
				return -1;
			fields[i] = value;
		}
	}
	return 0;
}

/* From behind the "?" to the fragment or the first blank; to be freed. */
static char *
query_of(const char *address)
{
	const char *begin = address + strspn(address, " \t\r\n");
	const char *mark = strchr(begin, '?');

	if (mark != NULL)
		begin = mark + 1;
	return mem_strndup(begin, strcspn(begin, "# \t\r\n"));
}

static int
is_state(const struct authorize *authorize, const char *text)
{
	struct secret given = SECRET_INIT;
	int is_same;

	if (text == NULL || secret_set(&given, text, strlen(text)) == -1)
		return 0;
	is_same = secret_equal(&given, &authorize->state);
	secret_clear(&given);
	return is_same;
}

static int
take(const struct authorize *authorize, char *const fields[FIELDS],
    struct authorize_answer *answer, struct err *err)
{
	if (fields[CODE] == NULL && fields[ERROR] == NULL)
		return err_set(err, ERR_PROTOCOL, "address",
		    "this is not the address that a sign-in ends at; it "
		    "begins with %s and has code= in it",
		    authorize->redirect_uri);
	if (!is_state(authorize, fields[STATE]))
		return err_set(err, ERR_PROTOCOL, "state",
		    "this address belongs to another attempt to log in; use "
		    "the one that the sign-in just begun ends at");
	if (fields[ERROR] != NULL) {
		answer->error = mem_strdup(fields[ERROR]);
		answer->description = mem_strdup(fields[DESCRIPTION]);
		return 0;
	}
	if (*fields[CODE] == '\0')
		return err_set(err, ERR_PROTOCOL, "address",
		    "the code in this address is empty; sign in again");
	if (secret_set(&answer->code, fields[CODE], strlen(fields[CODE])) == -1)
		return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	return 0;
}

int
authorize_read(const struct authorize *authorize, const char *address,
    struct authorize_answer *answer, struct err *err)
{
	char *fields[FIELDS] = {NULL, NULL, NULL, NULL};
	size_t len = strlen(address);
	char *query;
	int rc;

	memset(answer, 0, sizeof(*answer));
	if (len > AUTHORIZE_ADDRESS_MAX)
		return err_set(err, ERR_PROTOCOL, "address",
		    "the address is longer than %d bytes",
		    AUTHORIZE_ADDRESS_MAX);
	query = query_of(address);
	len = strlen(query);
	if (split(query, fields) == -1)
		rc = err_set(err, ERR_PROTOCOL, "address",
		    "the address is broken; copy it whole");
	else
		rc = take(authorize, fields, answer, err);
	explicit_bzero(query, len);
	free(query);
	return rc;
}

void
authorize_refused(const struct authorize_answer *answer,
    const struct conf_account *account, int64_t now_s, struct err *err)
{
	const char *words =
	    answer->description != NULL ? answer->description : "";
	long number = aadsts_in_text(words);
	int is_temporary =
	    strcmp(answer->error, "server_error") == 0 ||
	    strcmp(answer->error, "temporarily_unavailable") == 0;
	struct sentence_about about;
	struct sentence row;
	char name[32], code[32] = "refused", text[SENTENCE_MAX];

	snprintf(name, sizeof(name), "AADSTS%ld", number);
	if (number > 0)
		snprintf(code, sizeof(code), "aadsts.%ld", number);
	sentence_about(&about, account->application, account, NULL, now_s);
	if (strcmp(answer->error, "access_denied") == 0) {
		err_set(err, ERR_LOGIN, "declined",
		    "account %.200s: the sign-in was declined in the browser "
		    "(%.300s); nothing has changed",
		    account->name, *words != '\0' ? words : answer->error);
	} else if (number > 0 && sentence_find(&row, name, &about)) {
		sentence_write(&row, &about, text, sizeof(text));
		err_set(err, aadsts_kind(row.class), code, "%s", text);
	} else {
		err_set(err, is_temporary ? ERR_TEMPORARY : ERR_LOGIN, code,
		    "account %.200s: the provider refuses the sign-in "
		    "(%.40s): %.300s",
		    account->name, answer->error, words);
	}
}

void
authorize_answer_clear(struct authorize_answer *answer)
{
	secret_clear(&answer->code);
	free(answer->error);
	free(answer->description);
	memset(answer, 0, sizeof(*answer));
}
