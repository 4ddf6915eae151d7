/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - see command.h.
 */
#define _GNU_SOURCE /* pipe2 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"

#define LINE_MAX_BYTES (1024 * 1024)

extern char **environ;

static char *const *
arguments(const char *const argv[])
{
	union {
		const char *const *in;
		char *const *out;
	} cast = {.in = argv};

	return cast.out;
}

/* With in as standard input (-1: none) and out as standard output. */
static int
spawn(const char *const argv[], int in, int out, pid_t *pid, struct err *err)
{
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc == 0 && in >= 0)
		rc = posix_spawn_file_actions_adddup2(
		    &actions, in, STDIN_FILENO);
	else if (rc == 0)
		rc = posix_spawn_file_actions_addopen(
		    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
		    &actions, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawnp(
		    pid, argv[0], &actions, NULL, arguments(argv), environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (rc == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "program",
	    "cannot run %s: %s; is it installed, and in PATH?", argv[0],
	    strerror(rc));
}

static int
no_pipe(struct err *err)
{
	return err_errno(err, ERR_TEMPORARY, errno, "cannot make a pipe");
}

int
command_start(const char *const argv[], pid_t *pid, struct err *err)
{
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return no_pipe(err);
	rc = spawn(argv, -1, fds[1], pid, err);
	(void)close(fds[1]);
	if (rc == 0)
		return fds[0];
	(void)close(fds[0]);
	return -1;
}

static void
hand_over(struct buf *in, command_line line, void *arg)
{
	char *end;

	while (in->len > 0 && (end = memchr(in->data, '\n', in->len)) != NULL) {
		size_t len = (size_t)(end - in->data);

		*end = '\0';
		line(arg, in->data, len);
		buf_drop(in, len + 1);
	}
}

static void
read_lines(int fd, command_line line, void *arg)
{
	struct buf in;
	char data[16384];
	ssize_t n;

	buf_init(&in, LINE_MAX_BYTES);
	while ((n = read(fd, data, sizeof(data))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n > 0 && buf_add(&in, data, (size_t)n) < 0)
			buf_drop(&in, in.len);
		hand_over(&in, line, arg);
	}
	buf_clear(&in);
}

static int
wait_for(const char *program, pid_t pid, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, ERR_TEMPORARY, errno,
			    "cannot wait for %s", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_TEMPORARY, "program",
		    "%s was ended by signal %d", program, WTERMSIG(status));
	return err_set(err, ERR_TEMPORARY, "program",
	    "%s ended with %d; its own words are in the line before", program,
	    WEXITSTATUS(status));
}

/* A descriptor from which input can be read. */
static int
input_pipe(const char *input, struct err *err)
{
	int fds[2];
	size_t len = strlen(input);
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return no_pipe(err);
	n = write(fds[1], input, len);
	(void)close(fds[1]);
	if (n == (ssize_t)len)
		return fds[0];
	(void)close(fds[0]);
	return err_set(err, ERR_BUG, "program", "too much to write");
}

int
command_run(const char *const argv[], const char *input, command_line line,
    void *arg, struct err *err)
{
	int in = -1, fds[2], rc;
	pid_t pid;

	if (input != NULL && (in = input_pipe(input, err)) < 0)
		return -1;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		(void)close(in);
		return no_pipe(err);
	}
	rc = spawn(argv, in, fds[1], &pid, err);
	(void)close(fds[1]);
	if (in >= 0)
		(void)close(in);
	if (rc == 0) {
		read_lines(fds[0], line, arg);
		rc = wait_for(argv[0], pid, err);
	}
	(void)close(fds[0]);
	return rc;
}
