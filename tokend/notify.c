/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify - run a command with a bound on everything. See notify.h.
 *
 * posix_spawn starts it without a copy of our memory (glibc: CLONE_VFORK), and
 * says at once if there is no such program.
 */
#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "timer.h"

#define VARIABLES 8

struct job {
	STAILQ_ENTRY(job) entries;
	char *key; /* the same: one replaces the other */
	char *environment[VARIABLES + 1];
};

static STAILQ_HEAD(, job) jobs = STAILQ_HEAD_INITIALIZER(jobs);
static size_t waiting;
static int dropped; /* some since the queue was last empty */
static const struct conf_list *command;
static pid_t running; /* 0: none */
static int killed;
static struct timer limit;
static struct event *child_event;

static void
free_job(struct job *job)
{
	int i;

	for (i = 0; i < VARIABLES; i++)
		free(job->environment[i]);
	free(job->key);
	free(job);
}

/* --- start one -------------------------------------------------------------
 */

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

/* 0 or an error number. */
static int
spawn(char **environment)
{
	char **argv = mem_zalloc(command->count + 1, sizeof(*argv));
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	size_t i;
	int rc;

	for (i = 0; i < command->count; i++)
		argv[i] = command->items[i];
	rc = posix_spawn_file_actions_init(&actions);
	if (rc == 0 && (rc = posix_spawnattr_init(&attributes)) == 0) {
		rc = set_actions(&actions);
		if (rc == 0)
			rc = set_attributes(&attributes);
		if (rc == 0)
			rc = posix_spawn(&running, argv[0], &actions,
			    &attributes, argv, environment);
		posix_spawnattr_destroy(&attributes);
		posix_spawn_file_actions_destroy(&actions);
	}
	free(argv);
	return rc;
}

static void
start_next(void)
{
	struct job *job;
	int rc;

	while (running == 0 && (job = STAILQ_FIRST(&jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&jobs, entries);
		waiting--;
		rc = command != NULL && command->count > 0
			 ? spawn(job->environment)
			 : 0;
		if (rc != 0) {
			running = 0;
			log_warn(NULL,
			    "notify_command cannot be run: command=%s "
			    "reason=%s",
			    command->items[0], strerror(rc));
		}
		if (running != 0) {
			killed = 0;
			timer_set(&limit, clock_boot_ms() + NOTIFY_LIMIT_MS);
		}
		free_job(job);
	}
	if (running == 0)
		dropped = 0;
}

/* --- its end ---------------------------------------------------------------
 */

static void
report(int status)
{
	if (killed)
		log_warn(NULL,
		    "notify_command did not end within %d s and was killed: "
		    "command=%s",
		    NOTIFY_LIMIT_MS / 1000, command->items[0]);
	else if (WIFSIGNALED(status))
		log_warn(NULL, "notify_command died: command=%s signal=%d",
		    command->items[0], WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_warn(NULL, "notify_command failed: command=%s status=%d",
		    command->items[0], WEXITSTATUS(status));
}

static void
on_child(evutil_socket_t number, short what, void *arg)
{
	int status = 0;

	(void)number;
	(void)what;
	(void)arg;
	if (running == 0 || waitpid(running, &status, WNOHANG) != running)
		return;
	running = 0;
	timer_cancel(&limit);
	if (command != NULL && command->count > 0)
		report(status);
	start_next();
}

/* With all it has started: its session is its process group. */
static void
on_limit(void *arg)
{
	(void)arg;
	killed = 1;
	(void)kill(-running, SIGKILL);
}

/* --- the outside -----------------------------------------------------------
 */

void
notify_start(struct event_base *base)
{
	timer_init(&limit, on_limit, NULL);
	child_event = evsignal_new(base, SIGCHLD, on_child, NULL);
	if (child_event == NULL || event_add(child_event, NULL) == -1)
		log_warn(NULL, "notify_command: its end cannot be noticed");
}

void
notify_command(const struct conf_list *the_command)
{
	command = the_command;
}

static char *
variable(const char *name, const char *value)
{
	return value != NULL ? mem_printf("%s=%s", name, value) : NULL;
}

static struct job *
make_job(const struct notify *notify)
{
	struct job *job = mem_zalloc(1, sizeof(*job));
	char **next = job->environment;
	int is_warning = strcmp(notify->state, "warning") == 0;

	job->key = mem_printf("%s\n%s\n%s",
	    notify->account != NULL ? notify->account : "",
	    notify->application != NULL ? notify->application : "",
	    is_warning ? notify->code : "\n");
	*next++ = mem_strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
			     "/usr/bin:/sbin:/bin");
	*next++ = mem_strdup("LANG=C.UTF-8");
	*next++ = variable("POSTOAK_STATE", notify->state);
	*next++ = variable("POSTOAK_CODE", notify->code);
	*next++ = variable("POSTOAK_TEXT", notify->text);
	if (notify->application != NULL)
		*next++ = variable("POSTOAK_APPLICATION", notify->application);
	if (notify->account != NULL)
		*next++ = variable("POSTOAK_ACCOUNT", notify->account);
	return job;
}

static void
replace_waiting(const char *key)
{
	struct job *job;

	STAILQ_FOREACH(job, &jobs, entries)
	if (strcmp(job->key, key) == 0)
		break;
	if (job == NULL)
		return;
	STAILQ_REMOVE(&jobs, job, job, entries);
	waiting--;
	free_job(job);
}

void
notify_add(const struct notify *notify)
{
	struct job *job;

	if (command == NULL || command->count == 0)
		return;
	job = make_job(notify);
	replace_waiting(job->key);
	if (waiting >= NOTIFY_QUEUE_MAX) {
		if (!dropped)
			log_warn(NULL,
			    "notify_command: more than %d runs wait, further "
			    "ones are left out",
			    NOTIFY_QUEUE_MAX);
		dropped = 1;
		free_job(job);
		return;
	}
	STAILQ_INSERT_TAIL(&jobs, job, entries);
	waiting++;
	start_next();
}

int
notify_busy(void)
{
	return running != 0;
}

void
notify_stop(void)
{
	struct job *job;

	timer_cancel(&limit);
	while ((job = STAILQ_FIRST(&jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&jobs, entries);
		free_job(job);
	}
	waiting = 0;
	if (running != 0) {
		(void)kill(-running, SIGKILL);
		(void)waitpid(running, NULL, 0);
	}
	running = 0;
	if (child_event != NULL)
		event_free(child_event);
	child_event = NULL;
}
