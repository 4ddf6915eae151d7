/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - one request after the other over one kept connection, timed. For tokend
 * and for the echo server alike.
 *
 * usage: ask SOCKET REQUEST_FILE ANSWER_FILE
 * The answer must be as long as ANSWER_FILE (expires_in may differ by a digit).
 * link: meter
 */
#define _GNU_SOURCE
#include "meter.h"

#include <string.h>

static int fd;
static char *request;
static size_t request_len, answer_len;
static char answer[65536];

static void
ask(void)
{
	size_t len;

	meter_send(fd, request, request_len);
	len = meter_receive_block(fd, answer, sizeof(answer));
	meter_must(len + 1 >= answer_len && len <= answer_len + 1 &&
		       memcmp(answer, "status=ok\n", 10) == 0,
	    "another answer than expected");
}

int
main(int argc, char **argv)
{
	meter_must(argc == 4, "usage: ask SOCKET REQUEST_FILE ANSWER_FILE");
	request = meter_read_file(argv[2], &request_len);
	(void)meter_read_file(argv[3], &answer_len);
	fd = meter_connect(argv[1]);
	return meter_obey(ask, NULL);
}
