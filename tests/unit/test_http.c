/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: where secrets may go, and that a cancelled exchange is silent. The rest
 * is shown by the end-to-end tests against the stand-in's endpoint.
 * link: tokend/http tokend/timer tokend/crypto
 * libs: tokend
 */
#define _GNU_SOURCE
#include "tokend/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tokend/crypto.h"
#include "tokend/timer.h"

static struct event_base *base;
static struct err err;
static int listener;
static char url[64];

static int calls;
static long status;
static struct err failure;
static char body[128];
static int64_t retry_after;

static int
setup(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);

	(void)state;
	base = event_base_new();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (timer_start(base) == -1 || crypto_start(&err) == -1 ||
	    http_start(base, NULL, &err) == -1 ||
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    listen(listener, 5) == -1 ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) == -1)
		return -1;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/token",
	    ntohs(addr.sin_port));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	http_stop();
	timer_stop();
	event_base_free(base);
	return close(listener);
}

static void
note(void *arg, const struct http_answer *answer, const struct err *why)
{
	(void)arg;
	calls++;
	status = 0;
	if (answer != NULL) {
		status = answer->status;
		retry_after = answer->retry_after_s;
		snprintf(body, sizeof(body), "%s", answer->body);
	} else {
		failure = *why;
	}
}

static struct http *
post_through(const char *to, const char *proxy)
{
	struct http_post how = {.url = to, .proxy = proxy};
	struct http *http;
	struct buf form;

	calls = 0;
	buf_init(&form, 100);
	buf_adds(&form, "grant_type=password&password=x");
	http = http_post(&how, &form, note, NULL, &err);
	assert_non_null(http);
	assert_null(form.data); /* taken */
	return http;
}

static struct http *
post(void)
{
	return post_through(url, NULL);
}

/* Let the loop run until the request is there; its text. */
static int
accept_request(char *request, size_t size)
{
	ssize_t got = 0, n;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) == -1)
		event_base_loop(base, EVLOOP_NONBLOCK);
	request[0] = '\0';
	while (strstr(request, "password=x") == NULL) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, request + got, size - 1 - (size_t)got, 0);
		got += n > 0 ? n : 0;
		request[got] = '\0';
	}
	return fd;
}

static void
answer(const char *text)
{
	char request[4096];
	int fd = accept_request(request, sizeof(request));

	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
	close(fd);
	while (calls == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(calls, 1);
}

static void
test_request(void **state)
{
	char request[4096];
	struct http *http = post();
	int fd = accept_request(request, sizeof(request));

	(void)state;
	assert_non_null(strstr(request, "POST /token HTTP/1.1\r\n"));
	assert_non_null(strstr(
	    request, "Content-Type: application/x-www-form-urlencoded\r\n"));
	assert_null(strstr(request, "Expect:"));
	assert_null(strstr(request, "Cookie:"));
	http_cancel(http);
	close(fd);
	/* Whatever is left of it in the loop calls nobody. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(calls, 0);
}

static void
test_answer(void **state)
{
	(void)state;
	post();
	answer("HTTP/1.1 429 X\r\nRetry-After: 17\r\nContent-Length: 2\r\n"
	       "\r\n{}");
	assert_int_equal(status, 429);
	assert_int_equal(retry_after, 17);
	assert_string_equal(body, "{}");
}

static void
test_redirect_is_an_answer_like_others(void **state)
{
	(void)state;
	post();
	answer("HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\n"
	       "Content-Length: 0\r\n\r\n");
	assert_int_equal(status, 307);
}

static void
test_cut_off(void **state)
{
	(void)state;
	post();
	answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
	assert_int_equal(status, 0);
	assert_int_equal(failure.kind, ERR_TEMPORARY);
	assert_string_equal(failure.code, "endpoint");
	assert_non_null(strstr(failure.text, "cut off"));
}

static void
test_announced_too_big(void **state)
{
	(void)state;
	post();
	answer("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n{");
	assert_int_equal(failure.kind, ERR_TEMPORARY);
}

static void
test_urls(void **state)
{
	static const char *const good[] = {"https://login.example/t",
	    "http://127.0.0.1:80/t", "http://127.1.2.3/t", "http://[::1]:9/t",
	    "http://localhost/t", "HTTPS://LOGIN.EXAMPLE/"};
	static const char *const bad[] = {"http://login.example/t",
	    "http://127.0.0.1.evil.example/", "http://localhost.evil.example/",
	    "ftp://localhost/", "file:///etc/passwd", "login.example", "",
	    "http://127.0.0.1@evil.example/", "http://10.0.0.1/"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(http_check_url(good[i], &err), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http_check_url(bad[i], &err), -1);
	/* Not routed, so not seen by others; for metadata only. */
	assert_int_equal(http_check_url("http://169.254.169.254/", &err), -1);
	assert_int_equal(
	    http_check_metadata_url("http://169.254.169.254/m", &err), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http_check_metadata_url(bad[i], &err), -1);
	assert_int_equal(
	    http_check_metadata_url("http://169.254.evil.example/", &err), -1);
}

/* A label of more than 63 bytes: no name server is asked. */
#define NO_NAME                                                                \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	".example"

static void
test_unknown_names(void **state)
{
	(void)state;
	post_through("https://" NO_NAME "/t", NULL);
	while (calls == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(failure.kind, ERR_TEMPORARY);
	assert_string_equal(failure.text,
	    "its name is not known here; look at /etc/resolv.conf, or set "
	    "proxy if this host has a proxy only");
	post_through("https://login.example/t", "http://" NO_NAME ":3128");
	while (calls == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(failure.kind, ERR_TEMPORARY);
	assert_string_equal(failure.text,
	    "the proxy's name is not known here; look at proxy in its "
	    "application and at /etc/resolv.conf");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_redirect_is_an_answer_like_others),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_announced_too_big),
	    cmocka_unit_test(test_unknown_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
