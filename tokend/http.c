/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - libcurl's multi interface on libevent. See http.h.
 */
#define _GNU_SOURCE
#include "http.h"

#include <curl/curl.h>
#include <event2/event.h>

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "timer.h"

#define PAUSE_MAX_S 86400

struct http {
	CURL *easy;
	struct curl_slist *headers;
	struct buf form;
	struct buf body;
	int too_big;
	int get;      /* without form */
	int metadata; /* a GET of a metadata service */
	char reason[CURL_ERROR_SIZE];
	http_done *done;
	void *arg;
};

static CURLM *multi;
static struct event_base *loop;
static const char *via_path;
static struct timer wake;

/* --- the loop --------------------------------------------------------------
 */

static void
clear(struct http *http)
{
	if (http->easy != NULL) {
		curl_multi_remove_handle(multi, http->easy);
		curl_easy_cleanup(http->easy);
	}
	curl_slist_free_all(http->headers);
	buf_clear(&http->form);
	buf_clear(&http->body);
	free(http);
}

static const char *
plain_reason(CURLcode code, const struct http *http)
{
	if (http->too_big)
		return "its answer is larger than 64 KiB";
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "no answer in time";
	if (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
	    code == CURLE_GOT_NOTHING)
		return "its answer is cut off";
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return "its name is not known here; look at /etc/resolv.conf, "
		       "or set proxy if this host has a proxy only";
	if (code == CURLE_COULDNT_RESOLVE_PROXY)
		return "the proxy's name is not known here; look at proxy in "
		       "its application and at /etc/resolv.conf";
	return curl_easy_strerror(code);
}

static void
report_failure(struct http *http, CURLcode code)
{
	struct err err;

	/* libcurl would only say it once more. */
	if (code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY)
		*http->reason = '\0';
	err_set(&err, ERR_TEMPORARY, "endpoint", "%s%s%s%s",
	    plain_reason(code, http), *http->reason != '\0' ? " (" : "",
	    http->reason, *http->reason != '\0' ? ")" : "");
	http->done(http->arg, NULL, &err);
}

/* Everybody multiplies it; a day is more than anybody obeys. */
static int64_t
sane_pause_s(curl_off_t retry_after)
{
	if (retry_after <= 0)
		return 0;
	return retry_after < PAUSE_MAX_S ? retry_after : PAUSE_MAX_S;
}

static void
report_answer(struct http *http)
{
	struct http_answer answer = {.body = "", .content_type = ""};
	curl_off_t retry_after = 0;
	const char *type = NULL;
	struct curl_header *date;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &retry_after);
	if (type != NULL)
		answer.content_type = type;
	if (http->body.data != NULL)
		answer.body = http->body.data;
	answer.body_len = http->body.len;
	answer.retry_after_s = sane_pause_s(retry_after);
	if (curl_easy_header(http->easy, "Date", 0, CURLH_HEADER, -1, &date) ==
		CURLHE_OK &&
	    curl_getdate(date->value, NULL) > 0)
		answer.date_s = curl_getdate(date->value, NULL);
	http->done(http->arg, &answer, NULL);
}

/* done may start and cancel others: each message is looked up anew. */
static void
collect(void)
{
	struct http *http;
	CURLMsg *message;
	CURLcode code;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		code = message->data.result;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &http);
		curl_multi_remove_handle(multi, http->easy);
		if (code == CURLE_OK)
			report_answer(http);
		else
			report_failure(http, code);
		clear(http);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	int running, flags = 0;

	(void)arg;
	if (what & EV_READ)
		flags |= CURL_CSELECT_IN;
	if (what & EV_WRITE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(multi, fd, flags, &running);
	collect();
}

static void
on_time(void *arg)
{
	int running;

	(void)arg;
	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect();
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct event *event = known;
	short flags = EV_PERSIST;

	(void)easy;
	(void)arg;
	if (event != NULL)
		event_free(event);
	event = NULL;
	if (what & CURL_POLL_IN)
		flags |= EV_READ;
	if (what & CURL_POLL_OUT)
		flags |= EV_WRITE;
	if (what != CURL_POLL_REMOVE) {
		event = event_new(loop, fd, flags, on_socket, NULL);
		if (event == NULL || event_add(event, NULL) == -1)
			return -1;
	}
	curl_multi_assign(multi, fd, event);
	return 0;
}

static int
want_time(CURLM *handle, long timeout_ms, void *arg)
{
	(void)handle;
	(void)arg;
	if (timeout_ms < 0)
		timer_cancel(&wake);
	else
		timer_set(&wake, clock_boot_ms() + timeout_ms);
	return 0;
}

/* --- one exchange ----------------------------------------------------------
 */

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http *http = arg;

	(void)size; /* always 1 */
	if (buf_add(&http->body, data, count) == -1) {
		http->too_big = 1;
		return 0;
	}
	return count;
}

#define SET(option, value)                                                     \
	(ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK)

static int
set_request(struct http *http, const struct http_post *post)
{
	CURL *easy = http->easy;
	int ok = 1;

	SET(CURLOPT_URL, post->url);
	if (http->get) {
		SET(CURLOPT_HTTPGET, 1L);
	} else {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)http->form.len);
		SET(CURLOPT_POSTFIELDS, http->form.data);
	}
	SET(CURLOPT_HTTPHEADER, http->headers);
	SET(CURLOPT_USERAGENT, "postoak/" POSTOAK_VERSION);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, http);
	SET(CURLOPT_PRIVATE, http);
	SET(CURLOPT_ERRORBUFFER, http->reason);
	SET(CURLOPT_MAXFILESIZE, (long)HTTP_BODY_MAX);
	return ok;
}

