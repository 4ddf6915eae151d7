/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_files - files that change together. See postfix_files.h.
 */
#include "postfix_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "command.h"
#include "conf_write.h"
#include "mem.h"

#define FILE_MAX (64 * 1024 * 1024)

/* What postmap(1) makes, by the type of table. */
static const char *const indexes[] = {
    ".db", ".lmdb", ".cdb", ".sdbm", ".dir", ".pag"};

void
postfix_files_init(struct postfix_files *files, const char *directory)
{
	memset(files, 0, sizeof(*files));
	files->directory = mem_strdup(directory);
}

void
postfix_files_clear(struct postfix_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		free(files->items[i].name);
		free(files->items[i].before);
		free(files->items[i].after);
	}
	free(files->items);
	free(files->directory);
	memset(files, 0, sizeof(*files));
}

int
postfix_files_read(
    const char *directory, const char *name, char **text, struct err *err)
{
	char *path = mem_printf("%s/%s", directory, name);
	struct buf data;
	int rc = 0;

	*text = NULL;
	buf_init(&data, FILE_MAX);
	if (access(path, F_OK) == 0) {
		rc = conf_write_read(path, &data, err);
		if (rc == 0 && data.len > 0 &&
		    memchr(data.data, '\0', data.len) != NULL)
			rc = err_set(err, ERR_CONFIG, "nul",
			    "%s holds a NUL byte, so it is no text; correct it",
			    path);
		if (rc == 0)
			*text = buf_take(&data);
	}
	buf_clear(&data);
	free(path);
	return rc;
}

static int
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void
postfix_files_add(struct postfix_files *files, const char *name, char *before,
    char *after, int flags)
{
	struct postfix_files_item *item;

	files->items =
	    mem_grow(files->items, files->count + 1, sizeof(*files->items));
	item = &files->items[files->count++];
	item->name = mem_strdup(name);
	item->before = before;
	item->after = after;
	item->flags = flags;
}

/* --- tables with an index ------------------------------------------------- */

static int
make_index(const struct postfix_files *files, const char *path, struct err *err)
{
	const char *argv[] = {"postmap", "-c", files->directory, path, NULL};

	return command_ask(argv, NULL, NULL, err);
}

int
postfix_files_has_index(const char *directory, const char *name)
{
	size_t i;
	char *index;
	int found = 0;

	for (i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		index = mem_printf("%s/%s%s", directory, name, indexes[i]);
		found = found || access(index, F_OK) == 0;
		free(index);
	}
	return found;
}

static int
remove_index(const char *path, struct err *err)
{
	size_t i;
	char *index;
	int rc = 0;

	for (i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		index = mem_printf("%s%s", path, indexes[i]);
		if (unlink(index) == -1 && errno != ENOENT)
			rc = err_errno(err, ERR_CONFIG, errno, "%s", index);
		free(index);
	}
	return rc;
}

/* --- one file ------------------------------------------------------------- */

static int
write_file(const struct postfix_files *files,
    const struct postfix_files_item *item, const char *path, const char *text,
    struct err *err)
{
	int rc, has_index = item->flags & POSTFIX_FILES_INDEXED;

	if (text == NULL) {
		if (has_index && remove_index(path, err) != 0)
			return -1;
		if (unlink(path) == -1 && errno != ENOENT)
			return err_errno(err, ERR_CONFIG, errno,
			    "%s cannot be removed", path);
		return 0;
	}
	rc = item->flags & POSTFIX_FILES_PRIVATE
		 ? conf_write_secret(path, text, strlen(text), err)
		 : conf_write_file(path, text, strlen(text), err);
	return rc == 0 && has_index ? make_index(files, path, err) : rc;
}

static int
change_one(const struct postfix_files *files,
    const struct postfix_files_item *item, const char *from, const char *to,
    struct err *err)
{
	char *path = mem_printf("%s/%s", files->directory, item->name);
	char *now = NULL;
	int rc = postfix_files_read(files->directory, item->name, &now, err);

	if (rc == 0 && is_same(now, to) &&
	    !(item->flags & POSTFIX_FILES_INDEXED))
		rc = 0; /* it is so already; an index may be older */
	else if (rc == 0 && !is_same(now, from) && !is_same(now, to))
		rc = err_set(err, ERR_TEMPORARY, "changed",
		    "%s was changed by somebody else at this moment; it stays "
		    "as it is. Run this again",
		    path);
	else if (rc == 0)
		rc = write_file(files, item, path, to, err);
	free(now);
	free(path);
	return rc;
}

int
postfix_files_put(const struct postfix_files *files, struct err *err)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (change_one(files, &files->items[i], files->items[i].before,
			files->items[i].after, err) != 0)
			return -1;
	return 0;
}

/* All of them, whatever becomes of one. */
int
postfix_files_back(const struct postfix_files *files, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = files->count; i-- > 0;)
		if (change_one(files, &files->items[i], files->items[i].after,
			files->items[i].before, err) != 0)
			rc = -1;
	return rc;
}
