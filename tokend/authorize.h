/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_AUTHORIZE_H
#define POSTOAK_AUTHORIZE_H

#include <stdint.h>

#include "conf_account.h"
#include "err.h"
#include "secret.h"

/*
 * authorize - the addresses of a sign-in by browser: the one to open (RFC 6749
 * section 4.1.1, PKCE with S256 of RFC 7636), and the one the browser is sent
 * back to with a code (section 4.1.2). No input or output but randomness.
 * Called by login_browser.
 */

#define AUTHORIZE_ADDRESS_MAX 16384

struct authorize {
	struct secret state;	/* known to this attempt and its browser only */
	struct secret verifier; /* shown with the code */
	char *redirect_uri;	/* "http://localhost:53124" */
	char *address;		/* to be opened */
};

/*
 * Make all four for a redirect to that port of this host. endpoint is the
 * provider's; user is proposed on its page. 0, or -1: no randomness, or too
 * long. Clear it in either case.
 */
int authorize_begin(struct authorize *authorize,
    const struct conf_application *application, const char *endpoint,
    const char *user, unsigned int port, struct err *err);
void authorize_clear(struct authorize *authorize);

/* What the browser brings: a code, or the provider's refusal. */
struct authorize_answer {
	struct secret code;
	char *error;	   /* NULL: there is a code */
	char *description; /* the provider's words for error, or NULL */
};

/*
 * Read the address the browser was sent to, whole or from its "?" on. 0:
 * *answer is set (clear it). -1 with ERR_PROTOCOL: code "address", it is none;
 * "state", it belongs to another attempt.
 */
int authorize_read(const struct authorize *authorize, const char *address,
    struct authorize_answer *answer, struct err *err);

/* What answer's error means for that account; now_s is the wall clock. */
void authorize_refused(const struct authorize_answer *answer,
    const struct conf_account *account, int64_t now_s, struct err *err);
void authorize_answer_clear(struct authorize_answer *answer);

#endif
