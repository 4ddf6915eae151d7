/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assertion - JSON Web Tokens that are signed here. See assertion.h.
 */
#define _GNU_SOURCE
#include "assertion.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "crypto.h"
#include "json.h"

#define JWT_MAX 16384
#define SIGNATURE_MAX 2048 /* of an RSA key of 16384 bits */
#define GUID_LEN 37	   /* with NUL */

int
assertion_base64url(struct buf *out, const void *data, size_t len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *bytes = data;
	unsigned int bits = 0;
	int have = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		bits = (bits << 8 | bytes[i]) & 0xffff;
		for (have += 8; have >= 6; have -= 6)
			buf_add(out, &digits[bits >> (have - 6) & 63], 1);
	}
	if (have > 0)
		buf_add(out, &digits[bits << (6 - have) & 63], 1);
	return out->truncated ? -1 : 0;
}

/* RFC 9562 version 4. */
static int
make_guid(char text[GUID_LEN], struct err *err)
{
	unsigned char b[16];

	if (crypto_random(b, sizeof(b), err) == -1)
		return -1;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(text, GUID_LEN,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x"
	    "%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

static void
set_digest(struct json *json, const char *name, const void *digest, size_t len)
{
	struct buf text;

	buf_init(&text, 64);
	assertion_base64url(&text, digest, len);
	json_set_string(json, name, text.data);
	buf_clear(&text);
}

static int
set_thumbprints(
    struct json *header, const struct keypair *pair, struct err *err)
{
	unsigned char sha256[KEYPAIR_SHA256_LEN], sha1[KEYPAIR_SHA1_LEN];

	if (keypair_thumbprints(pair, sha256, sha1, err) == -1)
		return -1;
	set_digest(header, "x5t#S256", sha256, sizeof(sha256));
	set_digest(header, "x5t", sha1, sizeof(sha1));
	return 0;
}

/* Append base64url of the document, which is freed. */
static void
put_json(struct buf *jwt, struct json *json)
{
	struct buf text;

	buf_init(&text, JWT_MAX);
	if (json_write(json, &text, 0) == -1)
		jwt->truncated = 1;
	assertion_base64url(jwt, text.data, text.len);
	buf_clear(&text);
	json_free(json);
}

static int
put_header(struct buf *jwt, const struct assertion *assertion,
    const struct keypair *pair, struct err *err)
{
	struct json *header = json_object();

	json_set_string(header, "alg",
	    assertion->algorithm == KEYPAIR_RS256 ? "RS256" : "PS256");
	json_set_string(header, "typ", "JWT");
	if (assertion->key_id != NULL) {
		json_set_string(header, "kid", assertion->key_id);
	} else if (set_thumbprints(header, pair, err) == -1) {
		json_free(header);
		return -1;
	}
	put_json(jwt, header);
	return 0;
}

static int
put_claims(struct buf *jwt, const struct assertion *assertion, struct err *err)
{
	struct json *claims;
	char id[GUID_LEN];

	if (make_guid(id, err) == -1)
		return -1;
	claims = json_object();
	json_set_string(claims, "aud", assertion->audience);
	json_set_string(claims, "iss", assertion->issuer);
	json_set_string(claims, "sub", assertion->subject);
	if (assertion->scope != NULL)
		json_set_string(claims, "scope", assertion->scope);
	json_set_string(claims, "jti", id);
	json_set_int(claims, "nbf", assertion->now_s);
	json_set_int(claims, "iat", assertion->now_s);
	json_set_int(claims, "exp", assertion->now_s + ASSERTION_LIFE_S);
	put_json(jwt, claims);
	return 0;
}

int
assertion_make(const struct assertion *assertion, const struct keypair *pair,
    struct secret *jwt, struct err *err)
{
	struct buf text, signature;
	int rc;

	buf_init(&text, JWT_MAX);
	buf_init(&signature, SIGNATURE_MAX);
	rc = put_header(&text, assertion, pair, err);
	buf_adds(&text, ".");
	if (rc == 0)
		rc = put_claims(&text, assertion, err);
	if (rc == 0)
		rc = keypair_sign(
		    pair, assertion->algorithm, &text, &signature, err);
	if (rc == 0) {
		buf_adds(&text, ".");
		assertion_base64url(&text, signature.data, signature.len);
		if (text.truncated)
			rc = err_set(err, ERR_CONFIG, "size",
			    "the client assertion is larger than %d bytes",
			    JWT_MAX);
		else if (secret_set(jwt, text.data, text.len) == -1)
			rc = err_set(
			    err, ERR_TEMPORARY, "memory", "out of memory");
	}
	buf_clear(&text);
	buf_clear(&signature);
	return rc;
}

int
assertion_thumbprint(const struct keypair *pair,
    char text[ASSERTION_THUMBPRINT_LEN], struct err *err)
{
	unsigned char sha256[KEYPAIR_SHA256_LEN], sha1[KEYPAIR_SHA1_LEN];
	struct buf out;

	if (keypair_thumbprints(pair, sha256, sha1, err) == -1)
		return -1;
	buf_init(&out, ASSERTION_THUMBPRINT_LEN - 1);
	assertion_base64url(&out, sha256, sizeof(sha256));
	memcpy(text, out.data, ASSERTION_THUMBPRINT_LEN);
	buf_clear(&out);
	return 0;
}
