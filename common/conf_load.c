/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_load - the way from files to a struct conf. See conf.h.
 *
 * conf_text makes a file plain, conf_parse cuts it into sections by the tables
 * of conf_table (conf_value checks, conf_take stores), this file gathers the
 * sections of all files, conf_check completes them.
 */
#include "conf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_check.h"
#include "conf_error.h"
#include "conf_index.h"
#include "conf_inside.h"
#include "conf_parse.h"
#include "conf_take.h"
#include "mem.h"

#define INCLUDES_MAX 1000
#define ACCOUNTS_MAX 1000000
#define ACCOUNT_FILE_SUFFIX ".conf"

/* The first of something that may stand once. */
struct once {
	struct conf_source source;
	int seen;
};

/* Everything while it is loaded. */
struct loader {
	struct conf *conf;
	char *dir;
	struct conf_source *account_sources; /* one an account */
	char **account_applications;	     /* names, one an account */
	struct conf_source *application_sources;
	struct once tokend;
	struct once milter;
	const char *text; /* of the main file; NULL: it is read */
	char *accounts_directory;
	struct conf_where accounts_directory_where;
	struct conf_where *queue_from;
	struct conf_index *queued;
};

/* libconfuse has one lexer for the whole program. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Make room for one more at the end of an array that has count of them. */
static void *
room(void *array, size_t count, size_t size)
{
	/* Grow at each power of two. */
	if ((count & (count - 1)) == 0)
		array = mem_grow(array, count > 0 ? count * 2 : 1, size);
	memset((char *)array + count * size, 0, size);
	return array;
}

/* --- the queue of files -------------------------------------------------- */

/* path is taken. from says who named it; its line is 0 for the main file. */
static int
enqueue(struct loader *loader, char *path, const struct conf_where *from,
    struct err *err)
{
	struct conf_list *files = &loader->conf->inside->files;
	size_t first;

	if (conf_index_find(loader->queued, path, &first)) {
		conf_error_at(err, from->file, from->line,
		    "%s is read already, named in %s:%d; delete one", path,
		    loader->queue_from[first].file,
		    loader->queue_from[first].line);
		free(path);
		return -1;
	}
	loader->queue_from =
	    room(loader->queue_from, files->count, sizeof(*loader->queue_from));
	files->items = room(files->items, files->count, sizeof(*files->items));
	loader->queue_from[files->count] = *from;
	files->items[files->count] = path;
	conf_index_add(loader->queued, path, files->count);
	files->count++;
	return 0;
}

static int
on_include(void *arg, const char *name, const struct conf_where *where,
    struct err *err)
{
	struct loader *loader = arg;
	struct conf_value value = {.text = name, .dir = loader->dir};

	if (conf_value_path(&value) == -1)
		return conf_error_at(err, where->file, where->line,
		    "include(\"%.100s\") %s", name, value.problem);
	if (loader->conf->inside->files.count >= INCLUDES_MAX)
		return conf_error_at(err, where->file, where->line,
		    "more than %d files are included; use accounts_directory",
		    INCLUDES_MAX);
	return enqueue(
	    loader, conf_take_absolute(loader->dir, name), where, err);
}

/* Files whose names end in ".conf"; hidden ones and editors' copies do not
 * count. */
