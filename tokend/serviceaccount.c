/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serviceaccount - assertions of service accounts. See serviceaccount.h.
 */
#define _GNU_SOURCE
#include "serviceaccount.h"

#include <string.h>

#include "assertion.h"
#include "endpoints.h"
#include "json.h"
#include "keypair.h"
#include "secretfile.h"

static int
no_key(const char *path, const char *problem, struct err *err)
{
	return err_set(err, ERR_CONFIG, "service_account",
	    "%.300s %s; create a JSON key for the service account in the "
	    "Google Cloud console and put it there",
	    path, problem);
}

static int
take_key(
    struct keypair *pair, const char *path, const char *pem, struct err *err)
{
	struct secret data = SECRET_INIT;
	struct err why;
	int rc = 0;

	if (secret_set(&data, pem, strlen(pem)) == -1)
		return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	if (keypair_take_key(pair, &data, NULL, &why) == -1 ||
	    keypair_check(pair, &why) == -1)
		rc = no_key(path, why.text, err);
	secret_clear(&data);
	return rc;
}

static int
sign(const struct json *json, const struct conf_application *application,
    const char *user, int64_t now_s, struct secret *jwt, struct err *err)
{
	const char *path = application->service_account_file;
	const char *pem = json_get_string(json, "private_key");
	struct assertion assertion = {
	    .algorithm = KEYPAIR_RS256,
	    .issuer = json_get_string(json, "client_email"),
	    .subject = user,
	    .audience = endpoints_get(application, ENDPOINTS_TOKEN),
	    .scope = application->scope,
	    .key_id = json_get_string(json, "private_key_id"),
	    .now_s = now_s,
	};
	struct keypair *pair;
	int rc;

	if (pem == NULL || assertion.issuer == NULL || assertion.key_id == NULL)
		return no_key(path,
		    "lacks private_key, private_key_id or client_email", err);
	pair = keypair_new();
	rc = take_key(pair, path, pem, err);
	if (rc == 0)
		rc = assertion_make(&assertion, pair, jwt, err);
	keypair_free(pair);
	return rc;
}

int
serviceaccount_sign(const struct conf_application *application,
    const char *user, int64_t now_s, struct secret *jwt, struct err *err)
{
	const char *path = application->service_account_file;
	struct secret data = SECRET_INIT;
	struct json *json;
	int rc;

	if (secretfile_read_raw(path, 0, &data, err) == -1)
		return -1;
	json = json_parse(secret_reveal(&data), secret_len(&data), NULL);
	secret_clear(&data);
	rc = json != NULL ? sign(json, application, user, now_s, jwt, err)
			  : no_key(path, "is no JSON", err);
	json_free(json);
	return rc;
}
