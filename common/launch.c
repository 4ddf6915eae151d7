/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - see launch.h.
 *
 * posix_spawn starts it without a copy of our memory (glibc: CLONE_VFORK), and
 * says at once if there is no such program.
 */
#define _GNU_SOURCE
#include "launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>

#include "mem.h"

static int
set_actions(posix_spawn_file_actions_t *actions)
{
	int rc;

	rc = posix_spawn_file_actions_addopen(
	    actions, 0, "/dev/null", O_RDWR, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, 0, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, 0, 2);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	if (rc == 0)
		rc = posix_spawn_file_actions_addchdir_np(actions, "/");
	return rc;
}

/* We ignore SIGPIPE; it does not have to. */
static int
set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawnattr_setsigmask(attributes, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attributes, &all);
	if (rc == 0)
		rc = posix_spawnattr_setflags(
		    attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
				    POSIX_SPAWN_SETSID);
	return rc;
}

int
launch(char *const argv[], char *const environment[], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc == 0) {
		rc = set_actions(&actions);
		if (rc == 0)
			rc = set_attributes(&attributes);
		if (rc == 0)
			rc = posix_spawn(pid, argv[0], &actions, &attributes,
			    argv, environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void
add(char ***next, const char *name, const char *value)
{
	if (value != NULL)
		*(*next)++ = mem_printf("%s=%s", name, value);
}

void
launch_environment(
    const struct launch_news *news, char *environment[LAUNCH_VARIABLES + 1])
{
	char **next = environment;

	add(&next, "PATH",
	    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add(&next, "LANG", "C.UTF-8");
	add(&next, "POSTOAK_STATE", news->state);
	add(&next, "POSTOAK_CODE", news->code);
	add(&next, "POSTOAK_TEXT", news->text);
	add(&next, "POSTOAK_APPLICATION", news->application);
	add(&next, "POSTOAK_ACCOUNT", news->account);
	*next = NULL;
}

void
launch_environment_clear(char *environment[LAUNCH_VARIABLES + 1])
{
	for (; *environment != NULL; environment++) {
		free(*environment);
		*environment = NULL;
	}
}