static int
is_account_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	size_t suffix = strlen(ACCOUNT_FILE_SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       strcmp(entry->d_name + len - suffix, ACCOUNT_FILE_SUFFIX) == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
enqueue_accounts(struct loader *loader, struct err *err)
{
	const struct conf_where *where = &loader->accounts_directory_where;
	struct dirent **entries = NULL;
	int count, i;
	int ret = 0;

	if (loader->accounts_directory == NULL)
		return 0;
	count = scandir(
	    loader->accounts_directory, &entries, is_account_file, by_name);
	if (count == -1)
		return err_set(err, ERR_CONFIG, "accounts_directory",
		    "%s:%d: accounts_directory = \"%.120s\" cannot be read "
		    "(%s); "
		    "make it, or delete the line",
		    where->file, where->line, loader->accounts_directory,
		    strerror(errno));
	for (i = 0; i < count; i++) {
		if (ret == 0)
			ret = enqueue(loader,
			    conf_take_absolute(
				loader->accounts_directory, entries[i]->d_name),
			    where, err);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

/* --- sections as they come ----------------------------------------------- */

static int
take_top(struct loader *loader, struct conf_top *top,
    const struct conf_source *source, struct err *err)
{
	if (top->accounts_directory == NULL)
		return 0;
	if (loader->accounts_directory != NULL) {
		free(top->accounts_directory);
		return conf_error_at(err, source->file, source->lines[0],
		    "accounts_directory stands a second time; the first is at "
		    "%s:%d, delete one",
		    loader->accounts_directory_where.file,
		    loader->accounts_directory_where.line);
	}
	loader->accounts_directory = top->accounts_directory;
	loader->accounts_directory_where.file = source->file;
	loader->accounts_directory_where.line = source->lines[0];
	return 0;
}

/* A section that may stand once: data goes to target. */
static int
take_once(struct once *once, enum conf_section_id id, void *data, void *target,
    size_t size, const struct conf_source *source, struct err *err)
{
	if (once->seen) {
		conf_table_free(id, data);
		return conf_error_at(err, source->file, source->line,
		    "section %s stands a second time; the first is at %s:%d, "
		    "put all into one",
		    conf_table_section(id)->name, once->source.file,
		    once->source.line);
	}
	once->seen = 1;
	once->source = *source;
	memcpy(target, data, size);
	return 0;
}

static int
refuse_second(enum conf_section_id id, const char *title,
    const struct conf_source *first, const struct conf_source *source,
    struct err *err)
{
	return conf_error_at(err, source->file, source->line,
	    "%s \"%s\" stands a second time (large and small letters are the "
	    "same); the first is at %s:%d, delete or rename one",
	    conf_table_section(id)->name, title, first->file, first->line);
}

static int
take_application(struct loader *loader, const char *title,
    struct conf_application *data, const struct conf_source *source,
    struct err *err)
{
	struct conf *conf = loader->conf;
	size_t n = conf->application_count;
	size_t first;

	conf->applications =
	    room(conf->applications, n, sizeof(*conf->applications));
	loader->application_sources = room(loader->application_sources, n,
	    sizeof(*loader->application_sources));
	conf->applications[n] = *data;
	conf->applications[n].name = mem_strdup(title);
	loader->application_sources[n] = *source;
	conf->application_count++;
	if (conf_check_title(CONF_SECTION_APPLICATION, title, source, err) ==
	    -1)
		return -1;
	if (conf_index_find(conf->inside->applications, title, &first))
		return refuse_second(CONF_SECTION_APPLICATION, title,
		    &loader->application_sources[first], source, err);
	return conf_index_add(
	    conf->inside->applications, conf->applications[n].name, n);
}

static int
take_account(struct loader *loader, const char *title,
    struct conf_account_draft *data, const struct conf_source *source,
    struct err *err)
{
	struct conf *conf = loader->conf;
	size_t n = conf->account_count;
	size_t first;

	conf->accounts = room(conf->accounts, n, sizeof(*conf->accounts));
	loader->account_sources =
	    room(loader->account_sources, n, sizeof(*loader->account_sources));
	loader->account_applications = room(loader->account_applications, n,
	    sizeof(*loader->account_applications));
	conf->accounts[n] = data->account;
	conf->accounts[n].name = mem_strdup(title);
	loader->account_sources[n] = *source;
	loader->account_applications[n] = data->application;
	conf->account_count++;
	if (n == ACCOUNTS_MAX)
		return conf_error_at(err, source->file, source->line,
		    "more than %d accounts", ACCOUNTS_MAX);
	if (conf_check_title(CONF_SECTION_ACCOUNT, title, source, err) == -1)
		return -1;
	if (conf_index_find(conf->inside->accounts, title, &first))
		return refuse_second(CONF_SECTION_ACCOUNT, title,
		    &loader->account_sources[first], source, err);
	return conf_index_add(
	    conf->inside->accounts, conf->accounts[n].name, n);
}

static int
on_section(void *arg, enum conf_section_id id, const char *title, void *data,
    const struct conf_source *source, struct err *err)
{
	struct loader *loader = arg;
	struct conf *conf = loader->conf;

	switch (id) {
	case CONF_SECTION_TOKEND:
		return take_once(&loader->tokend, id, data, &conf->tokend,
		    sizeof(conf->tokend), source, err);
	case CONF_SECTION_MILTER:
		return take_once(&loader->milter, id, data, &conf->milter,
		    sizeof(conf->milter), source, err);
	case CONF_SECTION_APPLICATION:
		return take_application(loader, title, data, source, err);
	case CONF_SECTION_ACCOUNT:
		return take_account(loader, title, data, source, err);
	case CONF_SECTION_TOP:
	case CONF_SECTION_COUNT:
		break;
	}
	return take_top(loader, data, source, err);
}

/* --- the whole ----------------------------------------------------------- */

/* An included file that is missing is the including line's fault. */
static int
parse_one(struct loader *loader, size_t n, struct err *err)
{
	const struct conf_sink sink = {
	    loader, loader->dir, on_section, on_include};
	const char *path = loader->conf->inside->files.items[n];
	struct conf_where from = loader->queue_from[n];

	if (from.line > 0 && access(path, R_OK) == -1)
		return err_errno(err, ERR_CONFIG, errno,
		    "%s:%d: %s cannot be read", from.file, from.line, path);
	return conf_parse_file(path, n == 0 ? loader->text : NULL, &sink, err);
}

static int
parse_all(struct loader *loader, struct err *err)
{
	const struct conf_where nowhere = {loader->conf->path, 0};
	struct conf_list *files = &loader->conf->inside->files;
	size_t n;

	if (enqueue(loader, mem_strdup(loader->conf->path), &nowhere, err) ==
	    -1)
		return -1;
	for (n = 0; n < files->count; n++)
		if (parse_one(loader, n, err) == -1)
			return -1;
	if (enqueue_accounts(loader, err) == -1)
		return -1;
	for (; n < files->count; n++)
		if (parse_one(loader, n, err) == -1)
			return -1;
	return 0;
}

/* The application an account names, or the only one there is. */
static int
resolve(struct loader *loader, size_t n, struct err *err)
{
	struct conf *conf = loader->conf;
	const struct conf_source *source = &loader->account_sources[n];
	const char *name = loader->account_applications[n];
	size_t number = 0;
	int index;

	if (name == NULL && conf->application_count != 1)
		return conf_error_at(err, source->file, source->line,
		    "account \"%.100s\": application is missing; write the "
		    "name of %s",
		    conf->accounts[n].name,
		    conf->application_count == 0
			? "an application section, there is none yet"
			: "one of the application sections");
	if (name != NULL &&
	    !conf_index_find(conf->inside->applications, name, &number)) {
		index = conf_table_index(
		    conf_table_section(CONF_SECTION_ACCOUNT), "application");
		return conf_error_at(err, source->file, source->lines[index],
		    "account \"%.100s\": application = \"%.100s\" does not "
		    "exist; write application \"%.100s\" { ... } or the name "
		    "of one that does",
		    conf->accounts[n].name, name, name);
	}
	conf->accounts[n].application = &conf->applications[number];
	return 0;
}

static int
check_all(struct loader *loader, struct err *err)
{
	struct conf *conf = loader->conf;
	size_t i;

	for (i = 0; i < conf->application_count; i++)
		if (conf_check_application(&conf->applications[i],
			&loader->application_sources[i], err) == -1)
			return -1;
	for (i = 0; i < conf->account_count; i++)
		if (resolve(loader, i, err) == -1 ||
		    conf_check_account(&conf->accounts[i],
			&loader->account_sources[i], err) == -1)
			return -1;
	if (conf_check_routes(conf, loader->account_sources, err) == -1 ||
	    conf_check_tokend(
		&conf->tokend, loader->dir, &loader->tokend.source, err) == -1)
		return -1;
	return conf_check_milter(
	    conf, &conf->milter, &loader->milter.source, err);
}

/* The absolute path as written: a link to the file stays its name. */
static char *
absolute_path(const char *path)
{
	char dir[PATH_MAX];

	if (path[0] == '/' || getcwd(dir, sizeof(dir)) == NULL)
		return mem_strdup(path);
	return conf_take_absolute(dir, path);
}

static void
loader_open(struct loader *loader, const char *path)
{
	struct conf *conf = mem_zalloc(1, sizeof(*conf));
	const char *slash;

	memset(loader, 0, sizeof(*loader));
	loader->conf = conf;
	conf->inside = mem_zalloc(1, sizeof(*conf->inside));
	conf->inside->accounts = conf_index_new();
	conf->inside->applications = conf_index_new();
	conf->path = absolute_path(path);
	slash = strrchr(conf->path, '/');
	loader->dir = slash == NULL	    ? mem_strdup(".")
		      : slash == conf->path ? mem_strdup("/")
					    : mem_strndup(conf->path,
						  (size_t)(slash - conf->path));
	loader->queued = conf_index_new();
}

static void
loader_close(struct loader *loader)
{
	size_t i;

	for (i = 0; i < loader->conf->account_count; i++)
		free(loader->account_applications[i]);
	free(loader->account_applications);
	free(loader->account_sources);
	free(loader->application_sources);
	free(loader->accounts_directory);
	free(loader->queue_from);
	free(loader->dir);
	conf_index_free(loader->queued);
}

struct conf *
conf_load(const char *path, struct err *err)
{
	return conf_load_text(path, NULL, err);
}

struct conf *
conf_load_text(const char *path, const char *text, struct err *err)
{
	struct loader loader;
	int ret;

	pthread_mutex_lock(&lock);
	loader_open(&loader, path);
	loader.text = text;
	ret = parse_all(&loader, err);
	if (ret == 0)
		ret = check_all(&loader, err);
	loader_close(&loader);
	pthread_mutex_unlock(&lock);
	if (ret == -1) {
		conf_free(loader.conf);
		return NULL;
	}
	return loader.conf;
}
