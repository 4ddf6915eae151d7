/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - "postoak status": ask both daemons and show what they say, once or,
 * with --watch, on a screen that is drawn over.
 */
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ask.h"
#include "buf.h"
#include "clock.h"
#include "json.h"
#include "screen.h"
#include "show.h"
#include "table.h"

#define WATCH_MS 2000

struct answers {
	struct json *tokend; /* NULL: *err says why */
	struct json *milter; /* NULL: *milter_err says why */
	struct err err;
	struct err milter_err;
};

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

/* What both daemons said, as text. Returns the exit code. */
static int
put_status(struct buf *out, const struct answers *answers, int one,
    const struct show_style *style)
{
	struct json **accounts;
	struct buf notice;
	size_t count;
	int rc;

	accounts = table_merge(answers->tokend, answers->milter, &count);
	rc = table_exit_code(accounts, count);
	if (one && count == 1)
		table_details(out, accounts[0], style);
	else
		table_accounts(out, accounts, count, style);
	put_warnings(out, accounts, count);
	if (answers->milter == NULL) {
		buf_init(&notice, SHOW_MAX);
		buf_addf(&notice, "Budgets are not known: %s",
		    answers->milter_err.text);
		buf_adds(out, "\n");
		show_wrapped(out, notice.data, 0);
		buf_clear(&notice);
	}
	free(accounts);
	return rc;
}

static int
print_status(const struct answers *answers, int one)
{
	struct show_style style = show_style_now();
	struct buf out;
	int rc;

	buf_init(&out, SHOW_MAX);
	rc = put_status(&out, answers, one, &style);
	if (show_out(&out) != 0)
		rc = EX_IOERR;
	buf_clear(&out);
	return rc;
}

/* The document is taken. */
static int
print_status_json(struct answers *answers)
{
	struct json *tokend = answers->tokend;
	struct json **accounts;
	size_t count;
	int rc;

	answers->tokend = NULL;
	accounts = table_merge(tokend, answers->milter, &count);
	rc = table_exit_code(accounts, count);
	free(accounts);
	json_set_int(tokend, "version", 1);
	add_milter_state(tokend, answers->milter, &answers->milter_err);
	return show_json(tokend) == 0 ? rc : EX_IOERR;
}

/* 0, or -1: tokend has nothing to say, and why. */
static int
ask_both(struct answers *answers, const struct conf *conf, const char *account)
{
	err_clear(&answers->err);
	err_clear(&answers->milter_err);
	answers->milter = NULL;
	answers->tokend = ask(ASK_TOKEND, conf->tokend.control, "status",
	    account, ASK_SHORT_MS, &answers->err);
	if (answers->tokend == NULL)
		return -1;
	answers->milter = ask(ASK_MILTER, conf->milter.control, "limits",
	    account, ASK_SHORT_MS, &answers->milter_err);
	return 0;
}

static void
forget(struct answers *answers)
{
	json_free(answers->tokend);
	json_free(answers->milter);
}

static int
show_status(const struct conf *conf, const char *account, int as_json)
{
	struct answers answers;
	int rc;

	if (ask_both(&answers, conf, account) == -1)
		return verb_report(&answers.err, as_json);
	rc = as_json ? print_status_json(&answers)
		     : print_status(&answers, account != NULL);
	forget(&answers);
	return rc;
}

/* --- on and on ------------------------------------------------------------ */

/* "contoso.conf  14:02:33  every 2 seconds, q ends" */
static void
put_heading(
    struct buf *out, const struct conf *conf, const struct show_style *style)
{
	time_t now = (time_t)style->now_s;
	struct tm tm;
	char clock[16] = "";

	if (localtime_r(&now, &tm) != NULL)
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	show_toned(out, clock, 10, SHOW_STRONG, style->colours);
	show_cell(out, conf->path, 40);
	buf_addf(out, "  every %d seconds; q ends\n\n", WATCH_MS / 1000);
}

static void
put_frame(struct buf *text, const struct conf *conf, const char *account,
    const struct answers *answers, const struct show_style *style)
{
	put_heading(text, conf, style);
	if (answers->tokend == NULL)
		show_wrapped(text, answers->err.text, 0);
	else
		(void)put_status(text, answers, account != NULL, style);
}

/* With all there is to say if there is room for it, else a line an account and
 * what is wrong. */
static int
draw(const struct conf *conf, const char *account)
{
	struct screen_size size = screen_size_now();
	struct show_style style = show_style_now();
	struct answers answers;
	struct buf text, frame;
	int rc;

	(void)ask_both(&answers, conf, account);
	buf_init(&text, SHOW_MAX);
	buf_init(&frame, SHOW_MAX);
	style.whole = 1;
	put_frame(&text, conf, account, &answers, &style);
	if (screen_lines(text.data) > size.rows) {
		style.whole = 0;
		buf_clear(&text);
		put_frame(&text, conf, account, &answers, &style);
	}
	screen_fit(&frame, text.data, size);
	rc = screen_draw(&frame);
	buf_clear(&frame);
	buf_clear(&text);
	forget(&answers);
	return rc;
}

static int
watch(const struct conf *conf, const char *account)
{
	int rc;

	if (!screen_is_one()) {
		fprintf(stderr,
		    "postoak status: standard output is no terminal that can "
		    "be drawn over; shown once\n");
		return show_status(conf, account, 0);
	}
	screen_begin();
	do
		rc = draw(conf, account);
	while (rc == 0 && !screen_wait(WATCH_MS));
	screen_end();
	return rc == 0 ? EX_OK : EX_IOERR;
}

int
status_verb(const struct verb_context *context, int argc, char **argv)
{
	static const char *const flags[] = {"--watch", NULL};
	struct verb_options options = {
	    .json = 1, .flags = flags, .operands = 1};
	const char *account;
	struct conf *conf;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	account = options.operands > 0 ? options.operand[0] : NULL;
	if (options.flag != NULL && options.json)
		rc = verb_usage(argv[0],
		    "--watch is for people and --json for programs; take one");
	else if (options.flag != NULL)
		rc = watch(conf, account);
	else
		rc = show_status(conf, account, options.json);
	conf_free(conf);
	return rc;
}
