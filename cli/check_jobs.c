/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_jobs - checks in processes of their own. See check_jobs.h.
 *
 * A name that is looked up or a program that hangs cannot be given up from
 * inside; a process can be ended, and with its group what it has started.
 * A child writes each finding as a line of JSON as soon as it is whole.
 */
#define _GNU_SOURCE /* pipe2 */
#include "check_jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"

#define AT_ONCE 6		 /* processes */
#define LINE_BYTES (1024 * 1024) /* of one finding */

struct child {
	struct check_job *job;
	pid_t pid;
	int fd;
	int64_t deadline_ms;
	struct buf out;
};

struct crew {
	struct check_job *jobs;
	size_t count;
	size_t next; /* the first that has not begun */
	char *ended; /* a flag a job */
	size_t told; /* how many were handed to done */
	struct child children[AT_ONCE];
	int64_t deadline_ms;
};

/* --- the child ------------------------------------------------------------ */

static void
write_finding(const struct findings_item *item, void *arg)
{
	const int *fd = arg;
	struct json *json = findings_to_json(item);
	struct buf line;
	size_t done = 0;
	ssize_t n = 0;

	buf_init(&line, LINE_BYTES);
	if (json_write(json, &line, 0) == 0 && buf_adds(&line, "\n") == 0)
		while (
		    done < line.len &&
		    ((n = write(*fd, line.data + done, line.len - done)) > 0 ||
			errno == EINTR))
			done += n > 0 ? (size_t)n : 0;
	buf_clear(&line);
	json_free(json);
}

/* What programs say on standard error is in the findings, or of no use. */
static void
be_quiet(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		(void)dup2(fd, STDIN_FILENO);
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
	}
}

static void __attribute__((noreturn))
run_child(struct check_job *job, pid_t parent, int fd)
{
	struct findings findings;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	be_quiet();
	findings_init(&findings, write_finding, &fd);
	job->checkup.findings = &findings;
	job->run(&job->checkup);
	findings_end(&findings);
	_exit(0);
}

/* --- the parent ----------------------------------------------------------- */

static void
cannot(struct check_job *job, const char *why)
{
	findings_add(&job->findings, FINDINGS_WARN, "not_checked",
	    job->checkup.target != NULL ? job->checkup.target->name : NULL,
	    "%s: %s", job->what, why);
	findings_remedy(&job->findings,
	    "run postoak check again, with an account or --area to check less "
	    "at a time");
}

static int
start(struct child *child, struct check_job *job, int64_t last_ms)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK); /* the child's end blocks */
	child->pid = fork();
	if (child->pid == 0) {
		(void)close(fds[0]);
		run_child(job, parent, fds[1]);
	}
	(void)close(fds[1]);
	if (child->pid < 0) {
		(void)close(fds[0]);
		return -1;
	}
	/* Both sides do it: whoever is first, it is done before a kill. */
	(void)setpgid(child->pid, child->pid);
	child->job = job;
	child->fd = fds[0];
	child->deadline_ms = clock_boot_ms() + job->limit_s * 1000LL;
	if (child->deadline_ms > last_ms)
		child->deadline_ms = last_ms;
	buf_init(&child->out, LINE_BYTES);
	return 0;
}

static void
take_findings(struct child *child)
{
	struct json *json;
	char *end;

	while (child->out.len > 0 &&
	       (end = memchr(child->out.data, '\n', child->out.len)) != NULL) {
		size_t len = (size_t)(end - child->out.data);

		json = json_parse(child->out.data, len, NULL);
		if (json != NULL)
			findings_from_json(&child->job->findings, json);
		json_free(json);
		buf_drop(&child->out, len + 1);
	}
}

static void
end(struct crew *crew, struct child *child, const char *cut_off)
{
	siginfo_t info;
	int status = 0;

	/* It may be waiting for somebody to read what it writes. */
	if (cut_off != NULL)
		(void)kill(-child->pid, SIGKILL);
	/* What it may have left behind must not outlive it; the group's number
	 * is nobody else's for as long as the child is not reaped. */
	while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		;
	(void)kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (cut_off != NULL)
		cannot(child->job, cut_off);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		cannot(child->job, "the check itself broke off");
	(void)close(child->fd);
	buf_clear(&child->out);
	crew->ended[child->job - crew->jobs] = 1;
	child->job = NULL;
}

/* What has come by now, without waiting. 1 while there may be more, 0 at the
 * end, -1 if it cannot be read. */
static int
read_more(struct child *child)
{
	char data[4096];
	ssize_t n;

	while ((n = read(child->fd, data, sizeof(data))) > 0) {
		if (buf_add(&child->out, data, (size_t)n) != 0)
			return -1;
		take_findings(child);
	}
	if (n == 0)
		return 0;
	return errno == EAGAIN || errno == EINTR ? 1 : -1;
}

/* Whoever has ended is not late, however late we come to look. */
static void
look_after(struct crew *crew, struct child *child)
{
	int more = read_more(child);

	if (more < 0)
		end(crew, child, "its findings cannot be read");
	else if (more == 0)
		end(crew, child, NULL);
	else if (clock_boot_ms() >= child->deadline_ms)
		end(crew, child, "no answer in time");
}

/* Fill the free places. */
static void
start_some(struct crew *crew)
{
	struct check_job *job;
	struct child *child;

	for (child = crew->children; child < crew->children + AT_ONCE;
	     child++) {
		while (child->job == NULL && crew->next < crew->count) {
			job = &crew->jobs[crew->next++];
			if (clock_boot_ms() >= crew->deadline_ms)
				cannot(job, "no time was left for it");
			else if (start(child, job, crew->deadline_ms) < 0)
				cannot(job, "cannot start a process");
			if (child->job == NULL)
				crew->ended[job - crew->jobs] = 1;
		}
	}
}

/* Wait for output or the nearest deadline. 0 if no child runs. */
static int
wait_some(struct crew *crew)
{
	struct pollfd fds[AT_ONCE];
	int64_t now = clock_boot_ms(), nearest = crew->deadline_ms;
	struct child *child;
	int i, running = 0;

	for (i = 0; i < AT_ONCE; i++) {
		child = &crew->children[i];
		fds[i].fd = child->job != NULL ? child->fd : -1;
		fds[i].events = POLLIN;
		fds[i].revents = 0;
		running += child->job != NULL;
		if (child->job != NULL && child->deadline_ms < nearest)
			nearest = child->deadline_ms;
	}
	if (running == 0)
		return 0;
	(void)poll(fds, AT_ONCE, nearest > now ? (int)(nearest - now) : 0);
	for (i = 0; i < AT_ONCE; i++)
		if (crew->children[i].job != NULL)
			look_after(crew, &crew->children[i]);
	return 1;
}

void
check_jobs_run(struct check_job *jobs, size_t count, int total_s,
    void (*done)(struct check_job *job, void *arg), void *arg)
{
	struct crew crew = {.jobs = jobs, .count = count};
	size_t i;

	for (i = 0; i < count; i++)
		findings_init(&jobs[i].findings, NULL, NULL);
	crew.ended = mem_zalloc(count + 1, 1);
	crew.deadline_ms = clock_boot_ms() + total_s * 1000LL;
	do {
		start_some(&crew);
		for (; crew.told < count && crew.ended[crew.told]; crew.told++)
			done(&jobs[crew.told], arg);
	} while (wait_some(&crew) || crew.told < count);
	free(crew.ended);
}
