/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ENDPOINTS_H
#define POSTOAK_ENDPOINTS_H

#include <stddef.h>

#include "conf_application.h"
#include "err.h"

/*
 * endpoints - where an application's provider is reached: as configured, or as
 * its OpenID discovery document says (OpenID Connect Discovery 1.0 sections 3
 * and 4.3, RFC 8414 section 2). Keeps what was found; reads nothing by itself,
 * that is discovery's.
 */

enum endpoints_what {
	ENDPOINTS_TOKEN,
	ENDPOINTS_AUTHORIZATION,
	ENDPOINTS_DEVICE,
	ENDPOINTS_COUNT,
};

/*
 * As configured, else as found, else NULL; the token endpoint is the document's
 * own address as long as it is not known. Valid until the next endpoints_take
 * or endpoints_forget: not kept.
 */
const char *endpoints_get(
    const struct conf_application *application, enum endpoints_what what);

/* 0 if the document has to be read before endpoints_get. */
int endpoints_known(
    const struct conf_application *application, enum endpoints_what what);

/*
 * Keep what the document read from url says. -1 with ERR_TEMPORARY code
 * "discovery": it is none, of another issuer, or names an endpoint that secrets
 * must not go to; what was found before stays.
 */
int endpoints_take(
    const char *url, const char *body, size_t len, struct err *err);

/*
 * An endpoint did not answer as one: the document is read again next time. If
 * that cannot be done, trust what was found before, until the next doubt: 1, or
 * 0 if nothing was.
 */
void endpoints_doubt(const struct conf_application *application);
int endpoints_trust(const char *url);

/* All documents are read again: the configuration was. */
void endpoints_forget(void);

#endif
