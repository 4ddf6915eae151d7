/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sasl_query - asking the stand-in tokend. See sasl_query.h.
 */
#define _GNU_SOURCE
#include "sasl_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "../../sasl-plugin/client.h"

struct tokend *tokend;
static int fds_before;

int
query_setup(void **state)
{
	(void)state;
	fds_before = tokend_count_fds();
	tokend = tokend_new();
	return 0;
}

/* Whatever a test has done: nothing but the kept connection is left, and that
 * can be closed. */
int
query_teardown(void **state)
{
	(void)state;
	client_close();
	tokend_free(tokend);
	if (tokend_count_fds() != fds_before) {
		fprintf(stderr, "%d descriptors leaked\n",
		    tokend_count_fds() - fds_before);
		return -1;
	}
	return 0;
}

int
query_ask(const char *account, int timeout_ms, struct err *err)
{
	struct client_query query = {.path = tokend->path,
	    .account = account,
	    .service = "smtp",
	    .host = "smtp.office365.com",
	    .wait_ms = 5000,
	    .timeout_ms = timeout_ms};
	struct client_token token;
	int result = client_get_token(&query, &token, err);

	if (result == 0 && strcmp(token.user, account) != 0)
		result = -2; /* another account's answer */
	client_clear_token(&token);
	return result;
}

void
query_assert_served(const char *account)
{
	struct err err = {0};

	if (query_ask(account, 5000, &err) != 0)
		fail_msg("%s: %s", err.code, err.text);
}

/* The number of the kept connection: the socket whose peer is the path. */
int
query_kept_fd(void)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd;

	for (fd = 0; fd < 256; fd++) {
		len = sizeof(address);
		memset(&address, 0, sizeof(address));
		if (getpeername(fd, (struct sockaddr *)&address, &len) == 0 &&
		    address.sun_family == AF_UNIX &&
		    strcmp(address.sun_path, tokend->path) == 0)
			return fd;
	}
	return -1;
}
