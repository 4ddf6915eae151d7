/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LAUNCH_H
#define POSTOAK_LAUNCH_H

#include <sys/types.h>

/*
 * launch - start the administrator's command: no shell, nothing of ours
 * inherited. It gets the environment it is given, /dev/null as standard input,
 * output and error, a session of its own, and / as its directory. Called by
 * tokend's notify and by the tool's notice.
 */

#define LAUNCH_LIMIT_MS 10000 /* after which it is to be killed */
#define LAUNCH_VARIABLES 8    /* at most */

/* What it is told; texts hold no secret, NULL: there is none. */
struct launch_news {
	const char *account;
	const char *application;
	const char *state;
	const char *code;
	const char *text;
};

/* PATH, LANG and a POSTOAK_ variable each; NULL at the end. */
void launch_environment(
    const struct launch_news *news, char *environment[LAUNCH_VARIABLES + 1]);
void launch_environment_clear(char *environment[LAUNCH_VARIABLES + 1]);

/* argv[0] is a whole path. 0 and its *pid, which is its process group's, too;
 * or an errno. */
int launch(char *const argv[], char *const environment[], pid_t *pid);

#endif
