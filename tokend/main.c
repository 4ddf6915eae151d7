/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postoak-tokend - obtains, keeps, refreshes and hands out access tokens.
 *
 * main is the table of contents: what there is to start, in the order of
 * dependency, and its end in reverse.
 */
#define _GNU_SOURCE
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "control.h"
#include "crypto.h"
#include "daemon.h"
#include "endpoints.h"
#include "http.h"
#include "listener.h"
#include "log.h"
#include "login.h"
#include "metrics.h"
#include "notify.h"
#include "redirect.h"
#include "server.h"
#include "sock.h"
#include "store.h"
#include "timer.h"
#include "vault.h"
#include "watch.h"

#define PROGRAM "postoak-tokend"
#define STOP_MS 2000 /* for answers to be sent and exchanges to be saved */

static struct daemon_options options;
static struct event_base *loop;
static struct store *store;
static struct timer watchdog;
static struct event *signals[3];
static int stopping;

static void
fatal(const struct err *err)
{
	log_fatal(err_exit_code(err->kind), "%s", err->text);
}

/* --- check -----------------------------------------------------------------
 */

static int
check(void)
{
	struct config *config;
	struct err err;
	int rc = -1;

	config = config_load(options.config_path, &err);
	if (config != NULL)
		rc = store_check(config->conf->tokend.store,
		    config->conf->tokend.seal_key_file, &err);
	if (rc == -1)
		fprintf(stderr, "%s\n", err.text);
	config_unref(config);
	return rc == 0 ? EX_OK : EX_CONFIG;
}

/* --- reload ----------------------------------------------------------------
 */

static void
warn_of_restart(const struct conf_tokend *old, const struct conf_tokend *new)
{
	if (strcmp(old->store, new->store) != 0 ||
	    strcmp(old->seal_key_file, new->seal_key_file) != 0)
		log_warn(NULL,
		    "store and seal_key_file change with a restart only: "
		    "store=%s seal_key_file=%s",
		    old->store, old->seal_key_file);
}

/* The manager of Type=notify-reload compares the time (sd_notify(3)). */
static void
notify_reloading(void)
{
	struct timespec now = {0, 0};
	char state[80];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	sock_notify(state);
}

static int reload(struct err *err);

/* Both kinds of sockets, or neither. control_settle is the caller's. */
static int
listen_anew(const struct conf_tokend *conf, struct err *err)
{
	if (control_prepare(conf->control, reload, err) == -1)
		return -1;
	if (server_listen(&conf->listen, err) == 0)
		return 0;
	control_settle(0);
	return -1;
}

static int
reload(struct err *err)
{
	struct config *config;
	int rc = -1;

	if (stopping)
		return err_set(err, ERR_TEMPORARY, "stopping",
		    "postoak-tokend is being stopped; it reads its "
		    "configuration when it starts");
	notify_reloading();
	config = config_load(options.config_path, err);
	if (config != NULL && listen_anew(&config->conf->tokend, err) == 0) {
		warn_of_restart(
		    &account_config()->conf->tokend, &config->conf->tokend);
		endpoints_forget();
		account_apply(config);
		control_settle(1);
		watch_apply(config);
		metrics_apply(config->conf->tokend.metrics);
		log_info(NULL, "configuration read again: accounts=%zu",
		    config->conf->account_count);
		rc = 0;
	} else {
		log_warn(NULL,
		    "configuration not taken, the one before stays: %s",
		    err->text);
	}
	config_unref(config);
	sock_notify("READY=1");
	return rc;
}

static void
on_hup(evutil_socket_t number, short what, void *arg)
{
	struct err err;

	(void)number;
	(void)what;
	(void)arg;
	(void)reload(&err);
}

/* --- end -------------------------------------------------------------------
 */

static void
on_term(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	event_base_loopbreak(loop);
}

/*
 * Who waits is told; answers that are on their way, ours and the provider's,
 * and the administrator's command get a moment.
 */
