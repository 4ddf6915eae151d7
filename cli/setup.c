/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup - "postoak setup": from questions, or from a hand-over text, to an
 * account that is configured; then what is left to do, and the checks.
 */
#include "verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "certificate.h"
#include "check.h"
#include "clock.h"
#include "handover.h"
#include "login_wait.h"
#include "prompt.h"
#include "setup_ask.h"
#include "setup_draft.h"
#include "setup_from.h"
#include "setup_steps.h"
#include "setup_write.h"
#include "show.h"

/* What was asked for on the command line. */
struct request {
	const char *config_path;
	const char *from; /* NULL: ask */
	const char *account;
	int yes;
	int no_check;
};

/* --- arguments ------------------------------------------------------------ */

static int
take_argument(
    struct request *request, const char *argument, const char *next, int *used)
{
	*used = 1;
	if (strcmp(argument, "--yes") == 0) {
		request->yes = 1;
	} else if (strcmp(argument, "--no-check") == 0) {
		request->no_check = 1;
	} else if (strcmp(argument, "--from") == 0) {
		if (next == NULL)
			return verb_usage("setup", "--from which file?");
		request->from = next;
		*used = 2;
	} else if (argument[0] == '-') {
		return verb_usage("setup", "no option %s", argument);
	} else if (request->account != NULL) {
		return verb_usage(
		    "setup", "\"%s\" is one argument too many", argument);
	} else {
		request->account = argument;
	}
	return EX_OK;
}

static int
read_arguments(struct request *request, int argc, char **argv)
{
	int i, used, rc = EX_OK;

	for (i = 1; i < argc && rc == EX_OK; i += used)
		rc = take_argument(
		    request, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
	if (rc == EX_OK && request->from != NULL && request->account != NULL)
		return verb_usage("setup",
		    "the account is the one in the text; leave \"%s\" out",
		    request->account);
	return rc;
}

/* --- a hand-over text ----------------------------------------------------- */

static int
read_text(const char *path, struct buf *text, struct err *err)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
					: open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	char *room;

	if (fd == -1)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s cannot be read", path);
	while (n > 0 && (room = buf_reserve(text, 4096)) != NULL) {
		n = read(fd, room, 4096);
		if (n > 0)
			buf_commit(text, (size_t)n);
	}
	(void)close(fd);
	if (n == -1)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s cannot be read", path);
	if (text->truncated)
		return err_set(err, ERR_CONFIG, "file",
		    "%s is larger than any such text", path);
	if (text->len == 0 || strlen(text->data) != text->len)
		return err_set(err, ERR_CONFIG, "file",
		    text->len == 0 ? "%s is empty"
				   : "%s is no text; save it as plain text "
				     "in UTF-8",
		    path);
	return 0;
}

/* Each line of a list as a paragraph of its own. */
static void
print_lines(
    FILE *file, const char *level, enum show_tone tone, const struct buf *lines)
{
	const char *p = lines->len > 0 ? lines->data : "", *end;
	char line[HANDOVER_PROBLEMS_MAX];
	struct buf out;

	buf_init(&out, SHOW_MAX);
	for (; (end = strchr(p, '\n')) != NULL; p = end + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)(end - p), p);
		show_toned(
		    &out, level, 6, tone, file == stdout ? show_colours() : 0);
		show_wrapped(&out, line, 6);
	}
	if (out.len > 0)
		fwrite(out.data, 1, out.len, file);
	fflush(file);
	buf_clear(&out);
}

/* EX_OK, or the exit code with everything said. */
static int
judge_text(struct setup_draft *draft, const struct request *request,
    struct handover *handover, const char *text)
{
	struct buf problems, notes;
	int count;

