/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parcel - a refresh token sealed for another host. See parcel.h.
 */
#define _GNU_SOURCE
#include "parcel.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "mem.h"
#include "wire.h"

#define VERSION 1
#define KIND "export" /* of the record inside */
#define PASSPHRASE_MIN 12
#define PASSPHRASE_MAX 1024
#define SALT_LEN 16
#define LINE_LEN 64

/* 32 MiB and about 0.1 s; what is read may ask for twice that at most. */
#define LOG_N 15
#define LOG_N_MIN 14
#define LOG_N_MAX 16

/* The block's values, and where in the text the sealed part begins. */
struct head {
	struct wire wire;
	char *copy; /* what wire points into */
	size_t len;
};

int
parcel_check(const char *passphrase, struct err *err)
{
	size_t len = strlen(passphrase);

	if (len >= PASSPHRASE_MIN && len <= PASSPHRASE_MAX)
		return 0;
	return err_set(err, ERR_PROTOCOL, "passphrase",
	    "a passphrase has %d to %d bytes; take several words",
	    PASSPHRASE_MIN, PASSPHRASE_MAX);
}

static int
stretch(const char *passphrase, const struct buf *salt, int log_n,
    struct secret *key, struct err *err)
{
	struct secret secret = SECRET_INIT;
	int rc;

	if (secret_set(&secret, passphrase, strlen(passphrase)) == -1)
		return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	rc = crypto_stretch(&secret, salt, log_n, key, err);
	secret_clear(&secret);
	return rc;
}

/* --- seal ------------------------------------------------------------------
 */

static int
put_head(const struct parcel_owner *owner, const struct buf *salt,
    int64_t now_s, struct buf *out, struct err *err)
{
	struct buf text;
	int rc = -1;

	buf_init(&text, 64);
	if (crypto_base64(salt->data, salt->len, &text, err) == 0 &&
	    wire_put_int(out, "postoak_export", VERSION, err) == 0 &&
	    wire_put(out, "account", owner->account, err) == 0 &&
	    wire_put(out, "user", owner->user, err) == 0 &&
	    wire_put(out, "client_id", owner->client_id, err) == 0 &&
	    wire_put(out, "endpoint", owner->endpoint, err) == 0 &&
	    wire_put_int(out, "exported_at", now_s, err) == 0 &&
	    wire_put_int(out, "scrypt_log_n", LOG_N, err) == 0 &&
	    wire_put(out, "scrypt_salt", text.data, err) == 0)
		rc = wire_end(out, err);
	buf_clear(&text);
	return rc;
}

/* In lines, so that it survives what is done to text on its way. */
static int
put_lines(const struct buf *sealed, struct buf *out, struct err *err)
{
	struct buf text;
	size_t at;
	int rc;

	buf_init(&text, PARCEL_MAX);
	rc = crypto_base64(sealed->data, sealed->len, &text, err);
	for (at = 0; rc == 0 && at < text.len; at += LINE_LEN)
		buf_addf(out, "%.*s\n", LINE_LEN, text.data + at);
	buf_clear(&text);
	if (rc == 0 && out->truncated)
		return err_set(err, ERR_BUG, "size", "the export is too long");
	return rc;
}

int
parcel_seal(const struct parcel_owner *owner, const struct record *record,
    const char *passphrase, int64_t now_s, struct buf *out, struct err *err)
{
	struct secret key = SECRET_INIT;
	struct buf salt, plain, sealed;
	int rc = -1;

	buf_init(&salt, SALT_LEN);
	buf_init(&plain, PARCEL_MAX);
	buf_init(&sealed, PARCEL_MAX);
	if (crypto_random(buf_reserve(&salt, SALT_LEN), SALT_LEN, err) == -1)
		goto out;
	buf_commit(&salt, SALT_LEN);
	if (put_head(owner, &salt, now_s, out, err) == 0 &&
	    stretch(passphrase, &salt, LOG_N, &key, err) == 0 &&
	    record_encode(record, KIND, owner->account, &plain, err) == 0 &&
	    crypto_seal(&key, out, &plain, &sealed, err) == 0)
		rc = put_lines(&sealed, out, err);
out:
	secret_clear(&key);
	buf_clear(&salt);
	buf_clear(&plain);
	buf_clear(&sealed);
	return rc;
}

/* --- open ------------------------------------------------------------------
 */

