/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_wait - somebody signs in while the tool waits. See login_wait.h.
 */
#define _GNU_SOURCE
#include "login_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "clock.h"
#include "json.h"
#include "login_paste.h"
#include "qr.h"
#include "show.h"
#include "time_text.h"
#include "verb.h"

#define TICK_MS 1000 /* of the time that is left, on a terminal */

struct wait {
	struct ask_talk talk;
	struct login_paste paste; /* of a login by browser */
	const struct conf *conf;
	const char *account;
	int as_json;
	int live;	/* standard output is a terminal for people */
	int counting;	/* the time that is left stands on the last line */
	int64_t end_ms; /* 0: not known yet */
};

/* --- what there is to do ---------------------------------------------------
 */

static const char *
text_of(const struct json *json, const char *key)
{
	const char *text = json_get_string(json, key);

	return text != NULL ? text : "";
}

static void
show_device(const struct json *line)
{
	const char *address = text_of(line, "verification_uri");
	const char *complete =
	    json_get_string(line, "verification_uri_complete");
	int colours = show_colours();
	struct buf out;

	buf_init(&out, SHOW_MAX);
	if (*text_of(line, "message") != '\0')
		show_wrapped(&out, text_of(line, "message"), 0);
	buf_adds(&out, "\n");
	show_field(&out, "address", address);
	buf_adds(&out, "  code            ");
	show_toned(&out, text_of(line, "user_code"), 0, SHOW_STRONG, colours);
	buf_adds(&out, "\n\n");
	if (qr_possible() &&
	    qr_show(&out, complete != NULL ? complete : address, colours) == 0)
		buf_adds(&out, "\n");
	buf_adds(&out, "Waiting for the sign-in. Ctrl-C gives it up.\n");
	show_out(&out);
	buf_clear(&out);
}

/* The address is not wrapped: it is to be copied. */
static void
show_browser(const struct json *line, const char *user)
{
	char host[256] = "this-host";
	int64_t port = 0;
	struct buf out;

	(void)gethostname(host, sizeof(host) - 1);
	(void)json_get_int(line, "port", &port);
	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "Open this address in a browser and sign in as ");
	show_text(&out, user);
	buf_adds(&out, ":\n\n");
	show_text(&out, text_of(line, "address"));
	buf_adds(&out, "\n\nIf the browser is on another computer, first run "
		       "there, and leave it open:\n\n  ssh -L ");
	buf_addf(&out, "%d:127.0.0.1:%d ", (int)port, (int)port);
	show_text(&out, host);
	buf_adds(&out, "\n\nOr sign in there without that. When the browser "
		       "then cannot open\n");
	show_text(&out, text_of(line, "redirect_uri"));
	buf_adds(&out, ", copy the whole address from its address bar,\n"
		       "paste it here and press Enter; it is not shown.\n\n"
		       "Waiting for the sign-in. Ctrl-C gives it up.\n");
	show_out(&out);
	buf_clear(&out);
}

/* On a terminal the last line counts down; elsewhere nothing is said twice. */
static void
show_left(struct wait *wait)
{
	int64_t left_s = (wait->end_ms - clock_boot_ms()) / 1000;

	if (!wait->live || wait->end_ms == 0 || left_s < 0)
		return;
	printf("\r  %2d:%02d left ", (int)(left_s / 60), (int)(left_s % 60));
	fflush(stdout);
	wait->counting = 1;
}

static void
end_count(struct wait *wait)
{
	if (wait->counting)
		printf("\r%15s\r", "");
	wait->counting = 0;
}

/* The login name, which need not be the account's. */
static const char *
user_of(const struct wait *wait)
{
	const struct conf_account *account =
	    conf_account_for(wait->conf, wait->account);

	return account != NULL ? account->user : wait->account;
}

static void
on_progress(struct wait *wait, const struct json *line)
{
	const char *step = text_of(line, "step");
	int64_t expires_in = 0;

	if (json_get_int(line, "expires_in", &expires_in))
		wait->end_ms = clock_boot_ms() + expires_in * 1000;
	end_count(wait);
	if (strcmp(step, "device") == 0)
		show_device(line);
	if (strcmp(step, "browser") == 0)
		show_browser(line, user_of(wait));
	show_left(wait);
}

/* --- the outcome -----------------------------------------------------------
 */

static void
show_permissions(struct buf *out, const struct json *answer)
{
	const struct json *roles = json_get_array(answer, "roles");
	struct buf names;
	size_t i;

	buf_init(&names, SHOW_MAX);
	for (i = 0; roles != NULL && i < json_length(roles); i++)
		buf_addf(
		    &names, "%s%s", i > 0 ? " " : "", json_string_at(roles, i));
	if (names.len == 0)
		buf_adds(&names, text_of(answer, "scope"));
	if (names.len > 0)
		show_field(out, "permissions", names.data);
	buf_clear(&names);
}

