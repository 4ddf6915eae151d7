/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits - "postoak limits": used and free as bars, what is held, what the
 * provider refuses; and forgetting what was counted.
 */
#include "verb.h"

#include <stdio.h>
#include <sysexits.h>

#include "ask.h"
#include "bars.h"
#include "show.h"

static int
print_limits(const struct json *milter)
{
	const struct json *accounts = json_get_array(milter, "accounts");
	struct show_style style = show_style_now();
	struct buf out;
	int64_t ran_ago;
	size_t i;
	int rc;

	buf_init(&out, SHOW_MAX);
	for (i = 0; accounts != NULL && i < json_length(accounts); i++)
		bars_account(&out, json_at(accounts, i), &style);
	if (out.len == 0)
		buf_adds(&out, "There is no account in the configuration.\n");
	/* Held mail without a release is mail that waits for nobody. */
	if (json_get_bool(milter, "holds", 0) &&
	    (!json_get_int(milter, "released_ago", &ran_ago) ||
		ran_ago > show_int(milter, "release_within"))) {
		buf_adds(&out, "\n");
		show_wrapped(&out,
		    "No \"postoak release\" has run lately: nothing is held. "
		    "Start it with \"systemctl enable --now "
		    "postoak-release.timer\".",
		    0);
	}
	rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	return rc;
}

int
limits_verb(const struct verb_context *context, int argc, char **argv)
{
	static const char *const flags[] = {"--reset", NULL};
	struct verb_options options = {
	    .json = 1, .flags = flags, .operands = 1};
	struct json *milter, *question;
	struct conf *conf;
	struct err err;
	int rc;

	conf = verb_begin(context, &options, argc, argv, &rc);
	if (conf == NULL)
		return rc;
	err_clear(&err);
	question =
	    ask_new("limits", options.operands > 0 ? options.operand[0] : NULL);
	json_set_bool(question, "fullest", 1);
	if (options.flag != NULL)
		json_set_bool(question, "reset", 1);
	milter = ask_send(
	    ASK_MILTER, conf->milter.control, question, ASK_SHORT_MS, &err);
	conf_free(conf);
	if (milter == NULL)
		return verb_report(&err, options.json);
	if (options.json)
		return show_json(milter) == 0 ? EX_OK : EX_IOERR;
	rc = print_limits(milter);
	json_free(milter);
	return rc;
}