	buf_init(&problems, HANDOVER_PROBLEMS_MAX);
	buf_init(&notes, HANDOVER_PROBLEMS_MAX);
	count = handover_parse(handover, text);
	count += setup_from(draft, handover, clock_wall_s(), &problems, &notes);
	if (count > 0) {
		fprintf(stderr, "postoak setup: %s, nothing was changed:\n",
		    request->from);
		print_lines(stderr, "FAIL", SHOW_BAD, &handover->problems);
		print_lines(stderr, "FAIL", SHOW_BAD, &problems);
	} else {
		print_lines(stdout, "note", SHOW_WARN, &notes);
	}
	buf_clear(&problems);
	buf_clear(&notes);
	return count > 0 ? EX_DATAERR : EX_OK;
}

/* A terminal is needed only if a secret is missing. */
static int
fill_from_text(struct setup_draft *draft, const struct request *request)
{
	struct handover handover;
	struct buf text;
	struct err err;
	int rc;

	err_clear(&err);
	handover_init(&handover);
	buf_init(&text, HANDOVER_MAX);
	if (read_text(request->from, &text, &err) == -1) {
		show_error(&err);
		rc = EX_NOINPUT;
	} else {
		rc = judge_text(draft, request, &handover, text.data);
	}
	buf_clear(&text);
	handover_clear(&handover);
	if (rc == EX_OK && setup_ask_secrets(draft, &err) == -1)
		rc = show_error(&err);
	return rc;
}

static int
fill_from_questions(struct setup_draft *draft, const struct request *request)
{
	struct err err;

	if (!isatty(STDIN_FILENO))
		return verb_usage("setup",
		    "the questions need a terminal; --from FILE reads the "
		    "answers from a text");
	err_clear(&err);
	if (setup_ask(draft, request->account, &err) == -1)
		return show_error(&err);
	return EX_OK;
}

/* --- afterwards ----------------------------------------------------------- */

/* 1 if the daemon has read the new configuration. */
static int
reload(enum ask_whom whom, const char *path, const char *name)
{
	struct json *answer;
	struct err err;

	err_clear(&err);
	answer = ask(whom, path, "reload", NULL, ASK_SHORT_MS, &err);
	if (answer == NULL && strcmp(err.code, "unreachable") != 0)
		show_error(&err);
	else if (answer != NULL)
		printf("%s has read the configuration.\n", name);
	json_free(answer);
	return answer != NULL;
}

static int
reload_daemons(const struct conf *conf)
{
	int runs = reload(ASK_TOKEND, conf->tokend.control, "postoak-tokend");

	(void)reload(ASK_MILTER, conf->milter.control, "postoak-milter");
	if (!runs)
		prompt_say("postoak-tokend does not run yet. To start it: "
			   "systemctl enable --now postoak-tokend.socket "
			   "postoak-control.socket postoak-milter");
	return runs;
}

static void
print_steps(const struct setup_draft *draft, const struct conf_account *account)
{
	const struct conf_list *files =
	    &account->application->certificate_files;
	struct certificate_face face = {.sha1 = ""};
	struct buf out;
	int made = draft->certificate.len > 0 && files->count > 0 &&
		   certificate_read(draft->certificate.data, &face, NULL) == 0;

	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "\n");
	setup_steps(
	    &out, draft, made ? files->items[0] : NULL, made ? face.sha1 : "");
	buf_adds(&out, "\n");
	show_out(&out);
	buf_clear(&out);
}

/* Who signs in can do so now. EX_OK, also if it was put off. */
static int
sign_in(const struct request *request, const struct conf *conf,
    const struct setup_draft *draft, int runs)
{
	int device = draft->grant == CONF_GRANT_DEVICE_CODE;
	struct err err;

	if (draft->grant == CONF_GRANT_REFRESH_TOKEN)
		printf("Next: postoak login %s --import\n", draft->name);
	if (!setup_draft_signs_in(draft))
		return EX_OK;
	err_clear(&err);
	if (runs && !request->yes && isatty(STDIN_FILENO) &&
	    prompt_yes("Sign in now?", 1, &err) == 1)
		return login_wait(
		    conf, draft->name, device ? "device" : "browser", 0);
	printf("Next: postoak login %s --%s\n", draft->name,
	    device ? "device" : "browser");
	return EX_OK;
}

