/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mta - "postoak mta postfix" and "postoak mta sendmail": print the settings
 * that the mail server needs for the configured accounts, or make them.
 */
#include "verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ca_bundle.h"
#include "postfix_apply.h"
#include "postfix_look.h"
#include "postfix_plan.h"
#include "postfix_switch.h"
#include "postfix_text.h"
#include "postfix_undo.h"
#include "sendmail_text.h"
#include "show.h"

struct request {
	struct postfix_host host;
	int commands;
	int apply;
	int undo;
	int yes;
	int chroot; /* as given, -1: not */
};

enum {
	OPT_RELAY = 256,
	OPT_CHROOT,
	OPT_CONFIG,
	OPT_QUEUE,
	OPT_COMMANDS,
	OPT_APPLY,
	OPT_UNDO,
	OPT_YES
};

static const struct option options[] = {
    {"relay", required_argument, NULL, OPT_RELAY},
    {"chroot", required_argument, NULL, OPT_CHROOT},
    {"config-directory", required_argument, NULL, OPT_CONFIG},
    {"queue-directory", required_argument, NULL, OPT_QUEUE},
    {"commands", no_argument, NULL, OPT_COMMANDS},
    {"apply", no_argument, NULL, OPT_APPLY},
    {"undo", no_argument, NULL, OPT_UNDO},
    {"yes", no_argument, NULL, OPT_YES},
    {NULL, 0, NULL, 0},
};

/* What was not given: as this Postfix has it, or as most have it. */
static void
fill_in(struct request *request, const struct postfix_look *look)
{
	struct postfix_host *host = &request->host;
	const struct postfix_look_service *smtp =
	    look != NULL ? postfix_look_find(look, "smtp", "unix") : NULL;

	if (host->queue_directory == NULL)
		host->queue_directory =
		    look != NULL ? postfix_look_main(look, "queue_directory")
				 : "/var/spool/postfix";
	if (request->chroot >= 0)
		host->chroot = request->chroot;
	else if (smtp != NULL)
		host->chroot = smtp->chroot;
	else /* Debian and what comes from it is alone in that. */
		host->chroot = access("/etc/debian_version", F_OK) == 0;
}

static int
set_chroot(struct request *request, const char *value)
{
	if (strcmp(value, "y") != 0 && strcmp(value, "n") != 0)
		return verb_usage("mta", "--chroot is y or n");
	request->chroot = value[0] == 'y';
	return EX_OK;
}

static int
take_option(void *arg, int option)
{
	struct request *request = arg;

	switch (option) {
	case OPT_RELAY:
		request->host.relay = optarg;
		return EX_OK;
	case OPT_CHROOT:
		return set_chroot(request, optarg);
	case OPT_CONFIG:
		request->host.config_directory = optarg;
		return EX_OK;
	case OPT_QUEUE:
		request->host.queue_directory = optarg;
		return EX_OK;
	case OPT_COMMANDS:
		request->commands = 1;
		return EX_OK;
	case OPT_APPLY:
		request->apply = 1;
		return EX_OK;
	case OPT_UNDO:
		request->undo = 1;
		return EX_OK;
	default: /* OPT_YES */
		request->yes = 1;
		return EX_OK;
	}
}

static int
print_plan(const struct postfix_plan *plan, const struct request *request)
{
	struct buf out;
	int rc;

	buf_init(&out, SHOW_MAX);
	if (request->commands)
		postfix_text_commands(
		    &out, plan, request->host.config_directory);
	else
		postfix_text_paste(&out, plan, request->host.config_directory);
	rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	return rc;
}

/* Print them, or make them in the Postfix that look shows. */
static int
with_plan(const struct conf *conf, const struct request *request,
    const struct postfix_look *look, char **names, size_t count)
{
	struct postfix_plan *plan;
	struct err err;
	int rc;

	err_clear(&err);
	plan = postfix_plan_new(conf, &request->host, names, count, &err);
	if (plan == NULL)
		rc = show_error(&err);
	else if (request->apply)
		rc = postfix_apply(
		    plan, look, request->host.config_directory, request->yes);
	else
		rc = print_plan(plan, request);
	postfix_plan_free(plan);
	return rc;
}

/* Alone with the configuration, and nothing half done in it. */
static int
be_alone(const struct request *request)
{
	struct err err;

	err_clear(&err);
	if (postfix_switch_lock(request->host.config_directory, &err) != 0)
		return show_error(&err);
	return postfix_apply_finish(request->host.config_directory);
}

static int
apply(const struct conf *conf, struct request *request, char **names,
    size_t count)
{
	struct postfix_look *look;
	struct err err;
	int rc;

	err_clear(&err);
	look = postfix_look_new(request->host.config_directory, &err);
	if (look == NULL)
		return show_error(&err);
	fill_in(request, look);
	rc = with_plan(conf, request, look, names, count);
	postfix_look_free(look);
	return rc;
}

static int
run_postfix(const struct verb_context *context, struct request *request,
    char **names, size_t count)
{
	struct conf *conf;
	int rc;

	if (request->host.config_directory == NULL)
		request->host.config_directory = "/etc/postfix";
	if (request->apply + request->undo + request->commands > 1)
		return verb_usage(
		    "mta", "one of --apply, --undo and --commands at a time");
	rc = request->apply || request->undo ? be_alone(request) : EX_OK;
	if (rc != EX_OK)
		return rc;
	if (request->undo)
		return postfix_undo(
		    request->host.config_directory, request->yes);
	conf = verb_conf(context, &rc);
	if (conf == NULL)
		return rc;
	if (request->apply) {
		rc = apply(conf, request, names, count);
	} else {
		fill_in(request, NULL);
		rc = with_plan(conf, request, NULL, names, count);
	}
	conf_free(conf);
	return rc;
}

static int
run_sendmail(const struct verb_context *context, struct request *request,
    char **names, size_t count)
{
	struct sendmail_host host = {"/etc/mail", NULL, NULL};
	struct conf *conf;
	struct buf out;
	struct err err;
	int rc;

	if (request->apply || request->undo || request->commands)
		return verb_usage("mta",
		    "for sendmail the settings are printed only, each with "
		    "its place");
	if (request->host.config_directory != NULL)
		host.config_directory = request->host.config_directory;
	host.ca_file = request->host.ca_file;
	host.relay = request->host.relay;
	conf = verb_conf(context, &rc);
	if (conf == NULL)
		return rc;
	err_clear(&err);
	buf_init(&out, SHOW_MAX);
	if (sendmail_text(&out, conf, &host, names, count, &err) != 0)
		rc = show_error(&err);
	else
		rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	conf_free(conf);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(
	    const struct verb_context *, struct request *, char **, size_t);
} servers[] = {
    {"postfix", run_postfix},
    {"sendmail", run_sendmail},
};

int
mta_verb(const struct verb_context *context, int argc, char **argv)
{
	struct request request;
	size_t i;
	int rc;

	memset(&request, 0, sizeof(request));
	request.chroot = -1;
	request.host.ca_file = ca_bundle_find();
	rc = verb_getopt(argc, argv, options, take_option, &request);
	if (rc != EX_OK)
		return rc;
	if (optind == argc)
		return verb_usage(
		    "mta", "for which mail server? postfix or sendmail");
	for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if (strcmp(argv[optind], servers[i].name) == 0)
			return servers[i].run(context, &request,
			    argv + optind + 1, (size_t)(argc - optind - 1));
	return verb_usage("mta",
	    "this version knows the mail servers \"postfix\" and "
	    "\"sendmail\", not \"%s\"",
	    argv[optind]);
}
