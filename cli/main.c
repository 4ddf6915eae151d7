/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postoak - the administrator's tool. This file knows the verbs; each family
 * of them is a file of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf.h"
#include "distance.h"
#include "verb.h"

static int help_verb(const struct verb_context *, int, char **);

static const struct {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(const struct verb_context *, int, char **);
} verbs[] = {
    {"setup", "[ACCOUNT|--from FILE]", "configure an account, step by step",
	setup_verb},
    {"status", "[ACCOUNT] [--watch]",
	"tokens, errors and budgets of the accounts", status_verb},
    {"check", "[ACCOUNT] [OPTION]...",
	"what is wrong on the way of mail, and the remedy", check_verb},
    {"limits", "[ACCOUNT] [--json]",
	"what of each sending limit is used, what is held", limits_verb},
    {"release", "[MTA [FILE]]", "let held mail go as its budget allows",
	release_verb},
    {"watch", "[FILE]", "learn from the mail log what is refused", watch_verb},
    {"token", "ACCOUNT [--json]", "print an access token, for other programs",
	token_verb},
    {"refresh", "ACCOUNT [--json]", "fetch a new access token now",
	refresh_verb},
    {"import", "[--apply] FILE...",
	"take over sasl-xoauth2 or a password table", import_verb},
    {"login", "ACCOUNT [WAY] [--json]", "sign in: --device or --import",
	login_verb},
    {"logout", "ACCOUNT [--json]", "forget its tokens", logout_verb},
    {"export", "ACCOUNT FILE [--json]",
	"seal its refresh token for another host", export_verb},
    {"restore", "ACCOUNT FILE [--json]", "take one that was exported",
	restore_verb},
    {"reload", "", "have both daemons read the configuration", reload_verb},
    {"explain", "CODE|TEXT|- [--json]",
	"what an error code, a log line or a bounce means", explain_verb},
    {"mta", "postfix|sendmail", "the settings for the mail server", mta_verb},
    {"help", "", "this list", help_verb},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void
print_help(FILE *out)
{
	char head[64];
	size_t i;

	fprintf(out, "usage: postoak [-c FILE] VERB [ARGUMENT]...\n\n");
	for (i = 0; i < N_VERBS; i++) {
		snprintf(head, sizeof(head), "%s %s", verbs[i].name,
		    verbs[i].arguments);
		fprintf(out, "  %-29s %s\n", head, verbs[i].help);
	}
	fprintf(out,
	    "\n  -c FILE  the configuration, instead of %s\n"
	    "  -V       print the version\n\n"
	    "Exit codes are those of sysexits(3); see postoak(1).\n",
	    conf_default_path());
}

static int
help_verb(const struct verb_context *context, int argc, char **argv)
{
	(void)context;
	(void)argc;
	(void)argv;
	print_help(stdout);
	return EX_OK;
}

static const char *
nearest_verb(const char *name)
{
	size_t i, far, best = 3; /* more than two slips is another word */
	const char *found = NULL;

	for (i = 0; i < N_VERBS; i++) {
		far = distance(name, verbs[i].name);
		if (far < best) {
			best = far;
			found = verbs[i].name;
		}
	}
	return found;
}

static int
unknown_verb(const char *name)
{
	const char *near = nearest_verb(name);

	fprintf(stderr, "postoak: there is no verb \"%s\"", name);
	if (near != NULL)
		fprintf(stderr, "; did you mean \"%s\"?\n", near);
	else
		fprintf(stderr, "; \"postoak help\" lists them\n");
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	struct verb_context context = {conf_default_path()};
	size_t i;
	int option;

	signal(SIGPIPE, SIG_IGN); /* a daemon that goes away is an error */
	while ((option = getopt(argc, argv, "+c:Vh")) != -1) {
		switch (option) {
		case 'c':
			context.config_path = optarg;
			break;
		case 'V':
			printf("postoak %s\n", POSTOAK_VERSION);
			return EX_OK;
		case 'h':
			print_help(stdout);
			return EX_OK;
		default:
			print_help(stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc) {
		print_help(stderr);
		return EX_USAGE;
	}
	for (i = 0; i < N_VERBS; i++)
		if (strcmp(argv[optind], verbs[i].name) == 0)
			return verbs[i].run(
			    &context, argc - optind, argv + optind);
	return unknown_verb(argv[optind]);
}
