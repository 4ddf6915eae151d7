/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - many clients at once.
 *
 * usage: crowd SOCKET REQUEST_FILE
 * Orders on standard input:
 *   connect N ROUNDS  N threads connect without blocking, ask and hang up, all
 *                     at the same moment, ROUNDS times; says how many connects
 *                     failed and how many were answered with a token
 *   wait N            N connections, a request on each, nothing read yet
 *   collect           read what they are answered, hang up
 * link: meter
 */
#define _GNU_SOURCE
#include "meter.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CROWD_MAX 4096

static const char *path;
static char *request;
static size_t request_len;
static atomic_int failed, answered;
static int rounds;
static pthread_barrier_t barrier;
static int waiting[CROWD_MAX];
static int waiting_count;

static int
is_token(const char *answer)
{
	return memcmp(answer, "status=ok\n", 10) == 0;
}

/* As the plugin does: a full listen queue is EAGAIN at once. */
static void
visit(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char answer[65536];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	meter_must(fd != -1, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		failed++;
	} else {
		(void)fcntl(fd, F_SETFL, 0);
		meter_send(fd, request, request_len);
		(void)meter_receive_block(fd, answer, sizeof(answer));
		answered += is_token(answer);
	}
	close(fd);
}

static void *
visitor(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++) {
		pthread_barrier_wait(&barrier);
		visit();
	}
	return arg;
}

static void
connect_all(int count)
{
	pthread_t threads[CROWD_MAX];
	pthread_attr_t attr;
	int i;

	failed = answered = 0;
	pthread_barrier_init(&barrier, NULL, (unsigned)count);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (i = 0; i < count; i++)
		meter_must(
		    pthread_create(&threads[i], &attr, visitor, NULL) == 0,
		    "thread");
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	printf("failed=%d answered=%d\n", failed, answered);
}

static void
wait_all(int count)
{
	for (waiting_count = 0; waiting_count < count; waiting_count++) {
		waiting[waiting_count] = meter_connect(path);
		meter_send(waiting[waiting_count], request, request_len);
	}
	printf("waiting=%d\n", waiting_count);
}

static void
collect(void)
{
	char answer[65536];
	int good = 0, i;

	for (i = 0; i < waiting_count; i++) {
		(void)meter_receive_block(waiting[i], answer, sizeof(answer));
		good += is_token(answer);
		close(waiting[i]);
	}
	printf("answered=%d of=%d\n", good, waiting_count);
	waiting_count = 0;
}

static void
order(const char *words)
{
	int count = 0;

	rounds = 1;
	if (sscanf(words, "connect %d %d", &count, &rounds) >= 1 &&
	    count <= CROWD_MAX)
		connect_all(count);
	else if (sscanf(words, "wait %d", &count) == 1 && count <= CROWD_MAX)
		wait_all(count);
	else
		collect();
}

int
main(int argc, char **argv)
{
	struct rlimit limit;

	meter_must(argc == 3, "usage: crowd SOCKET REQUEST_FILE");
	path = argv[1];
	request = meter_read_file(argv[2], &request_len);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return meter_obey(NULL, order);
}
