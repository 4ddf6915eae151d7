/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_stage - changes tried on copies. See postfix_stage.h.
 */
#include "postfix_stage.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "conf_write.h"
#include "mem.h"
#include "postfix_files.h"

#define STAGE_MAX (64 * 1024 * 1024)

/* The arguments of one call of postconf. */
struct call {
	char **argv;
	size_t count;
};

static void
add_argument(struct call *call, char *text)
{
	call->argv = mem_grow(call->argv, call->count + 2, sizeof(*call->argv));
	call->argv[call->count++] = text;
	call->argv[call->count] = NULL;
}

static void
clear_call(struct call *call)
{
	size_t i;

	for (i = 0; i < call->count; i++)
		free(call->argv[i]);
	free(call->argv);
}

/* Which option of postconf makes which change: sets something, or removes it.
 */
static const struct {
	const char *option;
	enum postfix_change_kind kind;
	int sets;
} makers[] = {
    /* A service is there before it gets its options. */
    {"-MX", POSTFIX_CHANGE_SERVICE, 0},
    {"-M", POSTFIX_CHANGE_SERVICE, 1},
    {"-F", POSTFIX_CHANGE_CHROOT, 1},
    {"-PX", POSTFIX_CHANGE_OPTION, 0},
    {"-P", POSTFIX_CHANGE_OPTION, 1},
    {"-X", POSTFIX_CHANGE_MAIN, 0},
    {"-e", POSTFIX_CHANGE_MAIN, 1},
};

#define N_MAKERS (sizeof(makers) / sizeof(makers[0]))

static char *
argument(const struct postfix_change *change)
{
	const char *service = change->service, *to = change->to;

	switch (change->kind) {
	case POSTFIX_CHANGE_MAIN:
		return to != NULL ? mem_printf("%s=%s", change->name, to)
				  : mem_strdup(change->name);
	case POSTFIX_CHANGE_SERVICE:
		return to != NULL
			   ? mem_printf("%s/unix=%s unix - - %s - - smtp",
				 service, service, to)
			   : mem_printf("%s/unix", service);
	case POSTFIX_CHANGE_CHROOT:
		return mem_printf("%s/unix/chroot=%s", service, to);
	case POSTFIX_CHANGE_OPTION:
		return mem_printf("%s/unix/%s%s%s", service, change->name,
		    to != NULL ? "=" : "", to != NULL ? to : "");
	case POSTFIX_CHANGE_KEPT:
		break;
	}
	return mem_strdup("");
}

/* 1 if a line of text sets the parameter. */
static int
has_parameter(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = text; (p = strstr(p, name)) != NULL; p += len)
		if ((p == text || p[-1] == '\n') &&
		    strchr(" \t=", p[len]) != NULL)
			return 1;
	return 0;
}

/* New parameters are appended: postconf has no order for them. */
static int
is_new(const struct postfix_stage *stage, const struct postfix_change *change)
{
	return change->kind == POSTFIX_CHANGE_MAIN && change->from == NULL &&
	       !has_parameter(stage->main_before, change->name);
}

static int
run_maker(const struct postfix_stage *stage, const char *directory,
    size_t maker, const struct postfix_changes *changes, struct err *err)
{
	const struct postfix_change *change;
	struct call call = {NULL, 0};
	size_t i, fixed;
	int rc = 0;

	add_argument(&call, mem_strdup("postconf"));
	add_argument(&call, mem_strdup("-c"));
	add_argument(&call, mem_strdup(directory));
	add_argument(&call, mem_strdup(makers[maker].option));
	fixed = call.count;
	for (i = 0; i < changes->count; i++) {
		change = &changes->items[i];
		if (change->kind == makers[maker].kind &&
		    (change->to != NULL) == makers[maker].sets &&
		    !is_new(stage, change))
			add_argument(&call, argument(change));
	}
	if (call.count > fixed)
		rc = command_ask(
		    (const char *const *)call.argv, NULL, NULL, err);
	clear_call(&call);
	return rc;
}

static int
copy_in(
    const char *directory, const char *name, const char *text, struct err *err)
{
	char *path = mem_printf("%s/%s", directory, name);
	int rc = conf_write_file(path, text, strlen(text), err);

	free(path);
	return rc;
}

/* Copies, and what postconf or conf_write leave beside them when killed. */
void
postfix_stage_remove(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *name;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		name = mem_printf("%s/%s", path, entry->d_name);
		(void)unlink(name);
		free(name);
	}
	if (dir != NULL)
		closedir(dir);
	(void)rmdir(path);
}

/* New ones go to the end in our order. */
static int
append_new(struct postfix_stage *stage, const struct postfix_changes *changes,
    struct err *err)
{
	const struct postfix_change *change;
	struct buf text;
	size_t i;

	buf_init(&text, STAGE_MAX);
	buf_adds(&text, stage->main_after);
	if (text.len > 0 && text.data[text.len - 1] != '\n')
		buf_adds(&text, "\n");
	for (i = 0; i < changes->count; i++) {
		change = &changes->items[i];
		if (is_new(stage, change))
			buf_addf(&text, "%s = %s\n", change->name, change->to);
	}
	free(stage->main_after);
	stage->main_after = NULL;
	if (text.truncated) {
		buf_clear(&text);
		return err_set(
		    err, ERR_CONFIG, "size", "main.cf would be too large");
	}
	stage->main_after = buf_take(&text);
	return 0;
}

static int
edit(struct postfix_stage *stage, const char *directory,
    const struct postfix_changes *changes, struct err *err)
{
	size_t i;

	if (copy_in(directory, "main.cf", stage->main_before, err) != 0 ||
	    copy_in(directory, "master.cf", stage->master_before, err) != 0)
		return -1;
	for (i = 0; i < N_MAKERS; i++)
		if (run_maker(stage, directory, i, changes, err) != 0)
			return -1;
	if (postfix_files_read(directory, "main.cf", &stage->main_after, err) !=
		0 ||
	    append_new(stage, changes, err) != 0)
		return -1;
	return postfix_files_read(
	    directory, "master.cf", &stage->master_after, err);
}

static int
read_both(struct postfix_stage *stage, const char *directory, struct err *err)
{
	if (postfix_files_read(
		directory, "main.cf", &stage->main_before, err) != 0 ||
	    postfix_files_read(
		directory, "master.cf", &stage->master_before, err) != 0)
		return -1;
	if (stage->main_before == NULL || stage->master_before == NULL)
		return err_set(err, ERR_CONFIG, "postfix",
		    "%s has no main.cf and master.cf; is --config-directory "
		    "right?",
		    directory);
	return 0;
}

int
postfix_stage_make(struct postfix_stage *stage, const char *config_directory,
    const struct postfix_changes *changes, struct err *err)
{
	char *directory;
	int rc;

	memset(stage, 0, sizeof(*stage));
	if (read_both(stage, config_directory, err) != 0)
		return -1;
	directory = mem_printf("%s/.postoak-stage-XXXXXX", config_directory);
	if (mkdtemp(directory) == NULL) {
		rc = err_errno(err, ERR_CONFIG, errno,
		    "%s cannot be written; run this as root", config_directory);
	} else {
		rc = edit(stage, directory, changes, err);
		postfix_stage_remove(directory);
	}
	free(directory);
	return rc;
}

void
postfix_stage_clear(struct postfix_stage *stage)
{
	free(stage->main_before);
	free(stage->main_after);
	free(stage->master_before);
	free(stage->master_after);
	memset(stage, 0, sizeof(*stage));
}
