/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postoak-milter - makes the sender the account's own address and enforces
 * the account's limits. postoak-milter(8) describes it.
 *
 * Threads: this one serves signals, the control socket and the clock of
 * housekeeping; libmilter's serve the MTA. Logs one line per message.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "config.h"
#include "control.h"
#include "counters.h"
#include "daemon.h"
#include "held.h"
#include "log.h"
#include "mark.h"
#include "session.h"
#include "sock.h"
#include "verbs.h"

#define TICK_MS 1000
#define STOP_MS 5000

/* Handlers set a flag and wake the loop through a pipe. */
static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t stop_asked, reload_asked;

static void
on_signal(int number)
{
	int saved = errno;

	if (number == SIGHUP)
		reload_asked = 1;
	else
		stop_asked = 1;
	(void)!write(signal_pipe[1], "", 1);
	errno = saved;
}

/*
 * libmilter waits for HUP, TERM and INT in a thread of its own and stops at
 * each of them. A waiting thread may be given a signal whenever the first one
 * is still busy with another, so that the second of two reloads would end the
 * milter. This sigwait(3), which libmilter is bound to before libc's, never
 * returns; as all of libmilter's threads block these signals, they are left to
 * the first one.
 */
int
sigwait(const sigset_t *set, int *number)
{
	(void)set;
	(void)number;
	for (;;)
		(void)pause();
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	static const int numbers[] = {SIGHUP, SIGTERM, SIGINT};
	size_t i;

	if (pipe(signal_pipe) < 0)
		log_fatal(EX_OSERR, "cannot make a pipe: %s", strerror(errno));
	for (i = 0; i < 2; i++) {
		(void)fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
		(void)fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC);
	}
	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

/* 1 if it is time to stop. However often asked, one reload serves all. */
static int
take_signals(void)
{
	struct err err;
	char bytes[256];

	while (read(signal_pipe[0], bytes, sizeof(bytes)) > 0)
		;
	if (stop_asked)
		return 1;
	if (reload_asked) {
		reload_asked = 0;
		sock_notify("RELOADING=1");
		(void)verbs_reload(&err);
		sock_notify("READY=1");
	}
	return 0;
}

static void
serve(struct control *control, struct counters *counters)
{
	int64_t next_ms = clock_boot_ms() + TICK_MS, left_ms;

	while (!take_signals() && !session_ended()) {
		left_ms = next_ms - clock_boot_ms();
		if (left_ms <= 0) {
			counters_tick(counters);
			sock_notify("WATCHDOG=1");
			next_ms = clock_boot_ms() + TICK_MS;
			left_ms = TICK_MS;
		}
		control_serve(control, signal_pipe[0], (int)left_ms);
	}
}

/* NULL if it is bad. */
static struct config *
read_config(const struct daemon_options *options, struct err *err)
{
	struct config *config = config_load(options->config_path, err);

	if (config != NULL &&
	    session_check_address(config->conf->milter.listen, err) == 0)
		return config;
	config_put(config);
	return NULL;
}

/* -t: the answer is for whoever asked, so it is no line of a log. */
static int
check(const struct daemon_options *options)
{
	struct err err;
	struct config *config = read_config(options, &err);
	int rc = -1;

	if (config != NULL) {
		config_log_unused(config);
		rc = check_directories(config->conf, &err);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	config_put(config);
	return rc < 0 ? EX_CONFIG : EX_OK;
}

static void
log_start(const struct config *config)
{
	config_log_unused(config);
	log_info(NULL, "serving: accounts=%zu listen=%s counters=%s",
	    config->count, config->conf->milter.listen,
	    config->conf->milter.counters);
}

int
main(int argc, char **argv)
{
	struct daemon_options options;
	struct config *config;
	struct counters *counters;
	struct control *control;
	struct err err;
	int failed;

	daemon_parse(&options, argc, argv);
	daemon_harden();
	log_open("postoak-milter", options.foreground || options.check_only,
	    options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (options.check_only)
		return check(&options);
	config = read_config(&options, &err);
	if (config == NULL)
		log_fatal(EX_CONFIG, "%s", err.text);
	daemon_detach(&options);

	catch_signals();
	counters = counters_open(&config->conf->milter, &err);
	if (counters == NULL)
		log_fatal(err_exit_code(err.kind), "%s", err.text);
	if (held_open(counters, &err) < 0 || mark_open(counters, &err) < 0)
		log_fatal(err_exit_code(err.kind), "%s", err.text);
	verbs_init(options.config_path, counters);
	control = control_open(config->conf->milter.control,
	    config->conf->milter.admin_group, verbs_answer, &err);
	if (control == NULL)
		log_fatal(err_exit_code(err.kind), "%s", err.text);
	if (session_listen(config->conf->milter.listen, counters, &err) < 0)
		log_fatal(err_exit_code(err.kind), "%s", err.text);
	log_start(config);
	config_install(config);
	if (session_start(&err) < 0)
		log_fatal(err_exit_code(err.kind), "%s", err.text);
	daemon_ready();

	serve(control, counters);

	failed = session_ended();
	sock_notify("STOPPING=1");
	session_stop(STOP_MS);
	control_close(control);
	counters_close(counters);
	if (failed)
		log_fatal(EX_SOFTWARE, "libmilter has ended");
	log_info(NULL, "stopped");
	return EX_OK;
}
