/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - measuring on order. See meter.h.
 */
#define _GNU_SOURCE
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WARM_PART 10 /* of a run are not timed in addition */

int64_t
meter_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
meter_fatal(const char *what)
{
	fprintf(stderr, "%s%s%s\n", what, errno != 0 ? ": " : "",
	    errno != 0 ? strerror(errno) : "");
	exit(1);
}

void
meter_must(int ok, const char *what)
{
	if (!ok)
		meter_fatal(what);
}

char *
meter_read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	size_t size = 65536, got;
	char *data = malloc(size);

	meter_must(file != NULL && data != NULL, path);
	got = fread(data, 1, size - 1, file);
	meter_must(!ferror(file), path);
	(void)fclose(file);
	data[got] = '\0';
	if (len != NULL)
		*len = got;
	return data;
}

int
meter_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	meter_must(strlen(path) < sizeof(address.sun_path), "too long a path");
	memcpy(address.sun_path, path, strlen(path) + 1);
	meter_must(fd != -1 && connect(fd, (struct sockaddr *)&address,
				   sizeof(address)) == 0,
	    path);
	return fd;
}

void
meter_send(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		meter_must(n > 0, "send");
		data += n;
		len -= (size_t)n;
	}
}

void
meter_receive(int fd, char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = recv(fd, data, len, 0);
		if (n == 0)
			errno = EPIPE;
		meter_must(n > 0, "receive");
		data += n;
		len -= (size_t)n;
	}
}

size_t
meter_receive_block(int fd, char *data, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, data + len, size - len, 0);
		if (n == 0)
			errno = EPIPE;
		meter_must(n > 0, "receive");
		len += (size_t)n;
	} while (memmem(data, len, "\n\n", 2) == NULL && len < size);
	return len;
}

static int
by_size(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return (one > two) - (one < two);
}

static void
run(size_t count, void (*once)(void))
{
	int64_t *took = calloc(count, sizeof(*took));
	int64_t begin, end;
	size_t i;

	meter_must(count > 0 && took != NULL, "run");
	/* The other programs had the processor and its caches until now. */
	for (i = 0; i < count / WARM_PART; i++)
		once();
	for (i = 0; i < count; i++) {
		begin = meter_now_ns();
		once();
		end = meter_now_ns();
		took[i] = end - begin;
	}
	qsort(took, count, sizeof(*took), by_size);
	printf("done=%zu p50_ns=%lld p99_ns=%lld max_ns=%lld\n",
	    count + count / WARM_PART, (long long)took[count / 2],
	    (long long)took[count * 99 / 100], (long long)took[count - 1]);
	free(took);
}

int
meter_obey(void (*once)(void), void (*other)(const char *word))
{
	char line[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "run ", 4) == 0)
			run(strtoul(line + 4, NULL, 10), once);
		else if (other != NULL)
			other(line);
	}
	return 0;
}
