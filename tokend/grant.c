/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant - one exchange from stored credential to access token. See grant.h.
 *
 * A password account uses its refresh token first and shows the password only
 * when that is refused. Client secrets are tried in the order of the list as
 * long as the provider says that the secret is what is wrong; certificates
 * likewise.
 */
#define _GNU_SOURCE
#include "grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clientauth.h"
#include "clock.h"
#include "discovery.h"
#include "endpoints.h"
#include "flow.h"
#include "grant_form.h"
#include "grant_save.h"
#include "http.h"
#include "imds.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "proof.h"
#include "refusal.h"

struct grant {
	struct grant_order order; /* unsaved is not kept */
	struct store *store;
	struct record record;
	enum flow_kind flow;
	size_t proof;		/* what the client shows, see clientauth.h */
	struct secret identity; /* what a managed identity has to show */
	uint64_t stamp;		/* of the secret files when they were read */
	struct lane_turn *turn; /* a place among the provider's exchanges */
	struct discovery *discovery; /* one of the three is under way */
	struct imds *imds;
	struct http *http;
	int64_t clock_off_s;
	int has_clock;
	grant_done *done;
	void *arg;
};

static const char *
log_id(const struct grant *grant)
{
	return grant_order_name(&grant->order);
}

/* --- one request -----------------------------------------------------------
 */

/* The next secret or certificate, if there is another one. */
static int
next_proof(struct grant *grant)
{
	if (grant->proof + 1 >= clientauth_count(grant->order.application))
		return 0;
	grant->proof++;
	return 1;
}

static int
make_form(struct grant *grant, struct buf *form, struct err *err)
{
	struct grant_form what = {
	    .order = &grant->order,
	    .flow = grant->flow,
	    .identity = &grant->identity,
	    .refresh_token = &grant->record.refresh_token,
	};
	int rc;

	do {
		what.proof = grant->proof;
		rc = grant_form_make(&what, form, err);
		if (rc == 1)
			log_warn(log_id(grant), "%s cannot be used: %s",
			    clientauth_option(grant->order.application),
			    err->text);
	} while (rc == 1 && next_proof(grant));
	return rc == 0 ? 0 : -1;
}

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *err);

static void on_identity(
    void *arg, struct flow_token *token, const struct refusal *refusal);

static void on_endpoints(void *arg, const struct err *reason);

static int
send_request(struct grant *grant, struct err *err)
{
	const struct conf_application *application = grant->order.application;
	const struct http_post post = {
	    .url = endpoints_get(application, ENDPOINTS_TOKEN),
	    .proxy = application->proxy,
	    .ca_file = application->ca_file,
	};
	struct buf form;

	grant->stamp =
	    proof_stamp(grant->order.application, grant->order.account);
	if (!endpoints_known(application, ENDPOINTS_TOKEN)) {
		grant->discovery =
		    discovery_start(application, on_endpoints, grant, err);
		return grant->discovery != NULL ? 0 : -1;
	}
	if (application->proof == CONF_PROOF_MANAGED_IDENTITY &&
	    secret_empty(&grant->identity)) {
		grant->imds = imds_start(application, on_identity, grant, err);
		return grant->imds != NULL ? 0 : -1;
	}
	buf_init(&form, FLOW_FORM_MAX);
	if (make_form(grant, &form, err) == -1) {
		buf_clear(&form);
		return -1;
	}
	log_debug(log_id(grant), "asking for a token: grant=%s endpoint=%s",
	    flow_name(grant->flow), post.url);
	grant->http = http_post(&post, &form, on_answer, grant, err);
	buf_clear(&form);
	return grant->http != NULL ? 0 : -1;
}

/* --- ends ------------------------------------------------------------------
 */

static void
finish(struct grant *grant, struct grant_token *token,
    const struct grant_failure *failure)
{
	grant_done *done = grant->done;
	void *arg = grant->arg;

	/* http ends the exchange by itself after its callback. */
	grant->http = NULL;
	grant_cancel(grant);
	done(arg, token, failure);
}

static void
fail(struct grant *grant, const struct refusal *refusal)
{
	struct grant_failure failure = {
	    .err = refusal->err,
	    .least_ms = refusal->least_ms,
	    .clock_off_s = grant->clock_off_s,
	    .has_clock = grant->has_clock,
	    .refused = refusal->refused,
	    .stamp = grant->stamp,
	};

	/* Has it moved? Its discovery document knows. */
	if (strcmp(refusal->err.code, "endpoint") == 0)
		endpoints_doubt(grant->order.application);
	snprintf(failure.error, sizeof(failure.error), "%s", refusal->error);
	/* A sign-in that fails changes nothing about what is kept. */
	if (failure.refused != RECORD_REFUSED_NOTHING &&
	    grant->order.sign_in == NULL) {
		/* Files that were changed meanwhile hold what was not tried
		 * yet: no fingerprint equals the empty one. */
		if (grant->stamp != proof_stamp(grant->order.application,
					grant->order.account) ||
		    proof_id(grant->order.application, grant->order.account,
			failure.refused, failure.refused_id, NULL) == -1)
			failure.refused_id[0] = '\0';
		record_refuse(&grant->record, failure.refused,
		    failure.refused_id, clock_wall_s(), &failure.err);
		failure.unsaved = grant_save_record(&grant->order, grant->store,
		    &grant->record, &failure.save_error);
		failure.saved = failure.unsaved == NULL;
	}
	finish(grant, NULL, &failure);
	grant_save_drop(failure.unsaved);
}

