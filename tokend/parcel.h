/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PARCEL_H
#define POSTOAK_PARCEL_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "record.h"
#include "secret.h"

/*
 * parcel - an account's refresh token on its way to another host, sealed under
 * a passphrase: a text of two parts. A block of name=value lines (wire.h) says
 * what it is, whose it is, and how the key is made (scrypt, RFC 7914); behind
 * its empty line stands, in base64, the record, sealed with AES-256-GCM and
 * bound to every byte of that block. Pure but for randomness. Called by
 * account.
 */

#define PARCEL_MAX 49152 /* bytes of the text */

/* Whose it is: a refresh token is good for nobody else. Borrowed. */
struct parcel_owner {
	const char *account;
	const char *user;
	const char *client_id;
	const char *endpoint; /* token endpoint; it names the tenant */
};

/*
 * 0 if the passphrase will do; ERR_PROTOCOL, code "passphrase": it is shorter
 * than 12 bytes or longer than 1024.
 */
int parcel_check(const char *passphrase, struct err *err);

/* Append the text for record at that time (wall clock). 0 or -1. */
int parcel_seal(const struct parcel_owner *owner, const struct record *record,
    const char *passphrase, int64_t now_s, struct buf *out, struct err *err);

/*
 * The reverse; clear *record afterwards. ERR_CONFIG: code "parcel" for a text
 * that is none, is of a later version, or asks for more memory or time than is
 * reasonable; code "owner" for another owner's; code "passphrase" for a wrong
 * one, or damage, which nobody can tell apart.
 */
int parcel_open(const struct parcel_owner *owner, const char *text,
    const char *passphrase, struct record *record, struct err *err);

#endif
