/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DAEMON_H
#define POSTOAK_DAEMON_H

/*
 * daemon - what both daemons do before and after their own work: options,
 * going to the background, a clean process.
 */

struct daemon_options {
	const char *config_path; /* -c, made absolute; or the default */
	const char *via_path; /* --via=PATH (tokend): Unix socket as way out */
	int foreground;	      /* -f: log to standard error */
	int check_only;	      /* -t */
	int verbose;	      /* -v */
};

/*
 * Parse the options every daemon takes (-c -f -t -v -V). -V prints
 * "PROGRAM VERSION" and exits 0; a wrong option prints the usage and exits
 * EX_USAGE.
 */
void daemon_parse(struct daemon_options *options, int argc, char **argv);

/*
 * Make the process one that cannot leak: no core, not dumpable, umask 077,
 * SIGPIPE ignored, and the environment without what libraries obey
 * (SSLKEYLOGFILE, *_proxy, OPENSSL_*, CURL_*, LD_*, ...). LISTEN_*, NOTIFY_*,
 * WATCHDOG_*, CREDENTIALS_DIRECTORY, TZ, PATH and LANG are kept.
 */
void daemon_harden(void);

/*
 * Go to the background unless in the foreground or under a service manager.
 * Returns in the child, with a pipe on which daemon_ready tells the parent to
 * exit 0; if the child ends before, the parent exits with its code.
 */
void daemon_detach(const struct daemon_options *options);

/* The program answers now: READY=1 to the manager, the parent may go. */
void daemon_ready(void);

#endif