static void
wind_up(void)
{
	int64_t end_ms = clock_boot_ms() + STOP_MS;
	struct timeval moment = {0, 20000};
	struct err reason;

	stopping = 1;
	sock_notify("STOPPING=1");
	log_info(NULL, "stopping");
	listener_close_all();
	err_set(&reason, ERR_TEMPORARY, "stopping",
	    "postoak-tokend is being stopped; ask again when it is back");
	reason.retry_ms = 1000;
	client_drain();
	login_dismiss(&reason);
	account_dismiss(&reason);
	while ((client_unsent() || account_busy() > 0 || notify_busy()) &&
	       clock_boot_ms() < end_ms) {
		event_base_loopexit(loop, &moment);
		event_base_loop(loop, EVLOOP_ONCE);
	}
	account_stop(&reason);
}

/* --- begin -----------------------------------------------------------------
 */

static void
on_watchdog(void *arg)
{
	(void)arg;
	sock_notify("WATCHDOG=1");
	timer_set(
	    &watchdog, clock_boot_ms() + (int64_t)(sock_watchdog_us() / 2000));
}

static void
catch_signals(void)
{
	static const struct {
		int number;
		event_callback_fn on;
	} all[] = {{SIGTERM, on_term}, {SIGINT, on_term}, {SIGHUP, on_hup}};
	size_t i;

	for (i = 0; i < 3; i++) {
		signals[i] = evsignal_new(loop, all[i].number, all[i].on, NULL);
		if (signals[i] == NULL || event_add(signals[i], NULL) == -1)
			log_fatal(EX_OSERR, "signals cannot be caught");
	}
}

static void
on_unlocked(int errnum, size_t limit)
{
	log_warn(NULL,
	    "secrets cannot be locked in memory and may reach swap; raise "
	    "LimitMEMLOCK of the service (ulimit -l), or encrypt the swap "
	    "space: limit=%zu error=%s",
	    limit, strerror(errnum));
}

static void
start_libraries(void)
{
	struct event_config *how = event_config_new();
	struct err err;

	if (how != NULL)
		loop = event_base_new_with_config(how);
	if (loop == NULL || timer_start(loop) == -1)
		log_fatal(EX_OSERR, "the event loop does not start");
	event_config_free(how);
	/* OpenSSL before libcurl: see crypto.h. */
	if (crypto_start(&err) == -1 ||
	    http_start(loop, options.via_path, &err) == -1)
		fatal(&err);
	client_start(loop);
	listener_start(loop);
	redirect_start(loop);
	metrics_start(loop);
	catch_signals();
}

static void
start(void)
{
	struct config *config;
	struct err err;

	config = config_load(options.config_path, &err);
	if (config == NULL)
		fatal(&err);
	store = store_open(config->conf->tokend.store,
	    config->conf->tokend.seal_key_file, &err);
	if (store == NULL)
		fatal(&err);
	start_libraries();
	watch_start(loop, config->conf->tokend.store);
	account_start(store);
	account_apply(config);
	watch_apply(config);
	metrics_apply(config->conf->tokend.metrics);
	if (listen_anew(&config->conf->tokend, &err) == -1)
		fatal(&err);
	control_settle(1);
	timer_init(&watchdog, on_watchdog, NULL);
	if (sock_watchdog_us() > 0)
		on_watchdog(NULL);
	if (geteuid() == 0)
		log_warn(NULL,
		    "running as root, which nothing here needs; use a user of "
		    "its own");
	log_info(NULL, "ready: version=%s accounts=%zu configuration=%s",
	    POSTOAK_VERSION, config->conf->account_count, config->conf->path);
	config_unref(config);
}

static void
stop(void)
{
	size_t i;

	client_stop();
	metrics_stop();
	redirect_stop();
	endpoints_forget();
	http_stop();
	watch_stop();
	timer_cancel(&watchdog);
	timer_stop();
	for (i = 0; i < 3; i++)
		event_free(signals[i]);
	event_base_free(loop);
	libevent_global_shutdown();
	store_close(store);
}

int
main(int argc, char **argv)
{
	daemon_parse(&options, argc, argv);
	daemon_harden();
	log_open(PROGRAM, options.foreground || options.check_only,
	    options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (options.check_only)
		return check();
	daemon_detach(&options);
	vault_start(on_unlocked);
	start();
	daemon_ready();
	event_base_dispatch(loop);
	wind_up();
	stop();
	log_info(NULL, "stopped");
	return EX_OK;
}
