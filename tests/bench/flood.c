/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood - requests without end, many sent ahead on a connection.
 *
 * usage: flood SOCKET REQUEST_FILE
 * "run N" is N connections of 1,000 requests each, one after the other; the
 * times are those of a connection.
 * link: meter
 */
#define _GNU_SOURCE
#include "meter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AHEAD 20
#define REQUESTS 1000 /* on one connection */

static const char *path;
static char *burst;
static size_t burst_len;

/* Answers end with the only empty line in them. */
static int
count_answers(const char *data, size_t len, char *before)
{
	int count = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		count += data[i] == '\n' && *before == '\n';
		*before = data[i];
	}
	return count;
}

static void
ask_ahead(int fd)
{
	char data[65536], before = '\0';
	int count = 0;
	ssize_t n;

	meter_send(fd, burst, burst_len);
	while (count < AHEAD) {
		n = recv(fd, data, sizeof(data), 0);
		meter_must(n > 0, "receive");
		count += count_answers(data, (size_t)n, &before);
	}
}

static void
flood(void)
{
	int fd = meter_connect(path);
	int done;

	for (done = 0; done < REQUESTS; done += AHEAD)
		ask_ahead(fd);
	close(fd);
}

int
main(int argc, char **argv)
{
	size_t len;
	char *request;
	int i;

	meter_must(argc == 3, "usage: flood SOCKET REQUEST_FILE");
	path = argv[1];
	request = meter_read_file(argv[2], &len);
	burst_len = len * AHEAD;
	burst = malloc(burst_len);
	meter_must(burst != NULL, "memory");
	for (i = 0; i < AHEAD; i++)
		memcpy(burst + (size_t)i * len, request, len);
	return meter_obey(flood, NULL);
}
