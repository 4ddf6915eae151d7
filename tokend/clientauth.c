/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clientauth - client authentication (RFC 6749 section 2.3.1, RFC 7523
 * section 2.2). See clientauth.h.
 */
#define _GNU_SOURCE
#include "clientauth.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "assertion.h"
#include "claims.h"
#include "endpoints.h"
#include "json.h"
#include "keypair.h"
#include "secretfile.h"

#define DATE_MAX 16

size_t
clientauth_count(const struct conf_application *application)
{
	switch (application->proof) {
	case CONF_PROOF_SECRET:
		return application->client_secret_files.count;
	case CONF_PROOF_CERTIFICATE:
		return application->certificate_files.count;
	case CONF_PROOF_FEDERATED_FILE:
		return 1;
	case CONF_PROOF_NONE:
	case CONF_PROOF_MANAGED_IDENTITY:
		break;
	}
	return 0;
}

const char *
clientauth_file(const struct conf_application *application, size_t n)
{
	if (n >= clientauth_count(application))
		return NULL;
	if (application->proof == CONF_PROOF_SECRET)
		return application->client_secret_files.items[n];
	if (application->proof == CONF_PROOF_CERTIFICATE)
		return application->certificate_files.items[n];
	return application->federated_token_file;
}

const char *
clientauth_option(const struct conf_application *application)
{
	static const char *const options[] = {
	    [CONF_PROOF_NONE] = "",
	    [CONF_PROOF_SECRET] = "client_secret_file",
	    [CONF_PROOF_CERTIFICATE] = "certificate_file",
	    [CONF_PROOF_FEDERATED_FILE] = "federated_token_file",
	    [CONF_PROOF_MANAGED_IDENTITY] = "managed_identity",
	};

	return options[application->proof];
}

/* --- certificates ----------------------------------------------------------
 */

/* The key stands in a file of its own, or in the certificate's. */
static const char *
key_file(const struct conf_application *application, size_t n)
{
	return n < application->key_files.count
		   ? application->key_files.items[n]
		   : application->certificate_files.items[n];
}

/* Put the file before what keypair says of it. */
static int
blame(const char *path, const struct err *why, struct err *err)
{
	return err_set(err, why->kind, why->code, "%.300s %s", path, why->text);
}

static int
read_passphrase(const struct conf_application *application,
    struct secret *passphrase, struct err *err)
{
	if (application->key_passphrase_file == NULL)
		return 0;
	return secretfile_read(
	    application->key_passphrase_file, passphrase, err);
}

static int
take_certificate(struct keypair *pair, const char *path, int own_key_file,
    const struct secret *passphrase, struct err *err)
{
	struct secret data = SECRET_INIT;
	struct err why;
	int rc;

	/* A certificate alone is public; whoever holds a key is not. */
	rc = secretfile_read_raw(path, own_key_file, &data, err);
	if (rc == 0 && own_key_file && keypair_is_private(&data))
		rc = secretfile_read_raw(path, 0, &data, err);
	if (rc == 0 &&
	    keypair_take_certificate(pair, &data, passphrase, &why) == -1)
		rc = blame(path, &why, err);
	secret_clear(&data);
	return rc;
}

static int
take_key(struct keypair *pair, const char *path,
    const struct secret *passphrase, struct err *err)
{
	struct secret data = SECRET_INIT;
	struct err why;
	int rc;

	rc = secretfile_read_raw(path, 0, &data, err);
	if (rc == 0 && keypair_take_key(pair, &data, passphrase, &why) == -1)
		rc = blame(path, &why, err);
	secret_clear(&data);
	return rc;
}

/* Both halves of pair number n, which belong together. */
static int
read_pair(const struct conf_application *application, size_t n,
    struct keypair *pair, struct err *err)
{
	const char *path = application->certificate_files.items[n];
	struct secret passphrase = SECRET_INIT;
	int own_key_file = strcmp(path, key_file(application, n)) != 0;
	struct err why;
	int rc;