static void
fail_with(struct grant *grant, const struct err *err)
{
	struct refusal refusal = {.err = *err};

	fail(grant, &refusal);
}

static void
succeed(struct grant *grant, struct flow_token *flow)
{
	struct grant_token token = {.how = flow_name(grant->flow)};
	const struct record *kept;
	struct err err;

	if (crypto_fingerprint(&flow->access, token.id, &err) == -1) {
		fail_with(grant, &err);
		return;
	}
	token.unsaved = grant_save_token(&grant->order, grant->store,
	    &grant->record, grant->flow, flow, &token.save_error);
	kept = token.unsaved != NULL ? token.unsaved : &grant->record;
	token.has_refresh = !secret_empty(&kept->refresh_token);
	token.refresh_at_s = kept->obtained_at_s;
	secret_take(&token.access, &flow->access);
	token.expires_in_s = flow->expires_in_s;
	token.clock_off_s = grant->clock_off_s;
	token.has_clock = grant->has_clock;
	token.scope = flow->scope;
	flow->scope = NULL;
	finish(grant, &token, NULL);
	secret_clear(&token.access);
	free(token.scope);
	grant_save_drop(token.unsaved);
}

/*
 * A refresh token that was brought in after the password had been refused is
 * no reason to show that password again.
 */
static int
is_refused_password(const struct grant *grant)
{
	const struct record *record = &grant->record;
	char id[CRYPTO_HEX_LEN];

	return !grant->order.insist &&
	       record->refused == RECORD_REFUSED_PASSWORD &&
	       record->refused_id != NULL &&
	       proof_id(grant->order.application, grant->order.account,
		   record->refused, id, NULL) == 0 &&
	       strcmp(id, record->refused_id) == 0;
}

/* The refusal of the refresh token; the password's is on disk already. */
static void
fail_without_password(struct grant *grant, const struct refusal *refusal)
{
	struct grant_failure failure = {
	    .err = refusal->err,
	    .refused = RECORD_REFUSED_PASSWORD,
	    .stamp = grant->stamp,
	};

	strncat(failure.refused_id, grant->record.refused_id,
	    sizeof(failure.refused_id) - 1);
	finish(grant, NULL, &failure);
}

/* --- from one request to the next ------------------------------------------
 */

/* 1 if something else may be tried after this refusal, and is prepared. */
static int
next_attempt(struct grant *grant, const struct refusal *refusal)
{
	const struct conf_account *account = grant->order.account;
	const struct conf_application *application = grant->order.application;

	if (refusal->proof_refused) {
		const char *file = clientauth_file(application, grant->proof);

		if (!next_proof(grant))
			return 0;
		log_info(log_id(grant), "%s refused, next one: code=%s file=%s",
		    clientauth_option(application), refusal->err.code, file);
		return 1;
	}
	if (grant->flow == FLOW_REFRESH && grant->order.sign_in == NULL &&
	    account != NULL && account->grant == CONF_GRANT_PASSWORD &&
	    refusal->err.kind != ERR_TEMPORARY) {
		log_info(log_id(grant),
		    "refresh token refused, the password is next: code=%s",
		    refusal->err.code);
		grant->flow = FLOW_PASSWORD;
		return 1;
	}
	return 0;
}

static void
on_refusal(struct grant *grant, const struct refusal *refusal)
{
	struct err err;
	int had_token = grant->flow == FLOW_REFRESH;

	if (!next_attempt(grant, refusal))
		fail(grant, refusal);
	else if (had_token && grant->flow == FLOW_PASSWORD &&
		 is_refused_password(grant))
		fail_without_password(grant, refusal);
	else if (send_request(grant, &err) == -1)
		fail_with(grant, &err);
}

static void
on_answer(void *arg, const struct http_answer *answer, const struct err *reason)
{
	struct grant *grant = arg;
	char proof[CLIENTAUTH_NAME_MAX];
	struct refusal_subject subject;
	struct refusal_answer given;
	struct refusal refusal;
	struct flow_token token;
	struct err err;
	int rc;

	if (answer != NULL && answer->date_s != 0) {
		grant->clock_off_s = clock_wall_s() - answer->date_s;
		grant->has_clock = 1;
	}
	grant_order_subject(&grant->order, grant->flow, grant->proof,
	    grant->clock_off_s, &subject);
	if (answer == NULL) {
		refusal_no_answer(&refusal, &subject, reason);
		fail(grant, &refusal);
		return;
	}
	rc = flow_answer(
	    answer->status, answer->body, answer->body_len, &token, &err);
	if (rc == 1) {
		succeed(grant, &token);
		flow_token_clear(&token);
		return;
	}
	if (rc == -1) {
		refusal_no_answer(&refusal, &subject, &err);
		fail(grant, &refusal);
		return;
	}
	clientauth_describe(
	    grant->order.application, grant->proof, &grant->identity, proof);
	subject.proof = proof;
	given = (struct refusal_answer){answer->status, answer->body,
	    answer->body_len, answer->content_type, answer->retry_after_s};
	refusal_judge(&refusal, &subject, &given);
	on_refusal(grant, &refusal);
}

