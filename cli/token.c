/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token - "postoak token", "postoak refresh" and "postoak reload": what the
 * daemons are asked to do. A token goes to standard output alone, so that
 * other programs can take it from there (PassCmd), and who is no administrator
 * asks for it where the mail server asks.
 */
#include "verb.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ask.h"
#include "ask_token.h"
#include "buf.h"
#include "json.h"
#include "show.h"

/* One who is no administrator may be a user who may have this token. */
static struct json *
ask_either(const struct conf *conf, const char *verb, const char *account,
    struct err *err)
{
	struct json *answer;

	answer = ask(
	    ASK_TOKEND, conf->tokend.control, verb, account, ASK_LONG_MS, err);
	if (answer != NULL || strcmp(verb, "token") != 0 ||
	    (strcmp(err->code, "denied") != 0 &&
		strcmp(err->code, "answer") != 0))
		return answer;
	return ask_token(conf, account, err);
}

/*
 * The common road of token and refresh: one ACCOUNT, one question to tokend.
 * NULL with *exit_code set and everything said.
 */
static struct json *
ask_about(const struct verb_context *context, int argc, char **argv,
    struct verb_options *options, int *exit_code)
{
	struct json *answer = NULL;
	struct conf *conf;
	struct err err;

	conf = verb_begin(context, options, argc, argv, exit_code);
	if (conf == NULL)
		return NULL;
	err_clear(&err);
	answer = ask_either(conf, argv[0], options->operand[0], &err);
	if (answer == NULL)
		*exit_code = verb_report(&err, options->json);
	conf_free(conf);
	return answer;
}

static int
print_token(const struct json *answer)
{
	const char *token = json_get_string(answer, "token");
	struct buf out;
	int rc;

	if (token == NULL || *token == '\0') {
		fprintf(stderr, "postoak: tokend answered without a token\n");
		return EX_PROTOCOL;
	}
	buf_init(&out, SHOW_MAX);
	buf_adds(&out, token);
	buf_adds(&out, "\n");
	rc = show_out(&out);
	buf_clear(&out);
	return rc == 0 ? EX_OK : EX_IOERR;
}

int
token_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {
	    .json = 1, .operands = 1, .question = "for which account?"};
	struct json *answer;
	int rc;

	answer = ask_about(context, argc, argv, &options, &rc);
	if (answer == NULL)
		return rc;
	if (options.json)
		return show_json(answer) == 0 ? EX_OK : EX_IOERR;
	rc = print_token(answer);
	json_free(answer);
	return rc;
}

int
refresh_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {
	    .json = 1, .operands = 1, .question = "for which account?"};
	struct json *answer;
	int rc;

	answer = ask_about(context, argc, argv, &options, &rc);
	if (answer == NULL)
		return rc;
	return verb_life(
	    answer, options.operand[0], "a new token, good for", options.json);
}

/* --- reload --------------------------------------------------------------- */

static int
reload_one(
    enum ask_whom whom, const char *path, const char *name, struct buf *out)
{
	struct json *answer;
	struct err err;
	int64_t accounts = -1;

	err_clear(&err);
	answer = ask(whom, path, "reload", NULL, ASK_SHORT_MS, &err);
	show_cell(out, name, 8);
	if (answer == NULL) {
		/* Said by the daemon itself where it can: file:line, remedy. */
		show_wrapped(out, err.text, 8);
		return ask_exit_code(&err);
	}
	buf_adds(out, "has read the configuration");
	if (json_get_int(answer, "accounts", &accounts))
		buf_addf(out, ": %lld account%s", (long long)accounts,
		    accounts == 1 ? "" : "s");
	buf_adds(out, "\n");
	json_free(answer);
	return EX_OK;
}

int
reload_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.json = 0, .operands = 0};
	int rc, tokend_rc, milter_rc;
	struct conf *conf;
	struct buf out;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL && rc == EX_USAGE)
		return rc;
	if (conf == NULL) {
		fprintf(stderr,
		    "postoak: nothing was reloaded; the daemons go on with the "
		    "configuration they have\n");
		return rc;
	}
	buf_init(&out, SHOW_MAX);
	tokend_rc =
	    reload_one(ASK_TOKEND, conf->tokend.control, "tokend", &out);
	milter_rc =
	    reload_one(ASK_MILTER, conf->milter.control, "milter", &out);
	show_out(&out);
	buf_clear(&out);
	conf_free(conf);
	return tokend_rc != EX_OK ? tokend_rc : milter_rc;
}
