/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon - options, background, a clean process. See daemon.h.
 */
#define _GNU_SOURCE
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sock.h"

#define DEFAULT_CONFIG POSTOAK_SYSCONFDIR "/postoak/postoak.conf"

/* Writing end of the pipe to the waiting parent; -1 in the foreground. */
static int ready_pipe = -1;

/* The milter has no way to anywhere. */
static int
takes_via(const char *program)
{
	return strstr(program, "milter") == NULL;
}

static void
usage(const char *program, FILE *out)
{
	int has_via = takes_via(program);

	fprintf(out,
	    "usage: %s [-c FILE] [-f] [-t] [-v] [-V]%s\n"
	    "  -c FILE     configuration (default " DEFAULT_CONFIG ")\n"
	    "  -f          stay in the foreground, log to standard error\n"
	    "  -t          check the configuration and exit 0 or 78\n"
	    "  -v          debug messages\n"
	    "  -V          version\n",
	    program, has_via ? " [--via=PATH]" : "");
	if (has_via)
		fputs("  --via=PATH  Unix socket as the way to the provider\n",
		    out);
}

/*
 * The background has another working directory, and a configuration is read
 * again there. A path that is not to be had stays as it is.
 */
static const char *
absolute(const char *path, char out[2 * PATH_MAX])
{
	size_t len;

	if (path[0] == '/' || getcwd(out, PATH_MAX) == NULL)
		return path;
	len = strlen(out);
	snprintf(out + len, 2 * PATH_MAX - len, "/%s", path);
	return out;
}

static void
parse_one(struct daemon_options *options, int option, const char *program)
{
	static char config[2 * PATH_MAX], via[2 * PATH_MAX];

	switch (option) {
	case 'c':
		options->config_path = absolute(optarg, config);
		break;
	case 'f':
		options->foreground = 1;
		break;
	case 't':
		options->check_only = 1;
		break;
	case 'v':
		options->verbose = 1;
		break;
	case 'V':
		printf("%s %s\n", program, POSTOAK_VERSION);
		exit(EX_OK);
	case 'p':
		if (!takes_via(program)) {
			usage(program, stderr);
			exit(EX_USAGE);
		}
		options->via_path = absolute(optarg, via);
		break;
	case 'h':
		usage(program, stdout);
		exit(EX_OK);
	default:
		usage(program, stderr);
		exit(EX_USAGE);
	}
}

void
daemon_parse(struct daemon_options *options, int argc, char **argv)
{
	static const struct option words[] = {
	    {"via", required_argument, NULL, 'p'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash != NULL ? slash + 1 : argv[0];
	int option;

	memset(options, 0, sizeof(*options));
	options->config_path = DEFAULT_CONFIG;
	optind = 1;
	while ((option = getopt_long(argc, argv, "c:ftvVh", words, NULL)) != -1)
		parse_one(options, option, program);
	if (optind != argc) {
		usage(program, stderr);
		exit(EX_USAGE);
	}
}

/* A list of what stays is short and complete; one of what goes never is. */
static int
is_kept(const char *variable)
{
	static const char *const kept[] = {
	    "LISTEN_PID=",
	    "LISTEN_FDS=",
	    "LISTEN_FDNAMES=",
	    "NOTIFY_SOCKET=",
	    "WATCHDOG_USEC=",
	    "WATCHDOG_PID=",
	    "CREDENTIALS_DIRECTORY=",
	    "TZ=",
	    "PATH=",
	    "LANG=",
	};
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return 1;
	return 0;
}

static void
clean_environment(void)
{
	char **from, **to;

	if (environ == NULL)
		return;
	/* What goes is wiped, too: /proc/PID/environ would go on showing it. */
	for (from = to = environ; *from != NULL; from++)
		if (is_kept(*from))
			*to++ = *from;
		else
			explicit_bzero(*from, strlen(*from));
	*to = NULL;
}

void
daemon_harden(void)
{
	static const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	clean_environment();
}

/* The parent's half of daemon_detach: end as the child begins. */
static void
wait_for_child(pid_t child, int fd)
{
	char byte;
	ssize_t got;
	int status;

	do
		got = read(fd, &byte, 1);
	while (got == -1 && errno == EINTR);
	if (got == 1)
		_exit(EX_OK);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

void
daemon_detach(const struct daemon_options *options)
{
	int ends[2];
	pid_t child;

	if (options->foreground || sock_notify_wanted())
		return;
	if (pipe2(ends, O_CLOEXEC) == -1 || (child = fork()) == -1) {
		fprintf(stderr, "cannot go to the background: %s\n",
		    strerror(errno));
		exit(EX_OSERR);
	}
	if (child > 0) {
		close(ends[1]);
		wait_for_child(child, ends[0]);
	}
	close(ends[0]);
	ready_pipe = ends[1];
	setsid();
}

/* Only now: what went wrong until here had to be seen by the caller. */
static void
leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd != -1) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
	}
	if (chdir("/") == -1)
		return;
}

void
daemon_ready(void)
{
	sock_notify("READY=1");
	if (ready_pipe == -1)
		return;
	leave_terminal();
	if (write(ready_pipe, "", 1) == -1 && errno != EPIPE)
		fprintf(stderr, "readiness: %s\n", strerror(errno));
	close(ready_pipe);
	ready_pipe = -1;
}
