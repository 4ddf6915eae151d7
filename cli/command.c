/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - see command.h.
 */
#define _GNU_SOURCE /* pipe2, memfd_create */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"

#define LINE_MAX_BYTES (1024 * 1024)
#define WORDS_MAX 512

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

/* With in as standard input (-1: none), out as standard output, and words as
 * standard error (-1: ours). */
static int
spawn(const char *const argv[], int in, int out, int words, pid_t *pid,
    struct err *err)
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
	if (rc == 0 && words >= 0)
		rc = posix_spawn_file_actions_adddup2(
		    &actions, words, STDERR_FILENO);
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
	rc = spawn(argv, -1, fds[1], -1, pid, err);
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
		if (line != NULL)
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

/* Run it and hand its output over; the rest as for spawn. */
static int
run(const char *const argv[], int in, int words, command_line line, void *arg,
    struct err *err)
{
	int fds[2], rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return no_pipe(err);
	rc = spawn(argv, in, fds[1], words, &pid, err);
	(void)close(fds[1]);
	if (rc == 0) {
		read_lines(fds[0], line, arg);
		rc = wait_for(argv[0], pid, err);
	}
	(void)close(fds[0]);
	return rc;
}

int
command_run(const char *const argv[], const char *input, command_line line,
    void *arg, struct err *err)
{
	int in = -1, rc;

	if (input != NULL && (in = input_pipe(input, err)) < 0)
		return -1;
	rc = run(argv, in, -1, line, arg, err);
	if (in >= 0)
		(void)close(in);
	return rc;
}

/* Put the last line of what the program said into the error. */
static void
quote_words(int words, const char *program, struct err *err)
{
	char text[WORDS_MAX], *last;
	off_t len = lseek(words, 0, SEEK_END);
	ssize_t n = pread(words, text, sizeof(text) - 1,
	    len > (off_t)sizeof(text) - 1 ? len - (off_t)sizeof(text) + 1 : 0);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	text[n] = '\0';
	last = strrchr(text, '\n');
	err_set(err, ERR_TEMPORARY, "program", "%s says: %s", program,
	    last != NULL ? last + 1 : text);
}

int
command_ask(
    const char *const argv[], command_line line, void *arg, struct err *err)
{
	int words = memfd_create("words", MFD_CLOEXEC), rc;
	struct err own;

	if (words < 0)
		return err_errno(
		    err, ERR_TEMPORARY, errno, "cannot make a memory file");
	err_clear(&own);
	rc = run(argv, -1, words, line, arg, &own);
	if (rc != 0 && own.kind != ERR_CONFIG)
		quote_words(words, argv[0], &own);
	if (rc != 0 && err != NULL)
		*err = own;
	(void)close(words);
	return rc;
}
