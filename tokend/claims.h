/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CLAIMS_H
#define POSTOAK_CLAIMS_H

#include "json.h"
#include "secret.h"

/*
 * claims - what an access token says of itself, for people to look at. Nothing
 * is verified and nothing decided by it: the token is the server's to judge.
 */

/*
 * The payload of a JWT (RFC 7519): the middle part, base64url without padding
 * (RFC 7515 section 2). NULL if the token is none; personal accounts' are not.
 */
struct json *claims_read(const struct secret *token);

/*
 * Add audience, roles (an array, from roles or scp), token_user, tenant and
 * token_address (whom the provider saw) to answer; null where claims is NULL or
 * does not say.
 */
void claims_show(const struct json *claims, struct json *answer);

#endif