	rc = read_passphrase(application, &passphrase, err);
	if (rc == 0)
		rc = take_certificate(
		    pair, path, own_key_file, &passphrase, err);
	if (rc == 0 && (own_key_file || !keypair_has_key(pair)))
		rc = take_key(pair, key_file(application, n), &passphrase, err);
	if (rc == 0 && keypair_check(pair, &why) == -1)
		rc = blame(key_file(application, n), &why, err);
	secret_clear(&passphrase);
	return rc;
}

static int
sign(const struct conf_application *application, size_t n, int64_t now_s,
    struct secret *jwt, struct err *err)
{
	const struct assertion assertion = {
	    .algorithm =
		application->assertion_algorithm != NULL &&
			strcmp(application->assertion_algorithm, "RS256") == 0
		    ? KEYPAIR_RS256
		    : KEYPAIR_PS256,
	    .issuer = application->client_id,
	    .subject = application->client_id,
	    .audience = endpoints_get(application, ENDPOINTS_TOKEN),
	    .now_s = now_s,
	};
	struct keypair *pair = keypair_new();
	int rc;

	rc = read_pair(application, n, pair, err);
	if (rc == 0)
		rc = assertion_make(&assertion, pair, jwt, err);
	keypair_free(pair);
	return rc;
}

static const char *
write_date(int64_t at_s, char date[DATE_MAX])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(date, DATE_MAX, "%Y-%m-%d", &tm) == 0)
		date[0] = '\0';
	return date;
}

static int
check_pair(const struct conf_application *application, size_t n, int64_t now_s,
    struct err *err)
{
	struct keypair *pair = keypair_new();
	char date[DATE_MAX];
	int rc;

	rc = read_pair(application, n, pair, err);
	if (rc == 0 && keypair_not_after_s(pair) <= now_s)
		rc = err_set(err, ERR_CONFIG, CLIENTAUTH_EXPIRED,
		    "the certificate %.300s expired on %s; make a new one and "
		    "upload it to the application",
		    clientauth_file(application, n),
		    write_date(keypair_not_after_s(pair), date));
	keypair_free(pair);
	return rc;
}

int64_t
clientauth_not_after_s(const struct conf_application *application)
{
	struct secret passphrase = SECRET_INIT;
	int64_t end, latest = 0;
	struct keypair *pair;
	struct err err;
	size_t n;

	if (application->proof != CONF_PROOF_CERTIFICATE ||
	    read_passphrase(application, &passphrase, &err) == -1)
		return 0;
	for (n = 0; n < application->certificate_files.count; n++) {
		pair = keypair_new();
		if (take_certificate(pair,
			application->certificate_files.items[n],
			application->key_files.count > 0, &passphrase,
			&err) == 0) {
			end = keypair_not_after_s(pair);
			latest = end > latest ? end : latest;
		}
		keypair_free(pair);
	}
	secret_clear(&passphrase);
	return latest;
}

/* --- all kinds -------------------------------------------------------------
 */

int
clientauth_read(const struct conf_application *application, size_t n,
    int64_t now_s, struct clientauth *proof, struct err *err)
{
	if (n >= clientauth_count(application))
		return 0;
	switch (application->proof) {
	case CONF_PROOF_SECRET:
		return secretfile_read(clientauth_file(application, n),
		    &proof->client_secret, err);
	case CONF_PROOF_CERTIFICATE:
		return sign(application, n, now_s, &proof->assertion, err);
	case CONF_PROOF_FEDERATED_FILE:
		return secretfile_read_foreign(
		    application->federated_token_file, &proof->assertion, err);
	case CONF_PROOF_NONE:
	case CONF_PROOF_MANAGED_IDENTITY:
		break;
	}
	return 0;
}

void
clientauth_clear(struct clientauth *proof)
{
	secret_clear(&proof->client_secret);
	secret_clear(&proof->assertion);
}

static void
describe_certificate(const struct conf_application *application, size_t n,
    char text[CLIENTAUTH_NAME_MAX])
{
	char thumbprint[ASSERTION_THUMBPRINT_LEN], date[DATE_MAX];
	struct keypair *pair = keypair_new();
	struct err err;

	snprintf(text, CLIENTAUTH_NAME_MAX, "certificate %.200s",
	    clientauth_file(application, n));
	if (read_pair(application, n, pair, &err) == 0 &&
	    assertion_thumbprint(pair, thumbprint, &err) == 0)
		snprintf(text, CLIENTAUTH_NAME_MAX,
		    "certificate %.200s (x5t#S256 %s, valid until %s)",
		    clientauth_file(application, n), thumbprint,
		    write_date(keypair_not_after_s(pair), date));
	keypair_free(pair);
}

