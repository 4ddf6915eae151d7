/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail - try a socket from inside a jail. See jail.h.
 *
 * There is no way back from chroot(2) and setuid(2): a child does it, and hands
 * back an errno and the answer.
 */
#define _GNU_SOURCE /* pipe2 */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int
enter(const struct jail *jail)
{
	if (jail->root != NULL && (chroot(jail->root) != 0 || chdir("/") != 0))
		return -1;
	/* smtp(8) has no supplementary groups either. */
	return setgroups(0, NULL) == 0 && setgid(jail->gid) == 0 &&
		       setuid(jail->uid) == 0
		   ? 0
		   : -1;
}

static int
connect_to(const char *path, int timeout_ms)
{
	struct timeval limit = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, saved;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

/* 0, or -1 with errno. */
static int
exchange(int fd, const char *request, char *answer, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -1;
	answer[0] = '\0';
	while (len + 1 < size && strstr(answer, "\n\n") == NULL) {
		n = recv(fd, answer + len, size - 1 - len, 0);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
		answer[len] = '\0';
	}
	return 0;
}

static void __attribute__((noreturn))
run_child(const struct jail *jail, const char *path, const char *request,
    char *answer, size_t size, int timeout_ms, int out)
{
	int result = 0, fd = -1;
	ssize_t written;

	answer[0] = '\0';
	if (enter(jail) != 0)
		result = EIO;
	else if ((fd = connect_to(path, timeout_ms)) < 0)
		result = errno;
	else if (request != NULL && exchange(fd, request, answer, size) != 0)
		result = errno;
	written = write(out, &result, sizeof(result));
	if (written > 0)
		written = write(out, answer, strlen(answer));
	_exit(written < 0);
}

int
jail_try(const struct jail *jail, const char *path, const char *request,
    char *answer, size_t size, int timeout_ms)
{
	int fds[2], result = EIO;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return EIO;
	pid = fork();
	if (pid == 0)
		run_child(
		    jail, path, request, answer, size, timeout_ms, fds[1]);
	(void)close(fds[1]);
	if (pid < 0 || read(fds[0], &result, sizeof(result)) != sizeof(result))
		result = EIO;
	while (result == 0 && len + 1 < size &&
	       (n = read(fds[0], answer + len, size - 1 - len)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	(void)close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return result;
}
