/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice - see notice.h.
 */
#include "notice.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "mem.h"
#include "launch.h"

#define LOOK_MS 20

/* 1 and its status when it has ended by then. */
static int
ended_by(pid_t pid, int64_t until_ms, int *status)
{
	pid_t rc;

	while ((rc = waitpid(pid, status, WNOHANG)) == 0 ||
	       (rc < 0 && errno == EINTR)) {
		if (clock_boot_ms() >= until_ms)
			return 0;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return 1;
}

static void
await(pid_t pid, const char *name)
{
	int status = 0;

	if (!ended_by(pid, clock_boot_ms() + LAUNCH_LIMIT_MS, &status)) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		fprintf(stderr,
		    "postoak: notify_command did not end within %d s and was "
		    "killed: command=%s\n",
		    LAUNCH_LIMIT_MS / 1000, name);
	} else if (WIFSIGNALED(status)) {
		fprintf(stderr,
		    "postoak: notify_command died: command=%s signal=%d\n",
		    name, WTERMSIG(status));
	} else if (WEXITSTATUS(status) != 0) {
		fprintf(stderr,
		    "postoak: notify_command failed: command=%s status=%d\n",
		    name, WEXITSTATUS(status));
	}
}

void
notice_run(const struct conf_list *command, const char *account,
    const char *kind, const char *reply)
{
	char *environment[LAUNCH_VARIABLES + 1];
	char **argv;
	char *text = mem_printf("the provider %s %s; its mail is held or put "
				"off, one message an hour tries: %s",
	    strcmp(kind, "full") == 0 ? "says that the quota is used up of"
				      : "blocks the mailbox",
	    account, reply);
	struct launch_news news = {
	    .account = account, .state = "refused", .code = kind, .text = text};
	pid_t pid;
	size_t i;
	int rc;

	if (command->count > 0) {
		argv = mem_zalloc(command->count + 1, sizeof(*argv));
		for (i = 0; i < command->count; i++)
			argv[i] = command->items[i];
		launch_environment(&news, environment);
		rc = launch(argv, environment, &pid);
		if (rc == 0)
			await(pid, argv[0]);
		else
			fprintf(stderr,
			    "postoak: notify_command cannot be run: command=%s "
			    "reason=%s\n",
			    argv[0], strerror(rc));
		launch_environment_clear(environment);
		free(argv);
	}
	free(text);
}
