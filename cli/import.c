/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import - "postoak import": take over what sasl-xoauth2 or a Postfix password
 * table had. Everything is shown first; the files that are read stay as they
 * are, and a refresh token goes through tokend, which tries it.
 */
#include "verb.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "conf_text.h"
#include "conf_write.h"
#include "diff.h"
#include "import_plan.h"
#include "legacy.h"
#include "mem.h"
#include "show.h"
#include "time_text.h"

#define FILE_MAX (4 * 1024 * 1024)
#define QUEUE_DIRECTORY POSTOAK_LOCALSTATEDIR "/spool/postfix"

enum { OPT_APPLY = 256, OPT_QUEUE };

static const struct option options[] = {
    {"apply", no_argument, NULL, OPT_APPLY},
    {"queue-directory", required_argument, NULL, OPT_QUEUE},
    {NULL, 0, NULL, 0},
};

struct job {
	const char *path; /* of our configuration */
	const char *queue;
	int apply;
	struct conf *conf;	/* NULL: there is none yet */
	struct legacy settings; /* sasl-xoauth2's configuration */
	struct import_plan plan;
	struct buf notes;
	struct buf before, after; /* our configuration's text */
};

/* --- reading -------------------------------------------------------------- */

/* The file's own name where it is an address: sasl-xoauth2's custom. */
static const char *
user_of(const struct legacy *legacy, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	if (legacy->user != NULL)
		return legacy->user;
	return strchr(name, '@') != NULL ? name : NULL;
}

/* A token file; entry is the table's, NULL if the file was named itself. */
static void
take_token(struct job *job, const char *path, const struct buf *text,
    const struct legacy_entry *entry)
{
	struct legacy legacy;
	const char *user;

	if (legacy_read(&legacy, path, text->data, text->len, &job->notes) ==
	    -1)
		return;
	legacy_inherit(&legacy, &job->settings);
	user = user_of(&legacy, path);
	if (entry != NULL)
		user = legacy.user != NULL ? legacy.user : entry->user;
	if (user != NULL && !conf_text_is_value(user))
		buf_addf(&job->notes,
		    "%s: its name is no user's that the configuration takes, "
		    "and it names none itself; left out\n",
		    path);
	else if (user == NULL)
		buf_addf(&job->notes,
		    "%s: it does not say whose it is; name the password table "
		    "that leads to it\n",
		    path);
	else
		import_plan_token(&job->plan, job->conf, &legacy, user,
		    entry != NULL ? entry->host : NULL, &job->notes);
	legacy_clear(&legacy);
}

/* A chrooted smtp(8) reads its token files below the queue directory. */
static void
take_entry(struct job *job, const struct legacy_entry *entry)
{
	struct buf text;
	char *path;

	if (entry->password[0] != '/') {
		import_plan_password(&job->plan, job->conf, entry, &job->notes);
		return;
	}
	path = mem_printf("%s%s", job->queue, entry->password);
	if (access(path, F_OK) == -1) {
		free(path);
		path = mem_strdup(entry->password);
	}
	buf_init(&text, FILE_MAX);
	if (access(path, R_OK) == -1 ||
	    conf_write_read(path, &text, NULL) == -1 || text.data == NULL)
		buf_addf(&job->notes,
		    "%s: its token file %s cannot be read (%s)\n", entry->user,
		    path, strerror(errno));
	else
		take_token(job, path, &text, entry);
	buf_clear(&text);
	free(path);
}

static void
take_table(struct job *job, const char *path, const char *text)
{
	struct legacy_table table;
	size_t i;

	legacy_read_table(&table, path, text, &job->notes);
	for (i = 0; i < table.count; i++)
		take_entry(job, &table.entries[i]);
	legacy_clear_table(&table);
}

/* sasl-xoauth2's configuration is read before what depends on it: a JSON file
 * without tokens. */
static int
is_settings(const struct buf *text)
{
	struct json *json = json_parse(text->data, text->len, NULL);
	int found = json != NULL && json_has(json, "client_id") &&
		    !json_has(json, "refresh_token") &&
		    !json_has(json, "access_token");

	json_free(json);
	return found;
}

static int
take_file(struct job *job, const char *path, int settings, struct err *err)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, FILE_MAX);
	if (access(path, R_OK) == -1)
		rc = err_errno(
		    err, ERR_CONFIG, errno, "%s: cannot be read", path);
	else if (conf_write_read(path, &text, err) == -1 ||
		 buf_adds(&text, "") == -1)
		rc = -1;
	else if (text.data == NULL || is_settings(&text) != settings)
		;
	else if (settings && job->settings.client_id != NULL)
		buf_addf(&job->notes,
		    "%s: a second configuration of sasl-xoauth2, left out; "
		    "import it with its own token files\n",
		    path);
	else if (settings)
		(void)legacy_read(
		    &job->settings, path, text.data, text.len, &job->notes);
	else if (!settings && legacy_is_json(text.data))
		take_token(job, path, &text, NULL);
	else if (!settings)
		take_table(job, path, text.data);
	buf_clear(&text);
	return rc;
}