static int
show_outcome(const struct wait *wait, const struct json *answer)
{
	char span[TIME_TEXT_MAX];
	int64_t expires_in = 0;
	struct buf out;
	int rc;

	json_get_int(answer, "expires_in", &expires_in);
	buf_init(&out, SHOW_MAX);
	show_text(&out, wait->account);
	buf_addf(&out, ": signed in; the token is good for %s%s\n",
	    time_text_span(span, sizeof(span), expires_in),
	    json_get_bool(answer, "refresh_token", 0) ? " and renews itself"
						      : "");
	if (*text_of(answer, "token_user") != '\0')
		show_field(&out, "user", text_of(answer, "token_user"));
	show_permissions(&out, answer);
	if (*text_of(answer, "unsaved") != '\0')
		show_field(&out, "not on disk", text_of(answer, "unsaved"));
	rc = verb_findings(&out, answer);
	if (show_out(&out) != 0)
		rc = EX_IOERR;
	buf_clear(&out);
	return rc;
}

/* --- waiting ---------------------------------------------------------------
 */

/* One line of tokend's. 1: it was the last, *exit_code is set. */
static int
on_line(struct wait *wait, struct json *line, int *exit_code)
{
	int last = strcmp(text_of(line, "status"), "progress") != 0;
	struct buf nowhere;

	if (!last && !wait->as_json)
		on_progress(wait, line);
	if (strcmp(text_of(line, "step"), "browser") == 0)
		login_paste_begin(&wait->paste, wait->conf, wait->account);
	if (last) {
		end_count(wait);
		buf_init(&nowhere, SHOW_MAX);
		*exit_code = wait->as_json ? verb_findings(&nowhere, line)
					   : show_outcome(wait, line);
		buf_clear(&nowhere);
	}
	if (wait->as_json)
		show_json(line);
	else
		json_free(line);
	return last;
}

static int
take_lines(struct wait *wait, int *exit_code, struct err *err)
{
	struct json *line = NULL;
	int rc;

	while ((rc = ask_next(&wait->talk, &line, err)) == 1)
		if (on_line(wait, line, exit_code))
			return 1;
	return rc;
}

/* An address that is refused does not end the attempt. */
static void
take_address(struct wait *wait)
{
	struct err err;
	int rc = login_paste_more(&wait->paste, &err);

	if (rc == 0)
		return;
	end_count(wait);
	fflush(stdout);
	if (rc == 1)
		fprintf(stderr, "The address is taken; one moment.\n");
	else
		show_error(&err);
	show_left(wait);
}

/* 1: done. -1 with *err. */
static int
wait_for_it(struct wait *wait, int *exit_code, struct err *err)
{
	struct pollfd fds[2] = {
	    {.fd = wait->talk.fd, .events = POLLIN},
	    {.fd = STDIN_FILENO, .events = POLLIN},
	};
	int rc = 0, n;

	while (rc == 0) {
		fds[1].fd = wait->paste.is_open ? STDIN_FILENO : -1;
		n = poll(fds, 2, wait->live ? TICK_MS : -1);
		if (n == -1 && errno != EINTR)
			return err_errno(err, ERR_BUG, errno, "cannot wait");
		if (n == 0)
			show_left(wait);
		if (n > 0 && fds[1].revents != 0)
			take_address(wait);
		if (n <= 0 || fds[0].revents == 0)
			continue;
		rc = ask_more(&wait->talk, err);
		if (rc == 0)
			rc = take_lines(wait, exit_code, err);
	}
	return rc;
}

int
login_wait(const struct conf *conf, const char *account, const char *method,
    int as_json)
{
	struct wait wait = {
	    .conf = conf,
	    .account = account,
	    .as_json = as_json,
	    .live = !as_json && isatty(STDOUT_FILENO),
	};
	struct json *question = ask_new("login", account);
	int rc = EX_OK;
	struct err err;

	err_clear(&err);
	json_set_string(question, "method", method);
	if (ask_open(&wait.talk, ASK_TOKEND, conf->tokend.control, question,
		&err) == -1 ||
	    wait_for_it(&wait, &rc, &err) == -1) {
		end_count(&wait);
		fflush(stdout);
		login_paste_end(&wait.paste);
		rc = verb_report(&err, as_json);
	}
	login_paste_end(&wait.paste);
	ask_close(&wait.talk);
	return rc;
}
