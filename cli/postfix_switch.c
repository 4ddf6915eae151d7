/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_switch - from old files to new ones. See postfix_switch.h.
 */
#include "postfix_switch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"
#include "postfix_stage.h"
#include "verb.h"

/* conf_write's name for a file that is not whole yet. */
#define HALF ".postoak-new-??????"

static void
remove_half(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char *path;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		path = mem_printf("%s/%s", directory, entry->d_name);
		if (fnmatch(HALF, entry->d_name, 0) == 0)
			(void)unlink(path);
		else if (fnmatch(POSTFIX_STAGE_PATTERN, entry->d_name, 0) == 0)
			postfix_stage_remove(path);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
}

int
postfix_switch_lock(const char *config_directory, struct err *err)
{
	int fd = open(config_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s", config_directory);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		(void)close(fd);
		return err_set(err, ERR_TEMPORARY, "busy",
		    "another postoak changes %s at this moment",
		    config_directory);
	}
	remove_half(config_directory);
	return 0; /* closed, and so unlocked, at the end of the process */
}

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

void
postfix_switch_show(struct buf *out, const struct postfix_files *files)
{
	const struct postfix_files_item *item;
	size_t i;

	for (i = 0; i < files->count; i++) {
		item = &files->items[i];
		if (strcmp(item->name, "main.cf") == 0 ||
		    strcmp(item->name, "master.cf") == 0)
			continue;
		buf_addf(
		    out, "%s/%s\n    from  ", files->directory, item->name);
		if (item->before == NULL)
			buf_adds(out, "(not there)");
		else
			buf_addf(out, "%zu lines", count_lines(item->before));
		if (item->after == NULL)
			buf_adds(out, "\n      to  (goes away)\n");
		else
			buf_addf(out, "\n      to  %zu lines\n",
			    count_lines(item->after));
	}
}

int
postfix_switch_ask(const char *question, int yes)
{
	char answer[16];

	if (yes)
		return 1;
	if (!isatty(STDIN_FILENO)) {
		(void)verb_usage("mta",
		    "nobody is there to be asked; add --yes to change these "
		    "things");
		return -1;
	}
	printf("\n%s [y/N] ", question);
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) == NULL ||
	    (answer[0] != 'y' && answer[0] != 'Y')) {
		printf("Nothing was changed.\n");
		return 0;
	}
	return 1;
}

static int
run_postfix(const char *config_directory, const char *what, struct err *err)
{
	const char *argv[] = {"postfix", "-c", config_directory, what, NULL};

	return command_ask(argv, NULL, NULL, err);
}

int
postfix_switch_check(const char *config_directory, struct err *err)
{
	return run_postfix(config_directory, "check", err);
}

int
postfix_switch_over(const struct postfix_files *files, struct err *err)
{
	struct err first, second;

	err_clear(&first);
	err_clear(&second);
	if (postfix_files_put(files, &first) == 0 &&
	    postfix_switch_check(files->directory, &first) == 0)
		return 0;
	if (postfix_files_back(files, &second) == 0)
		return err_set(err, ERR_CONFIG, "check",
		    "the new settings do not work, and all is as it was "
		    "before: %s",
		    first.text);
	return err_set(err, ERR_CONFIG, "check",
	    "the new settings do not work (%s), and what was before is not "
	    "all back: %s; the files are below %s/postoak-backup",
	    first.text, second.text, files->directory);
}

int
postfix_switch_reload(const char *config_directory, struct err *err)
{
	if (run_postfix(config_directory, "status", NULL) != 0) {
		printf("Postfix does not run; start it when you are ready.\n");
		return 0;
	}
	if (run_postfix(config_directory, "reload", err) != 0)
		return -1;
	printf("Postfix was told to read its settings (postfix reload).\n");
	return 0;
}
