/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login - "postoak login" and "postoak logout": hand tokend a refresh token
 * from elsewhere, or have somebody sign in (login_wait).
 */
#include "verb.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ask.h"
#include "buf.h"
#include "conf.h"
#include "hidden.h"
#include "json.h"
#include "login_wait.h"
#include "show.h"

#define INPUT_MAX 16384 /* twice what tokend takes, for blanks around it */

static const char *const flags[] = {"--import", "--browser", "--device", NULL};

/* NULL with everything said and *exit_code set. */
static struct json *
import(const struct conf *conf, const char *account,
    const struct verb_options *options, int *exit_code)
{
	struct json *question, *answer = NULL;
	struct buf token;
	struct err err;

	err_clear(&err);
	buf_init(&token, INPUT_MAX);
	if (hidden_read("Refresh token (not shown): ", &token, &err) == 0) {
		question = ask_new("import", account);
		json_set_string(question, "refresh_token", token.data);
		answer = ask_send(ASK_TOKEND, conf->tokend.control, question,
		    ASK_LONG_MS, &err);
	}
	buf_clear(&token);
	if (answer == NULL)
		*exit_code = verb_report(&err, options->json);
	return answer;
}

/* Which way, if the administrator names none: the grant's own. */
static const char *
way_of(const struct conf *conf, const char *name, const char *flag)
{
	const struct conf_account *account = conf_account_for(conf, name);

	if (flag == NULL && account != NULL &&
	    account->grant == CONF_GRANT_DEVICE_CODE)
		return "--device";
	return flag != NULL ? flag : "--browser";
}

/* Without --import. */
static int
sign_in(const struct conf *conf, const struct verb_options *options)
{
	const char *name = options->operand[0];
	const char *way = way_of(conf, name, options->flag);

	return login_wait(conf, name, way + strlen("--"), options->json);
}

int
login_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.json = 1,
	    .flags = flags,
	    .operands = 1,
	    .question = "for which account?"};
	struct json *answer;
	struct conf *conf;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	if (options.flag == NULL || strcmp(options.flag, "--import") != 0) {
		rc = sign_in(conf, &options);
	} else {
		answer = import(conf, options.operand[0], &options, &rc);
		if (answer != NULL)
			rc = verb_life(answer, options.operand[0],
			    "the refresh token is kept; it brought a token, "
			    "good for",
			    options.json);
	}
	conf_free(conf);
	return rc;
}

int
logout_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {
	    .json = 1, .operands = 1, .question = "which account?"};
	struct json *answer;
	struct conf *conf;
	struct err err;
	struct buf out;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	err_clear(&err);
	answer = ask(ASK_TOKEND, conf->tokend.control, "logout",
	    options.operand[0], ASK_SHORT_MS, &err);
	conf_free(conf);
	if (answer == NULL)
		return verb_report(&err, options.json);
	if (options.json)
		return show_json(answer) == 0 ? EX_OK : EX_IOERR;
	json_free(answer);
	buf_init(&out, SHOW_MAX);
	show_text(&out, options.operand[0]);
	buf_adds(&out, ": its tokens are forgotten\n");
	rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	return rc;
}
