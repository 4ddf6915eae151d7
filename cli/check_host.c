/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_host - configuration and daemons of this host. See check_host.h.
 */
#include "check_host.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "mem.h"
#include "show.h"
#include "time_text.h"

#define TOKEN_MS 10000

void
check_host_configuration(const struct checkup *checkup)
{
	const struct conf *conf = checkup->conf;

	if (conf == NULL) {
		findings_add_text(checkup->findings, FINDINGS_FAIL,
		    "configuration", NULL, checkup->conf_err->text,
		    "mend that line; postoak.conf(5) describes every option");
		return;
	}
	findings_add(checkup->findings, FINDINGS_OK, "configuration", NULL,
	    "configuration %s: %zu %s, %zu %s", conf->path, conf->account_count,
	    conf->account_count == 1 ? "account" : "accounts",
	    conf->application_count,
	    conf->application_count == 1 ? "application" : "applications");
}

/* --- tokend --------------------------------------------------------------- */

/* Nobody answers, or not us. */
static void
no_answer(const struct checkup *checkup, const char *id, const char *program,
    const struct err *err)
{
	if (strcmp(err->code, "denied") == 0) {
		findings_add(checkup->findings, FINDINGS_NOTE, id, NULL,
		    "%s answers root and members of admin_group only", program);
		return;
	}
	findings_add(checkup->findings, FINDINGS_FAIL, id, NULL, "%.*s",
	    (int)strcspn(err->text, ";"), err->text);
	findings_remedy(checkup->findings,
	    "systemctl start %s; if it does not stay, journalctl -u %s says "
	    "why, and %s -t -c %s checks the configuration",
	    program, program, program, checkup->conf->path);
}

/* It may have been started with another file than the one that is checked. */
static void
check_same_file(const struct checkup *checkup, const struct json *program)
{
	const char *theirs = show_string(program, "configuration");
	char *a = realpath(theirs, NULL);
	char *b = realpath(checkup->conf->path, NULL);

	if (*theirs != '\0' && a != NULL && b != NULL && strcmp(a, b) != 0) {
		findings_add(checkup->findings, FINDINGS_WARN,
		    "tokend_configuration", NULL,
		    "postoak-tokend runs with %s, not with %s", theirs,
		    checkup->conf->path);
		findings_remedy(checkup->findings,
		    "name the same file to both: postoak -c %s check", theirs);
	}
	free(a);
	free(b);
}

static void
check_version(const struct checkup *checkup, const struct json *program)
{
	const char *version = show_string(program, "version");

	if (strcmp(version, POSTOAK_VERSION) == 0)
		return;
	findings_add(checkup->findings, FINDINGS_WARN, "version", NULL,
	    "postoak-tokend %s runs, and this is postoak %s", version,
	    POSTOAK_VERSION);
	findings_remedy(checkup->findings,
	    "systemctl restart postoak-tokend postoak-milter: what was "
	    "installed runs from then on");
}

/* The text of the account's warning of that code, or NULL. */
static const char *
find_warning(const struct json *account, const char *code)
{
	const struct json *warnings = json_get_array(account, "warnings");
	const struct json *warning;
	size_t i;

	for (i = 0; warnings != NULL && i < json_length(warnings); i++) {
		warning = json_at(warnings, i);
		if (strcmp(show_string(warning, "code"), code) == 0)
			return show_string(warning, "text");
	}
	return NULL;
}

/* The first account's warning of the clock; *asked: the provider has answered
 * since the start. */
static const char *
clock_warning(const struct json *status, int *asked)
{
	const struct json *accounts = json_get_array(status, "accounts");
	const struct json *account;
	const char *text = NULL;
	size_t i;

	for (i = 0;
	     text == NULL && accounts != NULL && i < json_length(accounts);
	     i++) {
		account = json_at(accounts, i);
		text = find_warning(account, "clock");
		*asked |= json_has(account, "obtained_at");
	}
	return text;
}

static struct json *
ask_status(const struct checkup *checkup, struct err *err)
{
	return ask(ASK_TOKEND, checkup->conf->tokend.control, "status", NULL,
	    ASK_SHORT_MS, err);
}

/* Have the provider asked, whose answer has a Date. */
static void
ask_for_token(const struct checkup *checkup)
{
	if (checkup->target_count > 0 && checkup->targets[0].name[0] != '@')
		json_free(ask(ASK_TOKEND, checkup->conf->tokend.control,
		    "token", checkup->targets[0].name, TOKEN_MS, NULL));
}

/* tokend compares the Date of each of the provider's answers. */
static void
check_clock(const struct checkup *checkup, const struct json *status)
{
	struct json *again = NULL;
	int asked = 0;
	const char *text = clock_warning(status, &asked);

	if (text == NULL && !asked) {
		ask_for_token(checkup);
		again = ask_status(checkup, NULL);
		text = again != NULL ? clock_warning(again, &asked) : NULL;
	}
	if (text != NULL)
		findings_add_text(checkup->findings, FINDINGS_FAIL, "clock",
		    NULL, text, "have the clock set by NTP");
	else if (asked)
		findings_add(checkup->findings, FINDINGS_OK, "clock", NULL,
		    "the clock agrees with the provider's");
	else
		findings_add(checkup->findings, FINDINGS_NOTE, "clock", NULL,
		    "the clock: the provider has not answered since the start "
		    "of tokend");
	json_free(again);
}

void
check_host_tokend(const struct checkup *checkup)
{
	char span[TIME_TEXT_MAX];
	const struct json *program;
	struct json *status;
	struct err err;

	err_clear(&err);
	status = ask_status(checkup, &err);
	if (status == NULL) {
		no_answer(checkup, "tokend", "postoak-tokend", &err);
		return;
	}
	program = json_get_object(status, "program");
	findings_add(checkup->findings, FINDINGS_OK, "tokend", NULL,
	    "postoak-tokend %s has been running for %s",
	    show_string(program, "version"),
	    time_text_span(span, sizeof(span), show_int(program, "uptime_s")));
	check_version(checkup, program);
	check_same_file(checkup, program);
	check_clock(checkup, status);
	json_free(status);
}

/* --- milter --------------------------------------------------------------- */

/* Mail is held only for as long as somebody lets it go. */
static void
check_release(const struct checkup *checkup, const struct json *limits)
{
	int64_t ago, within = show_int(limits, "release_within");

	if (!json_get_bool(limits, "holds", 0))
		return;
	if (json_get_int(limits, "released_ago", &ago) && ago <= within)
		return;
	findings_add(checkup->findings, FINDINGS_WARN, "release_timer", NULL,
	    "an account has on_limit = \"hold\", and postoak release, which "
	    "lets held mail go, has not run lately: nothing is held");
	findings_remedy(
	    checkup->findings, "systemctl enable --now postoak-release.timer");
}

void
check_host_milter(const struct checkup *checkup)
{
	struct json *limits;
	struct err err;

	err_clear(&err);
	limits = ask(ASK_MILTER, checkup->conf->milter.control, "limits", NULL,
	    ASK_SHORT_MS, &err);
	if (limits == NULL) {
		no_answer(checkup, "milter", "postoak-milter", &err);
		return;
	}
	findings_add(checkup->findings, FINDINGS_OK, "milter", NULL,
	    "postoak-milter answers");
	check_release(checkup, limits);
	json_free(limits);
}
