/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_apply - make a Postfix what a plan says. See postfix_apply.h.
 */
#include "postfix_apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "mem.h"
#include "postfix_backup.h"
#include "postfix_change.h"
#include "postfix_files.h"
#include "postfix_stage.h"
#include "postfix_switch.h"
#include "postfix_text.h"
#include "show.h"

/* One call, from the difference to the reload. */
struct apply {
	const char *directory;
	struct postfix_changes changes;
	struct postfix_files files;
	size_t table_count;
};

/* Tables of the plan that are not as they should be. */
static int
add_tables(
    struct apply *apply, const struct postfix_plan *plan, struct err *err)
{
	const struct postfix_file *file;
	const char *name;
	char *before;
	size_t i;

	for (i = 0; i < plan->file_count; i++) {
		file = &plan->files[i];
		name = strrchr(file->path, '/') + 1;
		if (postfix_files_read(apply->directory, name, &before, err) !=
		    0)
			return -1;
		if (before != NULL && strcmp(before, file->text) == 0 &&
		    (!file->is_indexed ||
			postfix_files_has_index(apply->directory, name))) {
			free(before);
			continue;
		}
		postfix_files_add(&apply->files, name, before,
		    mem_strdup(file->text),
		    (file->is_private ? POSTFIX_FILES_PRIVATE : 0) |
			(file->is_indexed ? POSTFIX_FILES_INDEXED : 0));
	}
	apply->table_count = apply->files.count;
	return 0;
}

static int
add_settings(struct apply *apply, struct err *err)
{
	struct postfix_stage stage;
	int rc =
	    postfix_stage_make(&stage, apply->directory, &apply->changes, err);

	if (rc == 0) {
		postfix_files_add(&apply->files, "master.cf",
		    stage.master_before, stage.master_after, 0);
		postfix_files_add(&apply->files, "main.cf", stage.main_before,
		    stage.main_after, 0);
		memset(&stage, 0, sizeof(stage));
	}
	postfix_stage_clear(&stage);
	return rc;
}

static int
show_difference(const struct apply *apply, const struct postfix_plan *plan)
{
	struct buf out;
	int rc;

	buf_init(&out, SHOW_MAX);
	postfix_change_show(&out, &apply->changes, apply->directory);
	postfix_switch_show(&out, &apply->files);
	postfix_text_notes(&out, plan);
	rc = show_out(&out);
	buf_clear(&out);
	return rc;
}

static int
carry_out(struct apply *apply, struct err *err)
{
	struct postfix_backup backup;
	int rc = postfix_backup_make(&backup, &apply->files, err);

	if (rc == 0) {
		rc = postfix_switch_over(&apply->files, err);
		if (rc == 0) {
			printf("The files as they were are in %s; \"postoak "
			       "mta postfix --undo\" brings them back.\n",
			    backup.path);
			rc = postfix_switch_reload(apply->directory, err);
		} else {
			(void)postfix_backup_undone(&backup, NULL);
		}
	}
	if (rc == 0)
		rc = postfix_backup_done(&backup, err);
	postfix_backup_clear(&backup);
	return rc;
}

/* What is broken before would be said to be broken by us. */
static int
refuse(const struct err *found)
{
	struct err err;

	err_clear(&err);
	(void)err_set(&err, ERR_CONFIG, "check",
	    "Postfix's own check fails before anything is changed; mend this "
	    "first: %s",
	    found->text);
	return show_error(&err);
}

static int
run(struct apply *apply, const struct postfix_plan *plan, int yes)
{
	struct err err;
	int answer;

	err_clear(&err);
	if (add_tables(apply, plan, &err) != 0)
		return show_error(&err);
	if (apply->changes.count == 0 && apply->table_count == 0) {
		printf("Nothing to change: %s is set up for these accounts.\n",
		    apply->directory);
		return EX_OK;
	}
	if (show_difference(apply, plan) != 0)
		return EX_IOERR;
	answer = postfix_switch_ask("Change this?", yes);
	if (answer <= 0)
		return answer == 0 ? EX_OK : EX_USAGE;
	if (postfix_switch_check(apply->directory, &err) != 0)
		return refuse(&err);
	if (add_settings(apply, &err) != 0 || carry_out(apply, &err) != 0)
		return show_error(&err);
	return EX_OK;
}

int
postfix_apply(const struct postfix_plan *plan, const struct postfix_look *now,
    const char *config_directory, int yes)
{
	struct apply apply = {.directory = config_directory};
	int rc;

	postfix_change_plan(&apply.changes, plan, now);
	postfix_files_init(&apply.files, config_directory);
	rc = run(&apply, plan, yes);
	postfix_files_clear(&apply.files);
	postfix_change_clear(&apply.changes);
	return rc;
}

/* --- after an interruption ------------------------------------------------ */

/* Forward, not back: main.cf may have turned mail to us already, and what
 * would go out in between would go out by itself. */
static int
finish(struct postfix_backup *backup, const char *config_directory,
    struct err *err)
{
	struct postfix_files files;
	int rc = postfix_backup_read(backup, config_directory, &files, err);

	if (rc == 0) {
		printf("An earlier call was interrupted; what it had begun is "
		       "finished first.\n");
		rc = postfix_switch_over(&files, err);
	}
	if (rc == 0)
		rc = postfix_switch_reload(config_directory, err);
	postfix_files_clear(&files);
	return rc;
}

int
postfix_apply_finish(const char *config_directory)
{
	struct postfix_backup backup;
	struct err err;
	int rc = EX_OK;

	err_clear(&err);
	postfix_backup_find(&backup, config_directory);
	if (backup.path != NULL && !backup.is_done) {
		if (finish(&backup, config_directory, &err) != 0)
			rc = show_error(&err);
		(void)postfix_backup_done(&backup, NULL);
	}
	postfix_backup_clear(&backup);
	return rc;
}