static int
is_none(struct err *err)
{
	return err_set(err, ERR_CONFIG, "parcel",
	    "this is no file that postoak export has written, or a part of it "
	    "is missing");
}

static int
read_head(const char *text, struct head *head, struct err *err)
{
	size_t len = strlen(text);
	long long version = 0;

	head->copy = NULL;
	head->len = wire_complete(text, len);
	if (len > PARCEL_MAX || head->len == 0)
		return is_none(err);
	head->copy = mem_strndup(text, head->len);
	if (wire_parse(&head->wire, head->copy, head->len, NULL) == -1 ||
	    wire_get_int(&head->wire, "postoak_export", 0, INT_MAX, &version,
		NULL) == -1 ||
	    version == 0)
		return is_none(err);
	if (version != VERSION)
		return err_set(err, ERR_CONFIG, "parcel",
		    "the file has version %lld, this postoak knows %d; restore "
		    "it with the version that wrote it",
		    version, VERSION);
	return 0;
}

/* Who owns it is known without the passphrase, and is said before it fails. */
static int
check_owner(
    const struct head *head, const struct parcel_owner *owner, struct err *err)
{
	const struct {
		const char *name, *mine, *what;
	} all[] = {
	    {"account", owner->account, "account"},
	    {"user", owner->user, "user"},
	    {"client_id", owner->client_id, "application (client_id)"},
	    {"endpoint", owner->endpoint, "tenant or provider"},
	};
	const char *its;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		its = wire_get(&head->wire, all[i].name);
		if (its == NULL)
			return is_none(err);
		if (strcmp(its, all[i].mine) != 0)
			return err_set(err, ERR_CONFIG, "owner",
			    "the file is of another %s: it was exported for "
			    "%.200s, account %.200s here has %.200s; a refresh "
			    "token works for nobody else",
			    all[i].what, its, owner->account, all[i].mine);
	}
	return 0;
}

/* The base64 behind the block, its line ends taken out. */
static int
read_sealed(const char *text, struct buf *sealed, struct err *err)
{
	struct buf lines;
	const char *p;
	int rc;

	buf_init(&lines, PARCEL_MAX);
	for (p = text; *p != '\0'; p++)
		if (*p != '\n' && *p != '\r' && *p != ' ')
			buf_add(&lines, p, 1);
	rc = lines.len > 0 ? crypto_unbase64(lines.data, lines.len, sealed, err)
			   : -1;
	buf_clear(&lines);
	return rc == 0 ? 0 : is_none(err);
}

static int
read_key(const struct head *head, const char *passphrase, struct secret *key,
    struct err *err)
{
	const char *text = wire_get(&head->wire, "scrypt_salt");
	long long log_n = 0;
	struct buf salt;
	int rc = -1;

	buf_init(&salt, 64);
	if (text == NULL ||
	    crypto_unbase64(text, strlen(text), &salt, NULL) == -1 ||
	    salt.len != SALT_LEN ||
	    wire_get_int(&head->wire, "scrypt_log_n", LOG_N_MIN, LOG_N_MAX,
		&log_n, NULL) == -1 ||
	    log_n == 0)
		is_none(err);
	else
		rc = stretch(passphrase, &salt, (int)log_n, key, err);
	buf_clear(&salt);
	return rc;
}

int
parcel_open(const struct parcel_owner *owner, const char *text,
    const char *passphrase, struct record *record, struct err *err)
{
	struct secret key = SECRET_INIT;
	struct buf aad, plain, sealed;
	struct head head;
	int rc = -1;

	record_init(record);
	buf_init(&aad, PARCEL_MAX);
	buf_init(&plain, PARCEL_MAX);
	buf_init(&sealed, PARCEL_MAX);
	if (read_head(text, &head, err) == -1 ||
	    check_owner(&head, owner, err) == -1 ||
	    read_sealed(text + head.len, &sealed, err) == -1 ||
	    read_key(&head, passphrase, &key, err) == -1)
		goto out;
	buf_add(&aad, text, head.len);
	if (crypto_open(&key, &aad, sealed.data, sealed.len, &plain, NULL) ==
		-1 ||
	    record_decode(record, KIND, owner->account, &plain, NULL) == -1)
		err_set(err, ERR_CONFIG, "passphrase",
		    "the passphrase is wrong, or the file was changed");
	else
		rc = 0;
out:
	free(head.copy);
	secret_clear(&key);
	buf_clear(&aad);
	buf_clear(&plain);
	buf_clear(&sealed);
	return rc;
}