static int
set_way(CURL *easy, const struct http_post *post)
{
	int ok = 1;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)HTTP_TOTAL_MS);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	/* An empty string is "none", also against the environment. */
	SET(CURLOPT_PROXY, post->proxy != NULL ? post->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	if (via_path != NULL)
		SET(CURLOPT_UNIX_SOCKET_PATH, via_path);
	return ok;
}

static int
set_security(CURL *easy, const struct http_post *post)
{
	int ok = 1;

	SET(CURLOPT_PROTOCOLS_STR,
	    strncmp(post->url, "https:", 6) == 0 ? "https" : "http");
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	/* libcurl 7.88 corrupts its heap here when memory is short. */
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (post->ca_file != NULL) {
		SET(CURLOPT_CAINFO, post->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	return ok;
}

static int
set_headers(struct http *http)
{
	struct curl_slist *list;

	/* No "Expect: 100-continue": a form is small. */
	list = curl_slist_append(NULL, "Expect:");
	http->headers = list;
	if (list == NULL)
		return 0;
	if (http->metadata && curl_slist_append(list, "Metadata: true") == NULL)
		return 0;
	return curl_slist_append(list, "Accept: application/json") != NULL;
}

/* http is freed if it cannot be begun. */
static struct http *
begin(struct http *http, const struct http_post *post, http_done *done,
    void *arg, struct err *err)
{
	buf_init(&http->body, HTTP_BODY_MAX);
	http->done = done;
	http->arg = arg;
	if ((http->metadata ? http_check_metadata_url : http_check_url)(
		post->url, err) == -1) {
		clear(http);
		return NULL;
	}
	http->easy = curl_easy_init();
	if (http->easy == NULL || !set_headers(http) ||
	    !set_request(http, post) || !set_way(http->easy, post) ||
	    !set_security(http->easy, post) ||
	    curl_multi_add_handle(multi, http->easy) != CURLM_OK) {
		clear(http);
		err_set(err, ERR_TEMPORARY, "endpoint",
		    "a request cannot be made: libcurl refuses an option, or "
		    "no memory");
		return NULL;
	}
	return http;
}

struct http *
http_post(const struct http_post *post, struct buf *form, http_done *done,
    void *arg, struct err *err)
{
	struct http *http = mem_zalloc(1, sizeof(*http));

	http->form = *form;
	buf_init(form, form->max);
	return begin(http, post, done, arg, err);
}

struct http *
http_get(
    const struct http_post *get, http_done *done, void *arg, struct err *err)
{
	struct http *http = mem_zalloc(1, sizeof(*http));

	http->get = 1;
	return begin(http, get, done, arg, err);
}

struct http *
http_get_metadata(const char *url, http_done *done, void *arg, struct err *err)
{
	struct http *http = mem_zalloc(1, sizeof(*http));
	const struct http_post post = {.url = url};

	http->get = http->metadata = 1;
	return begin(http, &post, done, arg, err);
}

void
http_cancel(struct http *http)
{
	if (http != NULL)
		clear(http);
}

/* --- start and end ---------------------------------------------------------
 */

static int
is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ||
	       strcmp(host, "[::1]") == 0 ||
	       (strncmp(host, "127.", 4) == 0 &&
		   strspn(host, "0123456789.") == strlen(host));
}

/* 169.254.0.0/16 is not routed (RFC 3927): it ends at the host or its host. */
static int
is_link_local(const char *host)
{
	return strncmp(host, "169.254.", 8) == 0 &&
	       strspn(host, "0123456789.") == strlen(host);
}

static int
check_url(const char *url, int metadata, struct err *err)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL;
	int rc = -1;

	if (parts == NULL || curl_url_set(parts, CURLUPART_URL, url, 0) != 0 ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != 0 ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != 0)
		err_set(err, ERR_CONFIG, "endpoint", "%s is no URL", url);
	else if (strcmp(scheme, "https") == 0 ||
		 (strcmp(scheme, "http") == 0 &&
		     (is_loopback(host) || (metadata && is_link_local(host)))))
		rc = 0;
	else
		err_set(err, ERR_CONFIG, "endpoint",
		    "secrets go to https:// only, not to %s", url);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parts);
	return rc;
}

int
http_check_url(const char *url, struct err *err)
{
	return check_url(url, 0, err);
}

int
http_check_metadata_url(const char *url, struct err *err)
{
	return check_url(url, 1, err);
}

int
http_start(struct event_base *base, const char *via, struct err *err)
{
	loop = base;
	via_path = via;
	timer_init(&wake, on_time, NULL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (multi = curl_multi_init()) == NULL ||
	    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want_socket) !=
		CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_time) !=
		CURLM_OK)
		return err_set(
		    err, ERR_TEMPORARY, "libcurl", "libcurl does not start");
	return 0;
}

void
http_stop(void)
{
	timer_cancel(&wake);
	if (multi != NULL)
		curl_multi_cleanup(multi);
	multi = NULL;
	curl_global_cleanup();
}
