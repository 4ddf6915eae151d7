/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_GRANT_FORM_H
#define POSTOAK_GRANT_FORM_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "flow.h"
#include "grant_order.h"
#include "secret.h"

/*
 * grant_form - one request's form, with the secrets it shows. Called by grant;
 * calls clientauth, flow, secretfile, serviceaccount.
 */

struct grant_form {
	const struct grant_order *order;
	enum flow_kind flow;
	size_t proof; /* what the client shows, see clientauth.h */
	const struct secret *identity;	    /* shown instead, unless empty */
	const struct secret *refresh_token; /* as kept */
};

/*
 * Append the form. Files are read now, not kept from the start: what is in
 * them counts. -1 with ERR_CONFIG: a file is to blame; 1: it is the one of
 * what the client shows, and another one may do.
 */
int grant_form_make(
    const struct grant_form *what, struct buf *form, struct err *err);

#endif
