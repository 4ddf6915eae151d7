/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_IMDS_H
#define POSTOAK_IMDS_H

#include "conf_account.h"
#include "err.h"
#include "flow.h"
#include "refusal.h"

/*
 * imds - managed identities: the question to the instance metadata service of
 * an Azure host, and what an answer without a token means. Called by grant;
 * flow reads the answer, whose numbers are strings.
 */

struct imds; /* a question under way */

/* One of token (take what you need, it is cleared afterwards) and refusal. */
typedef void imds_done(
    void *arg, struct flow_token *token, const struct refusal *refusal);

/*
 * Ask for a token: for mail itself if the application is the identity, else
 * the assertion by which the identity stands for it. application must live as
 * long. NULL with an error if it cannot even be begun.
 *
 * Statuses 404, 410, 429 and 5xx pass by themselves, says the service's
 * documentation: ERR_TEMPORARY. The others are for an administrator.
 */
struct imds *imds_start(const struct conf_application *application,
    imds_done *done, void *arg, struct err *err);

/* End it: done is not called any more. NULL is allowed. */
void imds_cancel(struct imds *imds);

#endif
