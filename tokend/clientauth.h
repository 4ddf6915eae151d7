/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CLIENTAUTH_H
#define POSTOAK_CLIENTAUTH_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "conf_account.h"
#include "err.h"
#include "secret.h"

/*
 * clientauth - how an application proves who it is: a client secret, an
 * assertion signed with its certificate's key, or one that somebody else issued
 * and left in a file. Called by grant and config; calls assertion, secretfile.
 *
 * Files are read when a proof is needed and not kept: a new one counts at once.
 */

#define CLIENTAUTH_NAME_MAX 1024

/* What is sent: at most one of the two is not empty. */
struct clientauth {
	struct secret client_secret;
	struct secret assertion;
};

#define CLIENTAUTH_INIT                                                        \
	{                                                                      \
		SECRET_INIT, SECRET_INIT                                       \
	}

#define CLIENTAUTH_EXPIRED "certificate_expired" /* code of that error */

/* How many there are to be tried, one after the other; 0: none is needed. */
size_t clientauth_count(const struct conf_application *application);

/* The file of number n; NULL: there is none. */
const char *clientauth_file(
    const struct conf_application *application, size_t n);

/* The option that names them. */
const char *clientauth_option(const struct conf_application *application);

/*
 * Make number n of them for the token endpoint, now (Unix seconds). -1 with
 * ERR_CONFIG: the file is to blame, path and remedy in the text.
 */
int clientauth_read(const struct conf_application *application, size_t n,
    int64_t now_s, struct clientauth *proof, struct err *err);
void clientauth_clear(struct clientauth *proof);

/*
 * What a refusal is to say of number n: "certificate /path (thumbprint ...)",
 * or of a foreign assertion its issuer, subject and audience.
 */
void clientauth_describe(const struct conf_application *application, size_t n,
    const struct secret *identity, char text[CLIENTAUTH_NAME_MAX]);

/* Append all that is secret in them, for a fingerprint. 0 or -1. */
int clientauth_add_secrets(const struct conf_application *application,
    struct buf *all, struct err *err);

/* A number that changes when one of the files does. */
uint64_t clientauth_stamp(const struct conf_application *application);

/*
 * Look at number n as -t does: rights, form, key and certificate belong
 * together. A certificate that has expired is ERR_CONFIG, code
 * CLIENTAUTH_EXPIRED.
 */
int clientauth_check(const struct conf_application *application, size_t n,
    int64_t now_s, struct err *err);

/* The end of the certificate that lasts longest, Unix seconds; 0: unknown. */
int64_t clientauth_not_after_s(const struct conf_application *application);

#endif