/* aud is a string or an array of them (RFC 7519 section 4.1.3). */
static const char *
audience(const struct json *claims)
{
	const char *text = json_get_string(claims, "aud");
	const struct json *list = json_get_array(claims, "aud");

	if (text == NULL && list != NULL)
		text = json_string_at(list, 0);
	return text != NULL ? text : "-";
}

static const char *
or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

static void
describe_token(const char *from, const struct secret *token,
    char text[CLIENTAUTH_NAME_MAX])
{
	struct json *claims = claims_read(token);

	snprintf(text, CLIENTAUTH_NAME_MAX, "token of %.200s", from);
	if (claims != NULL)
		snprintf(text, CLIENTAUTH_NAME_MAX,
		    "token of %.150s (issuer %.120s, subject %.120s, audience "
		    "%.60s)",
		    from, or_dash(json_get_string(claims, "iss")),
		    or_dash(json_get_string(claims, "sub")), audience(claims));
	json_free(claims);
}

static void
describe_foreign(const char *path, char text[CLIENTAUTH_NAME_MAX])
{
	struct secret token = SECRET_INIT;
	struct err err;

	(void)secretfile_read_foreign(path, &token, &err);
	describe_token(path, &token, text);
	secret_clear(&token);
}

void
clientauth_describe(const struct conf_application *application, size_t n,
    const struct secret *identity, char text[CLIENTAUTH_NAME_MAX])
{
	text[0] = '\0';
	if (application->proof == CONF_PROOF_CERTIFICATE)
		describe_certificate(application, n, text);
	else if (application->proof == CONF_PROOF_FEDERATED_FILE)
		describe_foreign(application->federated_token_file, text);
	else if (application->proof == CONF_PROOF_MANAGED_IDENTITY)
		describe_token("the metadata service", identity, text);
}

static int
add_file(struct buf *all, const char *path, struct err *err)
{
	struct secret secret = SECRET_INIT;

	/* A key has many lines. */
	if (secretfile_read_raw(path, 1, &secret, err) == -1)
		return -1;
	buf_add(all, secret_reveal(&secret), secret_len(&secret));
	buf_add(all, "", 1);
	secret_clear(&secret);
	return 0;
}

int
clientauth_add_secrets(const struct conf_application *application,
    struct buf *all, struct err *err)
{
	struct clientauth proof = CLIENTAUTH_INIT;
	size_t n;
	int rc = 0;

	for (n = 0; n < clientauth_count(application) && rc == 0; n++) {
		if (application->proof == CONF_PROOF_CERTIFICATE) {
			rc = add_file(all, key_file(application, n), err);
			continue;
		}
		rc = clientauth_read(application, n, 0, &proof, err);
		buf_add(all, secret_reveal(&proof.client_secret),
		    secret_len(&proof.client_secret));
		buf_add(all, secret_reveal(&proof.assertion),
		    secret_len(&proof.assertion));
		buf_add(all, "", 1);
		clientauth_clear(&proof);
	}
	return rc;
}

uint64_t
clientauth_stamp(const struct conf_application *application)
{
	uint64_t stamp = 0;
	size_t n;

	for (n = 0; n < clientauth_count(application); n++) {
		stamp = stamp * 31 +
			secretfile_stamp(clientauth_file(application, n));
		if (application->proof == CONF_PROOF_CERTIFICATE)
			stamp = stamp * 31 +
				secretfile_stamp(key_file(application, n));
	}
	return stamp;
}

int
clientauth_check(const struct conf_application *application, size_t n,
    int64_t now_s, struct err *err)
{
	struct clientauth proof = CLIENTAUTH_INIT;
	int rc;

	if (application->proof == CONF_PROOF_CERTIFICATE)
		return check_pair(application, n, now_s, err);
	rc = clientauth_read(application, n, now_s, &proof, err);
	clientauth_clear(&proof);
	return rc;
}
