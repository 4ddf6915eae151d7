/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LANDING_H
#define POSTOAK_LANDING_H

#include "buf.h"
#include "json.h"

/*
 * landing - the pages a browser sees after a sign-in: HTML without script,
 * style or link; whatever came from outside is escaped. Pure. Called by
 * login_browser and redirect.
 */

#define LANDING_MAX 65536 /* bytes of a page */

/*
 * Append a page with these words. refresh_s: the browser asks again after that
 * many seconds; 0: it does not.
 */
void landing_page(
    struct buf *page, const char *title, const char *text, int refresh_s);

/*
 * The page for the answer of a login that won a token (PROTOCOL 2.1): whether
 * mail can use it, which permissions it has, and what is missing.
 */
void landing_done(struct buf *page, const struct json *answer);

#endif
