/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovery - read discovery documents. See discovery.h.
 */
#define _GNU_SOURCE
#include "discovery.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "endpoints.h"
#include "http.h"
#include "log.h"
#include "mem.h"

struct reading;

struct discovery {
	TAILQ_ENTRY(discovery) entry;
	struct reading *reading;
	discovery_done *done;
	void *arg;
};

/* One document on its way, and who waits for it. */
struct reading {
	LIST_ENTRY(reading) entry;
	TAILQ_HEAD(, discovery) waits;
	char *url;
	struct http *http;
};

static LIST_HEAD(, reading) readings = LIST_HEAD_INITIALIZER(readings);

static struct reading *
find(const char *url)
{
	struct reading *reading;

	LIST_FOREACH(reading, &readings, entry)
	if (strcmp(reading->url, url) == 0)
		return reading;
	return NULL;
}

static void
destroy(struct reading *reading)
{
	LIST_REMOVE(reading, entry);
	http_cancel(reading->http);
	free(reading->url);
	free(reading);
}

static int
take(const struct reading *reading, const struct http_answer *answer,
    const struct err *reason, struct err *err)
{
	if (answer == NULL)
		return err_set(err, reason->kind, "discovery",
		    "the discovery document %.200s: %.300s", reading->url,
		    reason->text);
	if (answer->status != 200) {
		err_set(err, ERR_TEMPORARY, "discovery",
		    "the discovery document %.200s: the provider answers with "
		    "status %ld; correct discovery_endpoint if that lasts",
		    reading->url, answer->status);
		err->retry_ms = (int)(answer->retry_after_s * 1000);
		return -1;
	}
	return endpoints_take(
	    reading->url, answer->body, answer->body_len, err);
}

static void
on_document(
    void *arg, const struct http_answer *answer, const struct err *reason)
{
	struct reading *reading = arg;
	struct discovery wait, *first;
	struct err err;
	int rc;

	reading->http = NULL;
	rc = take(reading, answer, reason, &err);
	if (rc == 0) {
		log_debug(
		    NULL, "discovery document read: url=%s", reading->url);
	} else if (endpoints_trust(reading->url)) {
		log_warn(NULL, "endpoints as found before: %s", err.text);
		rc = 0;
	}
	/* Whoever comes from now on reads it anew; done may cancel others. */
	LIST_REMOVE(reading, entry);
	while ((first = TAILQ_FIRST(&reading->waits)) != NULL) {
		TAILQ_REMOVE(&reading->waits, first, entry);
		wait = *first;
		free(first);
		wait.done(wait.arg, rc == 0 ? NULL : &err);
	}
	LIST_INSERT_HEAD(&readings, reading, entry);
	destroy(reading);
}

static struct reading *
begin(const struct conf_application *application, struct err *err)
{
	struct reading *reading = mem_zalloc(1, sizeof(*reading));
	const struct http_post get = {
	    .url = application->discovery_endpoint,
	    .proxy = application->proxy,
	    .ca_file = application->ca_file,
	};

	TAILQ_INIT(&reading->waits);
	reading->url = mem_strdup(get.url);
	LIST_INSERT_HEAD(&readings, reading, entry);
	reading->http = http_get(&get, on_document, reading, err);
	if (reading->http != NULL)
		return reading;
	destroy(reading);
	return NULL;
}

struct discovery *
discovery_start(const struct conf_application *application,
    discovery_done *done, void *arg, struct err *err)
{
	struct reading *reading = find(application->discovery_endpoint);
	struct discovery *discovery;

	if (reading == NULL)
		reading = begin(application, err);
	if (reading == NULL)
		return NULL;
	discovery = mem_zalloc(1, sizeof(*discovery));
	discovery->reading = reading;
	discovery->done = done;
	discovery->arg = arg;
	TAILQ_INSERT_TAIL(&reading->waits, discovery, entry);
	return discovery;
}

/* The last one who waited ends the request, unless its answer is here. */
void
discovery_cancel(struct discovery *discovery)
{
	struct reading *reading;

	if (discovery == NULL)
		return;
	reading = discovery->reading;
	TAILQ_REMOVE(&reading->waits, discovery, entry);
	free(discovery);
	if (TAILQ_EMPTY(&reading->waits) && reading->http != NULL)
		destroy(reading);
}
