/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_order - see grant_order.h.
 */
#include "grant_order.h"

#include <string.h>

#include "clientauth.h"
#include "clock.h"

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
	const struct conf_account *account = order->account;

	memset(subject, 0, sizeof(*subject));
	subject->kind = flow;
	subject->application = application->name;
	subject->secret_file = clientauth_file(application, proof);
	subject->secret_expires = application->client_secret_expires;
	subject->endpoint = application->token_endpoint;
	subject->now_s = clock_wall_s();
	subject->clock_off_s = clock_off_s;
	if (account != NULL) {
		subject->account = account->name;
		subject->imported = account->grant == CONF_GRANT_REFRESH_TOKEN;
		subject->user = account->user;
		subject->password_file = account->password_file;
	}
}
