/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DISCOVERY_H
#define POSTOAK_DISCOVERY_H

#include "conf_application.h"
#include "err.h"

/*
 * discovery - read an application's discovery document, for endpoints. All who
 * want the same one wait for the same request. Called by grant and login;
 * calls http, endpoints.
 */

struct discovery; /* somebody who waits */

/* err NULL: the endpoints are known, maybe from an earlier reading. Else
 * ERR_TEMPORARY, without a subject, retry_ms as the answer's Retry-After. */
typedef void discovery_done(void *arg, const struct err *err);

/* Begin, or join. NULL with *err if it cannot be begun; done is not called. */
struct discovery *discovery_start(const struct conf_application *application,
    discovery_done *done, void *arg, struct err *err);

/* Wait no more; done is not called. NULL is allowed. */
void discovery_cancel(struct discovery *discovery);

#endif