static void
on_endpoints(void *arg, const struct err *reason)
{
	struct grant *grant = arg;
	struct refusal_subject subject;
	struct refusal refusal = {.least_ms = 0};
	struct err err;

	grant->discovery = NULL;
	if (reason != NULL) {
		grant_order_subject(&grant->order, grant->flow, grant->proof,
		    grant->clock_off_s, &subject);
		refusal_discovery(&refusal, &subject, reason);
		fail(grant, &refusal);
	} else if (send_request(grant, &err) == -1) {
		fail_with(grant, &err);
	}
}

/* The identity is what was wanted, or what is to be shown for it. */
static void
on_identity(void *arg, struct flow_token *token, const struct refusal *refusal)
{
	struct grant *grant = arg;
	struct err err;

	grant->imds = NULL;
	if (refusal != NULL) {
		fail(grant, refusal);
		return;
	}
	if (grant->order.application->is_identity) {
		succeed(grant, token);
		return;
	}
	secret_take(&grant->identity, &token->access);
	if (send_request(grant, &err) == -1)
		fail_with(grant, &err);
}

/* --- begin and cancel ------------------------------------------------------
 */

/* A refresh token that a person has brought, instead of the one kept. */
static int
take_brought(
    struct grant *grant, const struct grant_sign_in *sign_in, struct err *err)
{
	if (sign_in->refresh_token == NULL ||
	    secret_copy(&grant->record.refresh_token, sign_in->refresh_token) ==
		0)
		return 0;
	return err_set(err, ERR_TEMPORARY, "memory", "out of memory");
}

/* What is kept, and with it the first flow. */
static int
prepare(struct grant *grant, const struct record *unsaved, struct err *err)
{
	const struct grant_order *order = &grant->order;
	struct refusal_subject subject;
	int rc;

	if (unsaved != NULL)
		rc = record_copy(&grant->record, unsaved) == 0 ? 1 : -1;
	else
		rc = store_load(grant->store, grant_order_kind(order),
		    grant_order_name(order), &grant->record, err);
	if (order->account == NULL) {
		grant->flow = FLOW_CLIENT_CREDENTIALS;
		return 0;
	}
	if (order->sign_in != NULL) {
		grant->flow = order->sign_in->kind;
		return take_brought(grant, order->sign_in, err);
	}
	grant->flow = FLOW_REFRESH;
	if (!secret_empty(&grant->record.refresh_token))
		return 0;
	if (order->account->grant == CONF_GRANT_PASSWORD)
		grant->flow = FLOW_PASSWORD;
	if (order->account->grant == CONF_GRANT_JWT_BEARER)
		grant->flow = FLOW_JWT_BEARER;
	if (grant->flow != FLOW_REFRESH || rc == -1)
		return grant->flow != FLOW_REFRESH ? 0 : -1;
	grant_order_subject(&grant->order, grant->flow, grant->proof,
	    grant->clock_off_s, &subject);
	refusal_login_required(err, &subject);
	return -1;
}

static void
on_turn(void *arg)
{
	struct grant *grant = arg;
	struct err err;

	if (send_request(grant, &err) == -1)
		fail_with(grant, &err);
}

/* Now or when its turn comes: secrets are not read before. */
static int
take_turn(struct grant *grant, struct err *err)
{
	const struct conf_application *application = grant->order.application;
	int now;

	grant->turn = lane_enter(endpoints_get(application, ENDPOINTS_TOKEN),
	    application->name, on_turn, grant, &now);
	return now ? send_request(grant, err) : 0;
}

struct grant *
grant_start(const struct grant_order *order, struct store *store,
    grant_done *done, void *arg, struct grant_failure *failure)
{
	struct grant *grant;

	memset(failure, 0, sizeof(*failure));
	grant = mem_zalloc(1, sizeof(*grant));
	grant->order = *order;
	grant->order.unsaved = NULL;
	config_ref(order->config);
	grant->store = store;
	grant->done = done;
	grant->arg = arg;
	record_init(&grant->record);
	if (prepare(grant, order->unsaved, &failure->err) == -1 ||
	    take_turn(grant, &failure->err) == -1) {
		grant_cancel(grant);
		return NULL;
	}
	return grant;
}

void
grant_cancel(struct grant *grant)
{
	if (grant == NULL)
		return;
	discovery_cancel(grant->discovery);
	http_cancel(grant->http);
	imds_cancel(grant->imds);
	lane_leave(grant->turn);
	record_clear(&grant->record);
	secret_clear(&grant->identity);
	config_unref(grant->order.config);
	free(grant);
}
