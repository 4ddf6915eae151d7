/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_IDENTITY_H
#define POSTOAK_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * identity - are these the values that Microsoft's portal shows? Each check
 * knows what people mix up, and its sentence says what to do. Called by setup;
 * endpoints are in identity_endpoint. Pure.
 *
 * All return 0 and write the value in its usual form into out, or -1 with
 * ERR_CONFIG, code "value". No text holds a secret. what: how the value is
 * called to people, "Client ID".
 */

#define IDENTITY_GUID_SIZE 37  /* with its NUL */
#define IDENTITY_NAME_SIZE 256 /* a domain, an address, a tenant */
#define IDENTITY_DATE_SIZE 11  /* YYYY-MM-DD */

/* A GUID: braces, capitals, other dashes or none are put right. */
int identity_guid(const char *text, const char *what,
    char out[IDENTITY_GUID_SIZE], struct err *err);

/* A tenant of its own: GUID or domain, none of Microsoft's "common". */
int identity_tenant(
    const char *text, char out[IDENTITY_NAME_SIZE], struct err *err);

/* An application's secret: its Value, whole and as it is. */
int identity_secret(const char *text, struct err *err);

/* A mailbox's password. user, secret: what it must not be; each may be NULL. */
int identity_password(
    const char *text, const char *user, const char *secret, struct err *err);

/*
 * The address of a mailbox: mailto:, SMTP: and brackets are taken away, the
 * domain is put into small letters.
 */
int identity_mailbox(const char *text, const char *what,
    char out[IDENTITY_NAME_SIZE], struct err *err);

/* A day in the future; now_s is the wall clock. 10/11/2028 is two days. */
int identity_date(const char *text, int64_t now_s, char out[IDENTITY_DATE_SIZE],
    struct err *err);

enum identity_kind {
	IDENTITY_WORK, /* as far as its domain tells */
	IDENTITY_MICROSOFT,
	IDENTITY_GOOGLE,
	IDENTITY_OTHER, /* neither Microsoft's nor Google's */
};

/* Whose personal addresses are of this domain? */
enum identity_kind identity_kind(const char *address);

/*
 * 1 if the sender's domain is none of those that are known to be the tenant's:
 * of the login, and the tenant's name if that is a domain (each may be NULL).
 * onmicrosoft.com alone says nothing: then 0.
 */
int identity_is_foreign(
    const char *sender, const char *login, const char *tenant);

#endif
