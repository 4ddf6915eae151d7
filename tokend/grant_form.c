/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_form - one request's form. See grant_form.h.
 */
#include "grant_form.h"

#include "clientauth.h"
#include "clock.h"
#include "secretfile.h"
#include "serviceaccount.h"

/* The client's own proof, and a password. 1: a proof's file is to blame. */
static int
read_files(const struct grant_form *what, struct clientauth *shown,
    struct secret *password, struct err *err)
{
	const struct conf_application *application = what->order->application;
	const struct conf_account *account = what->order->account;

	if (what->flow == FLOW_JWT_BEARER)
		return serviceaccount_sign(application, account->user,
		    clock_wall_s(), &shown->assertion, err);
	if (clientauth_read(
		application, what->proof, clock_wall_s(), shown, err) == -1)
		return 1;
	if (what->flow == FLOW_PASSWORD)
		return secretfile_read(account->password_file, password, err);
	return 0;
}

int
grant_form_make(
    const struct grant_form *what, struct buf *form, struct err *err)
{
	const struct conf_application *application = what->order->application;
	const struct conf_account *account = what->order->account;
	const struct grant_sign_in *sign_in = what->order->sign_in;
	struct secret password = SECRET_INIT;
	struct clientauth shown = CLIENTAUTH_INIT;
	struct flow_request request = {
	    .kind = what->flow,
	    .client_id = application->client_id,
	    .scope = what->flow == FLOW_CLIENT_CREDENTIALS
			 ? application->app_scope
			 : application->scope,
	    .user = account != NULL ? account->user : NULL,
	    .client_secret = &shown.client_secret,
	    .assertion = secret_empty(what->identity) ? &shown.assertion
						      : what->identity,
	    .password = &password,
	    .refresh_token = what->refresh_token,
	};
	int rc;

	if (sign_in != NULL) {
		request.code = sign_in->code;
		request.verifier = sign_in->verifier;
		request.redirect_uri = sign_in->redirect_uri;
	}
	rc = read_files(what, &shown, &password, err);
	if (rc == 0)
		rc = flow_form(&request, form, err);
	clientauth_clear(&shown);
	secret_clear(&password);
	return rc;
}
