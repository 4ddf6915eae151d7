/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mta - "postoak mta postfix": print the settings that the mail server needs
 * for the configured accounts.
 */
#include "verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "postfix_plan.h"
#include "postfix_text.h"
#include "show.h"

#define N_CA_FILES (sizeof(ca_files) / sizeof(ca_files[0]))

/* Where distributions keep the bundle: Debian, Fedora, SUSE, Alpine. */
static const char *const ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

struct request {
	struct postfix_host host;
	int commands;
};

enum {
	OPT_RELAY = 256,
	OPT_CHROOT,
	OPT_CONFIG,
	OPT_QUEUE,
	OPT_COMMANDS,
	OPT_APPLY
};

static const struct option options[] = {
    {"relay", required_argument, NULL, OPT_RELAY},
    {"chroot", required_argument, NULL, OPT_CHROOT},
    {"config-directory", required_argument, NULL, OPT_CONFIG},
    {"queue-directory", required_argument, NULL, OPT_QUEUE},
    {"commands", no_argument, NULL, OPT_COMMANDS},
    {"apply", no_argument, NULL, OPT_APPLY},
    {NULL, 0, NULL, 0},
};

static void
look_at_host(struct postfix_host *host)
{
	size_t i = 0;

	while (i + 1 < N_CA_FILES && access(ca_files[i], R_OK) != 0)
		i++;
	/* A fresh host may have none yet: then the first name is as good. */
	host->ca_file =
	    access(ca_files[i], R_OK) == 0 ? ca_files[i] : ca_files[0];
	host->config_directory = "/etc/postfix";
	host->queue_directory = "/var/spool/postfix";
	host->relay = NULL;
	/* Debian and what comes from it is alone in running smtp(8) so. */
	host->chroot = access("/etc/debian_version", F_OK) == 0;
}

static int
set_chroot(struct postfix_host *host, const char *value)
{
	if (strcmp(value, "y") != 0 && strcmp(value, "n") != 0)
		return verb_usage("mta", "--chroot is y or n");
	host->chroot = value[0] == 'y';
	return EX_OK;
}

static int
take_option(struct request *request, int option, const char *given)
{
	switch (option) {
	case OPT_RELAY:
		request->host.relay = optarg;
		return EX_OK;
	case OPT_CHROOT:
		return set_chroot(&request->host, optarg);
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
		fprintf(stderr,
		    "postoak mta: this version prints the settings and does "
		    "not apply them itself;\n"
		    "to apply them: postoak mta postfix --commands | sh\n");
		return EX_UNAVAILABLE;
	default:
		return verb_usage(
		    "mta", "%s is no option, or lacks its value", given);
	}
}

static int
parse(struct request *request, int argc, char **argv)
{
	int option, rc;

	optind = 0; /* getopt has read the tool's own options before */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		rc = take_option(request, option,
		    optind > 0 && optind <= argc ? argv[optind - 1] : "?");
		if (rc != EX_OK)
			return rc;
	}
	return EX_OK;
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

static int
run_postfix(const struct verb_context *context, const struct request *request,
    char **names, size_t count)
{
	struct postfix_plan *plan;
	struct conf *conf;
	struct err err;
	int rc;

	conf = verb_conf(context, &rc);
	if (conf == NULL)
		return rc;
	err_clear(&err);
	plan = postfix_plan_new(conf, &request->host, names, count, &err);
	if (plan == NULL)
		rc = show_error(&err);
	else
		rc = print_plan(plan, request);
	postfix_plan_free(plan);
	conf_free(conf);
	return rc;
}

int
mta_verb(const struct verb_context *context, int argc, char **argv)
{
	struct request request;
	int rc;

	memset(&request, 0, sizeof(request));
	look_at_host(&request.host);
	rc = parse(&request, argc, argv);
	if (rc != EX_OK)
		return rc;
	if (optind == argc)
		return verb_usage("mta", "for which mail server? postfix");
	if (strcmp(argv[optind], "postfix") != 0)
		return verb_usage("mta",
		    "this version knows the mail server \"postfix\", not "
		    "\"%s\"",
		    argv[optind]);
	return run_postfix(
	    context, &request, argv + optind + 1, (size_t)(argc - optind - 1));
}