/* --- showing -------------------------------------------------------------- */

static void
put_notes(struct buf *out, const struct job *job, int colours)
{
	char *all = mem_strdup(job->notes.data), *rest = all, *line;

	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		show_toned(out, "warn", 6, SHOW_WARN, colours);
		show_wrapped(out, line, 6);
	}
	free(all);
}

/* What stands in a file of secrets now, in words. */
static const char *
change_of(const char *path, const char *secret)
{
	const char *word = "new, mode 0600";
	struct buf text;

	buf_init(&text, FILE_MAX);
	if (access(path, F_OK) == 0)
		word = conf_write_read(path, &text, NULL) == 0 &&
			       text.data != NULL &&
			       strcmp(text.data, secret) == 0
			   ? NULL
			   : "replaced, mode 0600";
	buf_clear(&text);
	return word;
}

/* Called for each secret: name is relative, and taken. */
typedef int (*on_secret)(const struct job *, const char *path,
    const char *secret, void *, struct err *);

static char *
beside(const struct job *job, char *name)
{
	const char *slash = strrchr(job->path, '/');
	char *path = mem_printf("%.*s%s",
	    slash != NULL ? (int)(slash + 1 - job->path) : 0, job->path, name);

	free(name);
	return path;
}

static int
each_secret(const struct job *job, on_secret visit, void *arg, struct err *err)
{
	const struct import_plan *plan = &job->plan;
	const char *secret;
	char *path;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < plan->application_count; i++) {
		secret = plan->applications[i].legacy.client_secret;
		if (plan->applications[i].is_there || secret == NULL)
			continue;
		path = beside(
		    job, import_plan_client_file(&plan->applications[i]));
		rc = visit(job, path, secret, arg, err);
		free(path);
	}
	for (i = 0; rc == 0 && i < plan->account_count; i++) {
		secret = plan->accounts[i].password;
		if (plan->accounts[i].is_there || secret == NULL)
			continue;
		path =
		    beside(job, import_plan_password_file(&plan->accounts[i]));
		rc = visit(job, path, secret, arg, err);
		free(path);
	}
	return rc;
}

static int
show_secret(const struct job *job, const char *path, const char *secret,
    void *arg, struct err *err)
{
	const char *change = change_of(path, secret);
	struct buf *out = arg;

	(void)job;
	(void)err;
	if (change != NULL) {
		show_text(out, path);
		buf_addf(out, ": %s\n", change);
	}
	return 0;
}

static int
show_plan(const struct job *job, int is_good)
{
	int colours = show_colours(), rc;
	struct buf out;
	size_t i;

	buf_init(&out, SHOW_MAX);
	put_notes(&out, job, colours);
	diff_unified(&out, job->path,
	    job->before.data != NULL ? job->before.data : "",
	    job->after.data != NULL ? job->after.data : "", colours);
	(void)each_secret(job, show_secret, &out, NULL);
	for (i = 0; i < job->plan.account_count; i++)
		if (job->plan.accounts[i].refresh_token != NULL) {
			show_text(&out, job->plan.accounts[i].user);
			buf_adds(&out, ": its refresh token goes to tokend\n");
		}
	if (job->plan.account_count == 0)
		buf_adds(&out, "There is nothing to take over.\n");
	else if (!is_good)
		buf_adds(&out, "This would not be right, and is not written; "
			       "the reason follows.\n");
	else if (!job->apply)
		buf_adds(&out, "Nothing is written yet; the same command with "
			       "--apply does it.\n");
	rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	return rc;
}

/* --- writing -------------------------------------------------------------- */

static int
write_secret(const struct job *job, const char *path, const char *secret,
    void *arg, struct err *err)
{
	(void)job;
	(void)arg;
	if (change_of(path, secret) == NULL)
		return 0;
	return conf_write_secret(path, secret, strlen(secret), err);
}

static int
write_plan(const struct job *job, struct err *err)
{
	if (each_secret(job, write_secret, NULL, err) == -1)
		return -1;
	if (job->before.data != NULL &&
	    strcmp(job->before.data, job->after.data) == 0)
		return 0;
	return conf_write_file(job->path, job->after.data, job->after.len, err);
}

