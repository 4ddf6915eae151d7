/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_order - see grant_order.h.
 */
#include "grant_order.h"

#include <string.h>

#include "clientauth.h"
#include "clock.h"
#include "endpoints.h"

/* Whose words a request's sentence has. */
static const enum conf_grant grants[] = {
    [FLOW_PASSWORD] = CONF_GRANT_PASSWORD,
    [FLOW_REFRESH] = CONF_GRANT_REFRESH_TOKEN,
    [FLOW_CLIENT_CREDENTIALS] = CONF_GRANT_CLIENT_CREDENTIALS,
    [FLOW_JWT_BEARER] = CONF_GRANT_JWT_BEARER,
    [FLOW_DEVICE_CODE] = CONF_GRANT_DEVICE_CODE,
    [FLOW_AUTHORIZATION_CODE] = CONF_GRANT_AUTHORIZATION_CODE,
};

const char *
grant_order_kind(const struct grant_order *order)
{
	return order->account != NULL ? "account" : "application";
}

const char *
grant_order_name(const struct grant_order *order)
{
	return order->account != NULL ? order->account->name
				      : order->application->name;
}

void
grant_order_subject(const struct grant_order *order, enum flow_kind flow,
    size_t proof, int64_t clock_off_s, struct refusal_subject *subject)
{
	const struct conf_application *application = order->application;
	struct sentence_about *about = &subject->about;

	memset(subject, 0, sizeof(*subject));
	subject->kind = flow;
	sentence_about(
	    about, application, order->account, NULL, clock_wall_s());
	about->grant = grants[flow];
	if (application->proof == CONF_PROOF_SECRET)
		about->secret_file = clientauth_file(application, proof);
	subject->endpoint = endpoints_get(application, ENDPOINTS_TOKEN);
	subject->clock_off_s = clock_off_s;
}
