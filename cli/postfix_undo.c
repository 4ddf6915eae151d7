/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_undo - take back what was changed. See postfix_undo.h.
 */
#include "postfix_undo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "mem.h"
#include "postfix_backup.h"
#include "postfix_change.h"
#include "postfix_files.h"
#include "postfix_look.h"
#include "postfix_stage.h"
#include "postfix_switch.h"
#include "show.h"

struct undo {
	const char *directory;
	struct postfix_backup backup;
	struct postfix_files kept;  /* the backup */
	struct postfix_files files; /* what is put in place now */
	struct postfix_changes changes;
	struct buf said; /* tables that stay */
};

static int
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static char *
copy(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

static int
is_settings(const char *name)
{
	return strcmp(name, "main.cf") == 0 || strcmp(name, "master.cf") == 0;
}

/* --- what is to be done --------------------------------------------------- */

/* Three views of main.cf and master.cf, compared. */
static int
compare(struct undo *undo, struct err *err)
{
	char *before = mem_printf("%s/before", undo->backup.path);
	char *after = mem_printf("%s/after", undo->backup.path);
	struct postfix_look *looks[3] = {NULL, NULL, NULL};
	const char *where[3] = {before, after, undo->directory};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < 3; i++) {
		looks[i] = postfix_look_new(where[i], err);
		rc = looks[i] != NULL ? 0 : -1;
	}
	if (rc == 0)
		postfix_change_back(
		    &undo->changes, looks[0], looks[1], looks[2]);
	for (i = 0; i < 3; i++)
		postfix_look_free(looks[i]);
	free(before);
	free(after);
	return rc;
}

/* main.cf or master.cf: as it was, or, if somebody wrote to it since, what
 * postconf made of it. */
static int
add_settings(struct undo *undo, const struct postfix_files_item *item,
    char *staged, struct err *err)
{
	char *now;

	if (postfix_files_read(undo->directory, item->name, &now, err) != 0) {
		free(staged);
		return -1;
	}
	if (is_same(now, item->after) || is_same(now, item->before)) {
		free(staged);
		staged = copy(item->before);
	} else if (staged == NULL) {
		free(now);
		return err_set(err, ERR_TEMPORARY, "changed",
		    "%s/%s was changed by somebody else at this moment; it "
		    "stays as it is. Run this again",
		    undo->directory, item->name);
	}
	postfix_files_add(&undo->files, item->name, now, staged, 0);
	return 0;
}

static int
add_table(
    struct undo *undo, const struct postfix_files_item *item, struct err *err)
{
	char *now;

	if (postfix_files_read(undo->directory, item->name, &now, err) != 0)
		return -1;
	if (is_same(now, item->before)) {
		free(now);
	} else if (is_same(now, item->after)) {
		postfix_files_add(&undo->files, item->name, now,
		    copy(item->before), item->flags);
	} else {
		buf_addf(&undo->said,
		    "kept, because it was changed since: %s/%s\n",
		    undo->directory, item->name);
		free(now);
	}
	return 0;
}

/* *edited: main.cf or master.cf is neither as it was nor as it was made.
 * postconf cannot write all that may stand in them: it is asked only if it must
 * be. */
static int
is_edited(const struct undo *undo, int *edited, struct err *err)
{
	const struct postfix_files_item *item;
	char *now;
	size_t i;

	*edited = 0;
	for (i = 0; i < undo->kept.count; i++) {
		item = &undo->kept.items[i];
		if (!is_settings(item->name))
			continue;
		if (postfix_files_read(
			undo->directory, item->name, &now, err) != 0)
			return -1;
		*edited |=
		    !is_same(now, item->after) && !is_same(now, item->before);
		free(now);
	}
	return 0;
}

/* main.cf first: see postfix_files.h. */
static int
collect(struct undo *undo, struct err *err)
{
	const struct postfix_files_item *item;
	struct postfix_stage stage;
	char **staged;
	size_t i;
	int edited, rc = is_edited(undo, &edited, err);

	memset(&stage, 0, sizeof(stage));
	if (rc == 0 && edited)
		rc = postfix_stage_make(
		    &stage, undo->directory, &undo->changes, err);
	for (i = undo->kept.count; rc == 0 && i-- > 0;) {
		item = &undo->kept.items[i];
		if (is_settings(item->name)) {
			staged = strcmp(item->name, "main.cf") == 0
				     ? &stage.main_after
				     : &stage.master_after;
			rc = add_settings(undo, item, *staged, err);
			*staged = NULL;
		} else {
			rc = add_table(undo, item, err);
		}
	}
	postfix_stage_clear(&stage);
	return rc;
}

/* --- doing it ------------------------------------------------------------- */

static int
count_changes(const struct postfix_files *files)
{
	size_t i;
	int count = 0;

	for (i = 0; i < files->count; i++)
		count +=
		    !is_same(files->items[i].before, files->items[i].after);
	return count;
}

static int
show_difference(struct undo *undo)
{
	struct buf out;
	int rc;

	buf_init(&out, SHOW_MAX);
	postfix_change_show(&out, &undo->changes, undo->directory);
	postfix_switch_show(&out, &undo->files);
	if (undo->said.len > 0)
		buf_add(&out, undo->said.data, undo->said.len);
	rc = show_out(&out);
	buf_clear(&out);
	return rc;
}

static int
carry_out(struct undo *undo, int yes, struct err *err)
{
	int answer;

	if (show_difference(undo) != 0)
		return EX_IOERR;
	answer = postfix_switch_ask("Change this back?", yes);
	if (answer <= 0)
		return answer == 0 ? EX_OK : EX_USAGE;
	if (count_changes(&undo->files) > 0 &&
	    (postfix_switch_over(&undo->files, err) != 0 ||
		postfix_switch_reload(undo->directory, err) != 0))
		return show_error(err);
	if (postfix_backup_undone(&undo->backup, err) != 0)
		return show_error(err);
	printf(
	    "What postoak had changed in %s is taken back.\n", undo->directory);
	return EX_OK;
}

static int
run(struct undo *undo, int yes)
{
	struct err err;

	err_clear(&err);
	if (postfix_backup_read(
		&undo->backup, undo->directory, &undo->kept, &err) != 0 ||
	    compare(undo, &err) != 0 || collect(undo, &err) != 0)
		return show_error(&err);
	return carry_out(undo, yes, &err);
}

int
postfix_undo(const char *config_directory, int yes)
{
	struct undo undo = {.directory = config_directory};
	int rc = EX_OK;

	buf_init(&undo.said, SHOW_MAX);
	postfix_backup_find(&undo.backup, config_directory);
	postfix_files_init(&undo.files, config_directory);
	if (undo.backup.path == NULL)
		printf("Nothing to take back: there is no backup below "
		       "%s/postoak-backup.\n",
		    config_directory);
	else
		rc = run(&undo, yes);
	postfix_change_clear(&undo.changes);
	postfix_files_clear(&undo.files);
	postfix_files_clear(&undo.kept);
	postfix_backup_clear(&undo.backup);
	buf_clear(&undo.said);
	return rc;
}