/* A token that works is not replaced by one from a file. */
static int
has_token(const struct conf *conf, const char *user)
{
	struct json *answer = ask(ASK_TOKEND, conf->tokend.control, "status",
	    user, ASK_SHORT_MS, NULL);
	const struct json *accounts, *account = NULL;
	int found;

	accounts = answer != NULL ? json_get_array(answer, "accounts") : NULL;
	if (accounts != NULL && json_length(accounts) == 1)
		account = json_at(accounts, 0);
	found = account != NULL && json_get_bool(account, "refresh_token", 0) &&
		strcmp(show_string(account, "state"), "needs_login") != 0 &&
		strcmp(show_string(account, "state"), "needs_admin") != 0;
	json_free(answer);
	return found;
}

static int
hand_over(const struct conf *conf, const struct import_account *account)
{
	struct json *question, *answer;
	struct err err;

	if (has_token(conf, account->user)) {
		printf("%s: tokend has a refresh token that works, and keeps "
		       "it\n",
		    account->user);
		return EX_OK;
	}
	err_clear(&err);
	question = ask_new("import", account->user);
	json_set_string(question, "refresh_token", account->refresh_token);
	answer = ask_send(
	    ASK_TOKEND, conf->tokend.control, question, ASK_LONG_MS, &err);
	if (answer == NULL)
		return verb_report(&err, 0);
	return verb_life(answer, account->user,
	    "the refresh token is kept; it brought a token, good for", 0);
}

/* The running daemon learns of the accounts and is handed their tokens. */
static int
tell_tokend(const struct job *job, const struct conf *conf)
{
	struct json *answer;
	struct err err;
	int rc = EX_OK, one;
	size_t i;

	err_clear(&err);
	answer = ask(ASK_TOKEND, conf->tokend.control, "reload", NULL,
	    ASK_SHORT_MS, &err);
	if (answer == NULL) {
		rc = verb_report(&err, 0);
		fprintf(stderr,
		    "postoak: the configuration is written; run this again "
		    "when postoak-tokend runs, which is to try the refresh "
		    "tokens\n");
		return rc;
	}
	json_free(answer);
	for (i = 0; i < job->plan.account_count; i++) {
		if (job->plan.accounts[i].refresh_token == NULL)
			continue;
		one = hand_over(conf, &job->plan.accounts[i]);
		rc = rc != EX_OK ? rc : one;
	}
	return rc;
}

/* What is shown, and written, must be good. */
static int
carry_out(const struct job *job)
{
	struct conf *conf;
	struct err err;
	int rc;

	err_clear(&err);
	conf = job->plan.account_count > 0
		   ? conf_load_text(job->path, job->after.data, &err)
		   : NULL;
	rc = show_plan(job, conf != NULL);
	if (job->plan.account_count == 0)
		return rc;
	if (conf == NULL ||
	    (rc == EX_OK && job->apply && write_plan(job, &err) == -1))
		rc = show_error(&err);
	else if (rc == EX_OK && job->apply)
		rc = tell_tokend(job, conf);
	conf_free(conf);
	return rc;
}

/* --- the verb ------------------------------------------------------------- */

static int
make_plan(struct job *job, char **files, int count, struct err *err)
{
	int i;

	if (conf_write_read(job->path, &job->before, err) == -1)
		return -1;
	if (job->before.data != NULL) {
		job->conf = conf_load(job->path, err);
		if (job->conf == NULL)
			return -1;
	}
	for (i = 0; i < 2 * count; i++)
		if (take_file(job, files[i % count], i < count, err) == -1)
			return -1;
	return import_plan_text(&job->plan, job->path,
	    job->before.data != NULL ? job->before.data : "", &job->after, err);
}

static int
take_option(void *arg, int option)
{
	struct job *job = arg;

	if (option == OPT_APPLY)
		job->apply = 1;
	else
		job->queue = optarg;
	return EX_OK;
}

static int
parse(struct job *job, int argc, char **argv)
{
	int rc = verb_getopt(argc, argv, options, take_option, job);

	if (rc != EX_OK)
		return rc;
	if (optind == argc)
		return verb_usage("import",
		    "which files? sasl-xoauth2's configuration, its token "
		    "files, a Postfix password table");
	return EX_OK;
}

int
import_verb(const struct verb_context *context, int argc, char **argv)
{
	struct job job = {
	    .path = context->config_path, .queue = QUEUE_DIRECTORY};
	struct err err;
	int rc = parse(&job, argc, argv);

	if (rc != EX_OK)
		return rc;
	err_clear(&err);
	buf_init(&job.notes, FILE_MAX);
	buf_init(&job.before, FILE_MAX);
	buf_init(&job.after, FILE_MAX);
	if (make_plan(&job, argv + optind, argc - optind, &err) == -1)
		rc = show_error(&err);
	else
		rc = carry_out(&job);
	conf_free(job.conf);
	import_plan_clear(&job.plan);
	legacy_clear(&job.settings);
	buf_clear(&job.after);
	buf_clear(&job.before);
	buf_clear(&job.notes);
	return rc;
}
