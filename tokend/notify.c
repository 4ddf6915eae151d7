/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify - run a command with a bound on everything. See notify.h.
 */
#include "notify.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "launch.h"
#include "timer.h"

struct job {
	STAILQ_ENTRY(job) entries;
	char *key; /* the same: one replaces the other */
	char *environment[LAUNCH_VARIABLES + 1];
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
	launch_environment_clear(job->environment);
	free(job->key);
	free(job);
}

/* --- start one -------------------------------------------------------------
 */

/* 0 or an error number. */
static int
start(char **environment)
{
	char **argv = mem_zalloc(command->count + 1, sizeof(*argv));
	size_t i;
	int rc;

	for (i = 0; i < command->count; i++)
		argv[i] = command->items[i];
	rc = launch(argv, environment, &running);
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
			 ? start(job->environment)
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
			timer_set(&limit, clock_boot_ms() + LAUNCH_LIMIT_MS);
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
		    LAUNCH_LIMIT_MS / 1000, command->items[0]);
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

static struct job *
make_job(const struct notify *notify)
{
	struct job *job = mem_zalloc(1, sizeof(*job));
	int is_warning = strcmp(notify->state, "warning") == 0;

	job->key = mem_printf("%s\n%s\n%s",
	    notify->account != NULL ? notify->account : "",
	    notify->application != NULL ? notify->application : "",
	    is_warning ? notify->code : "\n");
	launch_environment(&(struct launch_news){.account = notify->account,
			       .application = notify->application,
			       .state = notify->state,
			       .code = notify->code,
			       .text = notify->text},
	    job->environment);
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
