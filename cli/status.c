/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - "postoak status": ask both daemons and show what they say.
 */
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ask.h"
#include "buf.h"
#include "clock.h"
#include "json.h"
#include "show.h"
#include "table.h"

/* "milter": "ok" or why its part is missing. */
static void
add_milter_state(
    struct json *root, const struct json *milter, const struct err *err)
{
	if (milter != NULL) {
		json_set_null(root, "milter_error");
		return;
	}
	json_set(root, "milter_error", show_error_json(err));
}

static int
holds(const struct json *texts, const char *text)
{
	size_t i;

	for (i = 0; i < json_length(texts); i++)
		if (strcmp(json_string_at(texts, i), text) == 0)
			return 1;
	return 0;
}

/* What accounts of one application have in common is said once. */
static void
put_warnings(struct buf *out, struct json **accounts, size_t count)
{
	struct json *said = json_array();
	const struct json *warnings;
	char notice[1024];
	const char *text;
	size_t i, k;

	for (i = 0; i < count; i++) {
		warnings = json_get_array(accounts[i], "warnings");
		for (k = 0; warnings != NULL && k < json_length(warnings);
		     k++) {
			text = json_get_string(json_at(warnings, k), "text");
			if (text == NULL || holds(said, text))
				continue;
			json_append_string(said, text);
			snprintf(notice, sizeof(notice), "Warning: %s", text);
			buf_adds(out, "\n");
			show_wrapped(out, notice, 0);
		}
	}
	json_free(said);
}

static int
print_status(struct json *tokend, const struct json *milter,
    const struct err *milter_err, int one)
{
	struct show_style style = show_style_now();
	char notice[sizeof(milter_err->text) + 40];
	struct json **accounts;
	struct buf out;
	size_t count;
	int rc;

	accounts = table_merge(tokend, milter, &count);
	rc = table_exit_code(accounts, count);
	buf_init(&out, SHOW_MAX);
	if (one && count == 1)
		table_details(&out, accounts[0], &style);
	else
		table_accounts(&out, accounts, count, &style);
	put_warnings(&out, accounts, count);
	if (milter == NULL) {
		snprintf(notice, sizeof(notice), "Budgets are not known: %s",
		    milter_err->text);
		buf_adds(&out, "\n");
		show_wrapped(&out, notice, 0);
	}
	if (show_out(&out) != 0)
		rc = EX_IOERR;
	buf_clear(&out);
	free(accounts);
	return rc;
}

static int
print_status_json(struct json *tokend, const struct json *milter,
    const struct err *milter_err)
{
	struct json **accounts;
	size_t count;
	int rc;

	accounts = table_merge(tokend, milter, &count);
	rc = table_exit_code(accounts, count);
	free(accounts);
	json_set_int(tokend, "version", 1);
	add_milter_state(tokend, milter, milter_err);
	return show_json(tokend) == 0 ? rc : EX_IOERR;
}

static int
show_status(const struct conf *conf, const struct verb_options *options)
{
	const char *account =
	    options->operands > 0 ? options->operand[0] : NULL;
	struct json *tokend, *milter;
	struct err err, milter_err;
	int rc;

	err_clear(&err);
	err_clear(&milter_err);
	tokend = ask(ASK_TOKEND, conf->tokend.control, "status", account,
	    ASK_SHORT_MS, &err);
	if (tokend == NULL)
		return verb_report(&err, options->json);
	milter = ask(ASK_MILTER, conf->milter.control, "limits", account,
	    ASK_SHORT_MS, &milter_err);
	if (options->json) {
		rc = print_status_json(tokend, milter, &milter_err);
	} else {
		rc = print_status(tokend, milter, &milter_err, account != NULL);
		json_free(tokend);
	}
	json_free(milter);
	return rc;
}

int
status_verb(const struct verb_context *context, int argc, char **argv)
{
	struct verb_options options = {.json = 1, .operands = 1};
	struct conf *conf;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	rc = show_status(conf, &options);
	conf_free(conf);
	return rc;
}