static void
check(const struct request *request, const struct setup_draft *draft)
{
	const struct checkup_request checkup = {
	    .config_path = request->config_path, .account = draft->name};
	struct err err;

	err_clear(&err);
	if (request->no_check)
		return;
	if (!request->yes && isatty(STDIN_FILENO) &&
	    prompt_yes("Are these steps done, and is it to be checked now?", 1,
		&err) != 1) {
		printf("Later: postoak check %s\n", draft->name);
		return;
	}
	(void)check_run(&checkup, CHECK_ALL, 0);
}

/* The milter gives mail to the only account there is; of several it must know
 * which. */
static void
mention_routes(const struct conf *conf, const struct conf_account *account)
{
	if (conf->account_count > 1 && account->logins.count == 0 &&
	    account->senders.count == 0 && account->clients.count == 0)
		prompt_say("There are several accounts: in the configuration, "
			   "say which mail is this one's with logins, senders "
			   "or clients; see postoak.conf(5).");
}

static int
afterwards(const struct request *request, const struct setup_draft *draft)
{
	const struct conf_account *account;
	struct conf *conf;
	struct err err;
	int rc, runs;

	err_clear(&err);
	conf = conf_load(request->config_path, &err);
	account = conf != NULL ? conf_account_find(conf, draft->name) : NULL;
	if (account == NULL) {
		show_error(&err);
		conf_free(conf);
		return EX_CONFIG;
	}
	runs = reload_daemons(conf);
	print_steps(draft, account);
	mention_routes(conf, account);
	if (request->from != NULL && strcmp(request->from, "-") != 0)
		printf("%s still holds what was handed over: delete it, and "
		       "the mail it came with.\n",
		    request->from);
	rc = sign_in(request, conf, draft, runs);
	conf_free(conf);
	if (rc == EX_OK)
		check(request, draft);
	printf("The mail server's settings: postoak mta postfix --apply "
	       "(or postoak mta sendmail)\n");
	return rc;
}

/* --- the verb ------------------------------------------------------------- */

/* Only the main file is changed. */
static int
is_elsewhere(const struct setup_draft *draft, const char *path)
{
	const struct conf_where *where = NULL;

	if (draft->conf == NULL)
		return 0;
	if (draft->account != NULL &&
	    strcmp(draft->account->where.file, draft->conf->path) != 0)
		where = &draft->account->where;
	else if (draft->app != NULL &&
		 strcmp(draft->app->where.file, draft->conf->path) != 0)
		where = &draft->app->where;
	if (where == NULL)
		return 0;
	fprintf(stderr,
	    "postoak setup: %s:%d has what is to change; setup changes %s "
	    "only: change it there, or move the section\n",
	    where->file, where->line, path);
	return 1;
}

static int
set_up(const struct request *request, struct setup_draft *draft)
{
	struct err err;
	int rc = request->from != NULL ? fill_from_text(draft, request)
				       : fill_from_questions(draft, request);

	if (rc != EX_OK)
		return rc;
	setup_draft_place(draft);
	if (is_elsewhere(draft, request->config_path))
		return EX_CONFIG;
	err_clear(&err);
	rc = setup_write(request->config_path, draft, request->yes, &err);
	if (rc == -1)
		return show_error(&err);
	if (rc == 0) {
		printf("Nothing was changed.\n");
		return EX_OK;
	}
	return afterwards(request, draft);
}

int
setup_verb(const struct verb_context *context, int argc, char **argv)
{
	struct request request = {.config_path = context->config_path};
	struct setup_draft draft;
	struct conf *conf = NULL;
	int rc = read_arguments(&request, argc, argv);

	if (rc != EX_OK)
		return rc;
	/* What is wrong already is no fault of the answers. */
	if (access(request.config_path, F_OK) == 0 &&
	    (conf = verb_conf(context, &rc)) == NULL)
		return rc;
	setup_draft_init(&draft, conf);
	rc = set_up(&request, &draft);
	setup_draft_clear(&draft);
	conf_free(conf);
	return rc;
}
