/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VERB_H
#define POSTOAK_VERB_H

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "json.h"

/*
 * verb - what every verb of the tool is handed, and the reading of its
 * arguments. Each verb is a function that returns the exit code, sysexits(3).
 */

struct verb_context {
	const char *config_path; /* -c, or the compiled-in default */
};

/* Options that a verb may take; those it does not know are a usage error. */
struct verb_options {
	int json; /* in: allowed; out: given */
	const char *const
	    *flags; /* further options, NULL at the end; or NULL */
	const char
	    *flag;    /* out: the last one of them that was given, or NULL */
	int operands; /* in: most that are allowed; out: how many */
	const char *question; /* in: asked when one of them is missing; NULL:
				 they may be left out */
	char **operand;	      /* out: the operands */
};

/*
 * Read --json and operands. 0, or -1 with a message on standard error (then
 * the verb returns EX_USAGE). "--" ends the options. argv[0] is the verb.
 */
int verb_parse(struct verb_options *options, int argc, char **argv);

/* "postoak VERB: text" on standard error; returns EX_USAGE. */
int verb_usage(const char *verb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An error of ask, in words on standard error or as a document on standard
 * output. Returns the exit code. */
int verb_report(const struct err *err, int as_json);

/*
 * Append what is wrong with the token of tokend's answer, a line each of
 * "findings", if there are any. Returns the exit code: a token that mail cannot
 * use is no success.
 */
int verb_findings(struct buf *out, const struct json *answer);

/*
 * Print tokend's answer with "expires_in", which is taken: "ACCOUNT: WHAT 59
 * minutes" and its findings, or the document. Returns the exit code.
 */
int verb_life(
    struct json *answer, const char *account, const char *what, int as_json);

/* Load the configuration; NULL with the message printed and *exit_code set. */
struct conf *verb_conf(const struct verb_context *context, int *exit_code);

/* verb_parse, then verb_conf. */
struct conf *verb_begin(const struct verb_context *context,
    struct verb_options *options, int argc, char **argv, int *exit_code);

/*
 * Long options: take is given each one's number, whose value stands in optarg.
 * EX_OK with optind at the first operand, or EX_USAGE with why printed; also
 * when take does not return EX_OK.
 */
struct option;
typedef int (*verb_take)(void *arg, int option);
int verb_getopt(int argc, char **argv, const struct option *options,
    verb_take take, void *arg);

/* The verbs, one file a family. */
int setup_verb(const struct verb_context *context, int argc, char **argv);
int status_verb(const struct verb_context *context, int argc, char **argv);
int limits_verb(const struct verb_context *context, int argc, char **argv);
int token_verb(const struct verb_context *context, int argc, char **argv);
int refresh_verb(const struct verb_context *context, int argc, char **argv);
int login_verb(const struct verb_context *context, int argc, char **argv);
int logout_verb(const struct verb_context *context, int argc, char **argv);
int reload_verb(const struct verb_context *context, int argc, char **argv);
int explain_verb(const struct verb_context *context, int argc, char **argv);
int import_verb(const struct verb_context *context, int argc, char **argv);
int export_verb(const struct verb_context *context, int argc, char **argv);
int restore_verb(const struct verb_context *context, int argc, char **argv);
int release_verb(const struct verb_context *context, int argc, char **argv);
int watch_verb(const struct verb_context *context, int argc, char **argv);
int check_verb(const struct verb_context *context, int argc, char **argv);
int mta_verb(const struct verb_context *context, int argc, char **argv);

#endif
