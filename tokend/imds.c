/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imds - tokens of managed identities. See imds.h.
 */
#define _GNU_SOURCE
#include "imds.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#define API_VERSION "2018-02-01"
#define DEFAULT_SCOPE "/.default"
#define WORDS_MAX 200
#define URL_MAX 4096

struct imds {
	const struct conf_application *application;
	struct http *http;
	imds_done *done;
	void *arg;
};

/* The scope of the whole resource names it. */
static size_t
resource_len(const char *scope)
{
	size_t len = strlen(scope), tail = strlen(DEFAULT_SCOPE);

	if (len > tail && strcmp(scope + len - tail, DEFAULT_SCOPE) == 0)
		return len - tail;
	return len;
}

static int
make_url(const struct conf_application *application, struct buf *url,
    struct err *err)
{
	const char *resource = application->is_identity
				   ? application->app_scope
				   : application->federated_audience;

	buf_adds(url, application->metadata_endpoint);
	buf_adds(url, "?api-version=" API_VERSION);
	flow_put(url, "resource", resource, resource_len(resource));
	if (strcmp(application->managed_identity, "system") != 0)
		flow_put(url, "client_id", application->managed_identity,
		    strlen(application->managed_identity));
	if (url->truncated)
		return err_set(err, ERR_CONFIG, "size",
		    "the address of the metadata service is too long");
	return 0;
}

static int
is_temporary(long status)
{
	return status == 404 || status == 410 || status == 429 || status >= 500;
}

static void
judge(struct refusal *refusal, const struct conf_application *application,
    const struct refusal_answer *answer)
{
	struct json *json = json_parse(answer->body, answer->body_len, NULL);
	const char *words = "no words";

	memset(refusal, 0, sizeof(*refusal));
	refusal->least_ms = answer->retry_after_s * 1000;
	if (json != NULL && json_get_string(json, "error_description") != NULL)
		words = json_get_string(json, "error_description");
	if (is_temporary(answer->status))
		err_set(&refusal->err, ERR_TEMPORARY, "metadata",
		    "application %.100s: the metadata service %.200s is busy "
		    "or being updated (status %ld): %.*s",
		    application->name, application->metadata_endpoint,
		    answer->status, WORDS_MAX, words);
	else
		err_set(&refusal->err, ERR_CONFIG, "metadata",
		    "application %.100s: the metadata service %.200s gives no "
		    "token for managed_identity %.60s (status %ld): %.*s; "
		    "assign that identity to this host",
		    application->name, application->metadata_endpoint,
		    application->managed_identity, answer->status, WORDS_MAX,
		    words);
	json_free(json);
}

static void
no_answer(struct refusal *refusal, const struct conf_application *application,
    const struct err *reason)
{
	memset(refusal, 0, sizeof(*refusal));
	err_set(&refusal->err, reason->kind, "metadata",
	    "application %.100s: the metadata service %.200s: %.300s; it is "
	    "there on hosts in Azure only",
	    application->name, application->metadata_endpoint, reason->text);
}

static void
on_answer(void *arg, const struct http_answer *answer, const struct err *reason)
{
	struct imds imds = *(struct imds *)arg;
	struct refusal_answer given = {0};
	struct flow_token token = {0};
	struct refusal refusal;
	struct err err;
	int rc = -1;

	/* http ends the exchange by itself after its callback. */
	free(arg);
	if (answer != NULL)
		rc = flow_answer(answer->status, answer->body, answer->body_len,
		    &token, &err);
	if (rc == -1) {
		no_answer(
		    &refusal, imds.application, answer == NULL ? reason : &err);
	} else if (rc == 0) {
		given.status = answer->status;
		given.body = answer->body;
		given.body_len = answer->body_len;
		given.retry_after_s = answer->retry_after_s;
		judge(&refusal, imds.application, &given);
	}
	imds.done(imds.arg, rc == 1 ? &token : NULL, rc == 1 ? NULL : &refusal);
	flow_token_clear(&token);
}

struct imds *
imds_start(const struct conf_application *application, imds_done *done,
    void *arg, struct err *err)
{
	struct imds *imds = mem_zalloc(1, sizeof(*imds));
	struct buf url;

	imds->application = application;
	imds->done = done;
	imds->arg = arg;
	buf_init(&url, URL_MAX);
	if (make_url(application, &url, err) == 0) {
		log_debug(application->name, "asking for an identity: url=%s",
		    url.data);
		imds->http = http_get_metadata(url.data, on_answer, imds, err);
	}
	buf_clear(&url);
	if (imds->http != NULL)
		return imds;
	free(imds);
	return NULL;
}

void
imds_cancel(struct imds *imds)
{
	if (imds == NULL)
		return;
	http_cancel(imds->http);
	free(imds);
}
