/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_backup - files kept before they change. See postfix_backup.h.
 */
#define _GNU_SOURCE /* versionsort */
#include "postfix_backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf_write.h"
#include "mem.h"

#define FOLDER "postoak-backup"
#define UNDONE ".undone"
#define DONE "done"
/* A leading dot: not whole yet. */
#define MAKING ".making"

static int
make_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_errno(err, ERR_CONFIG, errno,
		    "the directory %s cannot be made", path);
	return 0;
}

/* Rights as the file that it is a copy of has them. */
static int
keep_rights(const char *copy, const char *original, struct err *err)
{
	struct stat st;

	if (stat(original, &st) == -1)
		return 0; /* a new one */
	if ((chown(copy, st.st_uid, st.st_gid) == -1 && geteuid() == 0) ||
	    chmod(copy, st.st_mode & 0777) == -1)
		return err_errno(err, ERR_CONFIG, errno, "%s", copy);
	return 0;
}

static int
save_text(const char *path, const char *part, const struct postfix_files *files,
    const char *name, const char *text, struct err *err)
{
	char *copy, *original;
	int rc;

	if (text == NULL)
		return 0;
	copy = mem_printf("%s/%s/%s", path, part, name);
	original = mem_printf("%s/%s", files->directory, name);
	rc = conf_write_file(copy, text, strlen(text), err);
	if (rc == 0)
		rc = keep_rights(copy, original, err);
	free(copy);
	free(original);
	return rc;
}

static int
save_all(const char *path, const struct postfix_files *files, struct err *err)
{
	static const char *const parts[] = {"before", "after"};
	const struct postfix_files_item *item;
	char *part;
	size_t i;
	int rc = make_directory(path, err);

	for (i = 0; rc == 0 && i < 2; i++) {
		part = mem_printf("%s/%s", path, parts[i]);
		rc = make_directory(part, err);
		free(part);
	}
	for (i = 0; rc == 0 && i < files->count; i++) {
		item = &files->items[i];
		rc = save_text(
		    path, "before", files, item->name, item->before, err);
		if (rc == 0)
			rc = save_text(
			    path, "after", files, item->name, item->after, err);
	}
	return rc;
}

/* What a run left that died while making one. */
static void
remove_making(const char *making)
{
	static const char *const parts[] = {"/before", "/after", ""};
	struct dirent *entry;
	char *part, *path;
	size_t i;
	DIR *dir;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		part = mem_printf("%s%s", making, parts[i]);
		dir = opendir(part);
		while (dir != NULL && (entry = readdir(dir)) != NULL) {
			path = mem_printf("%s/%s", part, entry->d_name);
			(void)unlink(path);
			free(path);
		}
		if (dir != NULL)
			closedir(dir);
		(void)rmdir(part);
		free(part);
	}
}

/* A name that sorts by time; two in a second differ in the number. */
static char *
new_name(const char *folder)
{
	char stamp[32], *path;
	time_t now = time(NULL);
	struct tm tm;
	int number = 1;

	(void)strftime(
	    stamp, sizeof(stamp), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
	for (;; number++) {
		path = mem_printf("%s/%s-%d", folder, stamp, number);
		if (access(path, F_OK) == -1)
			return path;
		free(path);
	}
}

int
postfix_backup_make(struct postfix_backup *backup,
    const struct postfix_files *files, struct err *err)
{
	char *folder = mem_printf("%s/" FOLDER, files->directory);
	char *making = mem_printf("%s/" MAKING, folder);
	int rc = make_directory(folder, err);

	memset(backup, 0, sizeof(*backup));
	remove_making(making);
	if (rc == 0)
		rc = save_all(making, files, err);
	if (rc == 0) {
		backup->path = new_name(folder);
		if (rename(making, backup->path) == -1)
			rc = err_errno(
			    err, ERR_CONFIG, errno, "%s", backup->path);
	}
	free(making);
	free(folder);
	return rc;
}

static int
is_backup(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), end = sizeof(UNDONE) - 1;

	return entry->d_name[0] != '.' &&
	       (len < end || strcmp(entry->d_name + len - end, UNDONE) != 0);
}

void
postfix_backup_find(struct postfix_backup *backup, const char *config_directory)
{
	char *folder = mem_printf("%s/" FOLDER, config_directory);
	struct dirent **names = NULL;
	char *done;
	int i, count = scandir(folder, &names, is_backup, versionsort);

	memset(backup, 0, sizeof(*backup));
	if (count > 0) {
		backup->path =
		    mem_printf("%s/%s", folder, names[count - 1]->d_name);
		done = mem_printf("%s/" DONE, backup->path);
		backup->is_done = access(done, F_OK) == 0;
		free(done);
	}
	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
	free(folder);
}

/* --- reading -------------------------------------------------------------- */

static int
has_file(const struct postfix_files *files, const char *name)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (strcmp(files->items[i].name, name) == 0)
			return 1;
	return 0;
}

static int
read_one(const struct postfix_backup *backup, struct postfix_files *files,
    const char *name, struct err *err)
{
	char *before_path = mem_printf("%s/before", backup->path);
	char *after_path = mem_printf("%s/after", backup->path);
	char *before = NULL, *after = NULL;
	int rc = postfix_files_read(before_path, name, &before, err);

	if (rc == 0)
		rc = postfix_files_read(after_path, name, &after, err);
	postfix_files_add(files, name, before, after,
	    postfix_files_has_index(files->directory, name)
		? POSTFIX_FILES_PRIVATE | POSTFIX_FILES_INDEXED
		: 0);
	free(before_path);
	free(after_path);
	return rc;
}

static int
read_part(const struct postfix_backup *backup, const char *part,
    struct postfix_files *files, struct err *err)
{
	char *path = mem_printf("%s/%s", backup->path, part);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
		    strcmp(entry->d_name, "master.cf") != 0 &&
		    strcmp(entry->d_name, "main.cf") != 0 &&
		    !has_file(files, entry->d_name))
			rc = read_one(backup, files, entry->d_name, err);
	if (dir != NULL)
		closedir(dir);
	free(path);
	return rc;
}

int
postfix_backup_read(const struct postfix_backup *backup,
    const char *config_directory, struct postfix_files *files, struct err *err)
{
	postfix_files_init(files, config_directory);
	/* Tables first, main.cf last: see postfix_files.h. */
	if (read_part(backup, "before", files, err) != 0 ||
	    read_part(backup, "after", files, err) != 0 ||
	    read_one(backup, files, "master.cf", err) != 0)
		return -1;
	return read_one(backup, files, "main.cf", err);
}

/* --- what became of it ---------------------------------------------------- */

int
postfix_backup_done(struct postfix_backup *backup, struct err *err)
{
	char *done = mem_printf("%s/" DONE, backup->path);
	int rc = conf_write_file(done, "", 0, err);

	free(done);
	return rc;
}

int
postfix_backup_undone(struct postfix_backup *backup, struct err *err)
{
	char *path = mem_printf("%s" UNDONE, backup->path);
	int rc = rename(backup->path, path);

	if (rc == -1)
		err_errno(err, ERR_CONFIG, errno, "%s", path);
	free(path);
	return rc;
}

void
postfix_backup_clear(struct postfix_backup *backup)
{
	free(backup->path);
	memset(backup, 0, sizeof(*backup));
}
