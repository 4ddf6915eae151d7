/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_write - see setup_write.h.
 */
#include "setup_write.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_write.h"
#include "diff.h"
#include "mem.h"
#include "prompt.h"
#include "setup_text.h"
#include "show.h"

#define TEXT_MAX (4 * 1024 * 1024)

/* A file beside the configuration. */
struct file {
	const char *path;
	const char *what;
	const char *data;
	size_t len;
	int is_public; /* a certificate */
};

#define FILES_MAX 4

struct plan {
	struct file file[FILES_MAX];
	size_t count;
	struct buf before;
	struct buf after;
};

/* --- signals -------------------------------------------------------------- */

static void
hold_signals(sigset_t *before)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	sigset_t held;
	size_t i;

	sigemptyset(&held);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&held, ends[i]);
	sigprocmask(SIG_BLOCK, &held, before);
}

static void
release_signals(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* --- checked as a daemon would -------------------------------------------- */

/* The new configuration, as the daemons will read it. */
static struct conf *
load(const char *path, const struct buf *text, struct err *err)
{
	struct conf *conf = conf_load_text(path, text->data, err);
	char *why;

	if (conf == NULL) {
		why = mem_strdup(err->text);
		(void)err_set(err, ERR_CONFIG, err->code,
		    "this would not be right, nothing was changed: %s", why);
		free(why);
	}
	return conf;
}

/* --- the plan ------------------------------------------------------------- */

static void
add_file(struct plan *plan, const char *path, const char *what,
    const char *data, size_t len, int is_public)
{
	struct file *file = &plan->file[plan->count];

	if (path == NULL || len == 0)
		return;
	plan->count++;
	file->path = path;
	file->what = what;
	file->data = data;
	file->len = len;
	file->is_public = is_public;
}

static const char *
first_of(const struct conf_list *list)
{
	return list->count > 0 ? list->items[0] : NULL;
}

/* Where conf, the new configuration, has the files. */
static void
plan_files(
    struct plan *plan, const struct conf *conf, const struct setup_draft *draft)
{
	const struct conf_account *account =
	    conf_account_find(conf, draft->name);
	const struct conf_application *app = account->application;

	add_file(plan, first_of(&app->client_secret_files),
	    "the client secret (not shown)",
	    secret_reveal(&draft->client_secret),
	    secret_len(&draft->client_secret), 0);
	add_file(plan, account->password_file, "the password (not shown)",
	    secret_reveal(&draft->password), secret_len(&draft->password), 0);
	add_file(plan, first_of(&app->key_files), "the key (not shown)",
	    secret_reveal(&draft->key), secret_len(&draft->key), 0);
	add_file(plan, first_of(&app->certificate_files), "the certificate",
	    draft->certificate.data, draft->certificate.len, 1);
}

static int
is_change(const struct plan *plan)
{
	return plan->before.len != plan->after.len ||
	       memcmp(plan->before.data, plan->after.data, plan->after.len) !=
		   0;
}

static void
show_plan(const struct plan *plan, const char *path)
{
	const char *before = plan->before.len > 0 ? plan->before.data : "";
	struct buf out;
	size_t i;

	buf_init(&out, SHOW_MAX);
	buf_adds(&out, "\n");
	if (is_change(plan))
		diff_unified(
		    &out, path, before, plan->after.data, show_colours());
	else
		buf_addf(&out, "%s stays as it is.\n", path);
	if (plan->count > 0)
		buf_adds(&out, "\nFiles that only the token daemon reads:\n");
	for (i = 0; i < plan->count; i++)
		buf_addf(&out, "  %s\n      %s%s\n", plan->file[i].path,
		    access(plan->file[i].path, F_OK) == 0 ? "replaced by " : "",
		    plan->file[i].what);
	buf_adds(&out, "\n");
	show_out(&out);
	buf_clear(&out);
}

/* --- writing -------------------------------------------------------------- */

/* A key is text with an end of its own; a secret is its file's only line. */
static int
write_file(const struct file *file, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, file->len + 1);
	buf_add(&text, file->data, file->len);
	if (file->data[file->len - 1] != '\n')
		buf_adds(&text, "\n");
	rc = conf_write_secret(file->path, text.data, text.len, err);
	buf_clear(&text);
	return rc;
}

/* Secrets first: a configuration never names a file that is not there. */
static int
write_all(const struct plan *plan, const char *path, struct err *err)
{
	sigset_t before;
	int rc = 0;
	size_t i;

	hold_signals(&before);
	for (i = 0; rc == 0 && i < plan->count; i++)
		rc = write_file(&plan->file[i], err);
	if (rc == 0 && is_change(plan))
		rc = conf_write_file(
		    path, plan->after.data, plan->after.len, err);
	release_signals(&before);
	return rc;
}

static int
agree_and_write(
    const struct plan *plan, const char *path, int is_agreed, struct err *err)
{
	int yes = 1;

	if (!is_change(plan) && plan->count == 0) {
		prompt_say("Nothing changes.");
		return 1;
	}
	show_plan(plan, path);
	if (!is_agreed)
		yes = prompt_yes("Write this?", 1, err);
	if (yes != 1)
		return yes;
	return write_all(plan, path, err) == 0 ? 1 : -1;
}

int
setup_write(const char *path, const struct setup_draft *draft, int is_agreed,
    struct err *err)
{
	struct plan plan = {.count = 0};
	struct conf *conf = NULL;
	int rc = -1;

	buf_init(&plan.before, TEXT_MAX);
	buf_init(&plan.after, TEXT_MAX);
	if (conf_write_read(path, &plan.before, err) == 0 &&
	    setup_text(&plan.after, path,
		plan.before.len > 0 ? plan.before.data : "", draft, err) == 0 &&
	    (conf = load(path, &plan.after, err)) != NULL) {
		plan_files(&plan, conf, draft);
		rc = agree_and_write(&plan, path, is_agreed, err);
	}
	conf_free(conf);
	buf_clear(&plan.before);
	buf_clear(&plan.after);
	return rc;
}
