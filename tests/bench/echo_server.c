/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo_server - the least a server on a Unix stream socket can do: read a
 * request, write an answer that is always the same. It takes one connection
 * after the other and blocks in each call.
 *
 * usage: echo_server SOCKET REQUEST_FILE ANSWER_FILE
 * link: meter
 */
#define _GNU_SOURCE
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Until the client goes away. */
static void
serve(int fd, size_t request_len, const char *answer, size_t answer_len)
{
	char request[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = recv(fd, request + got, request_len - got, 0)) > 0) {
		got += (size_t)n;
		if (got < request_len)
			continue;
		got = 0;
		if (send(fd, answer, answer_len, MSG_NOSIGNAL) !=
		    (ssize_t)answer_len)
			break;
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t request_len, answer_len;
	char *answer;
	int listener, fd;

	meter_must(argc == 4 && strlen(argv[1]) < sizeof(address.sun_path),
	    "usage: echo_server SOCKET REQUEST_FILE ANSWER_FILE");
	free(meter_read_file(argv[2], &request_len));
	answer = meter_read_file(argv[3], &answer_len);
	memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	meter_must(
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(listener, SOMAXCONN) == 0,
	    argv[1]);
	printf("ready\n");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) != -1)
		serve(fd, request_len, answer, answer_len);
	meter_fatal("accept");
}
