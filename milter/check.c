/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - see check.h.
 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "secretfile.h"

/* One option and the directory it means. */
struct place {
	const char *file; /* the configuration */
	const char *option;
	const char *path;
	struct err *err;
};

static int
refuse(const struct place *place, const char *problem, const char *remedy)
{
	return err_set(place->err, ERR_CONFIG, "directory",
	    "%s: milter: %s: %s %s; %s", place->file, place->option,
	    place->path, problem, remedy);
}

static int
check_writable(const struct place *place, struct stat *st)
{
	if (stat(place->path, st) < 0)
		return refuse(place, strerror(errno),
		    "make the directory (systemd-tmpfiles --create does for "
		    "the default) and give it to the milter's user");
	if (!S_ISDIR(st->st_mode))
		return refuse(place, "is no directory", "name another one");
	if (access(place->path, W_OK | X_OK) < 0)
		return refuse(place, "cannot be written to by this user",
		    "run this as the milter's user, or chown the directory to "
		    "it");
	return 0;
}

static int
check_counters(struct place *place, const struct conf_milter *milter)
{
	struct secret password = SECRET_INIT;
	int shared = strncmp(milter->counters, "lmdb:", 5) != 0;
	struct stat st;

	place->option = shared ? "counters_local" : "counters";
	place->path = shared ? milter->counters_local : milter->counters + 5;
	if (milter->counters_password_file != NULL) {
		if (secretfile_read(milter->counters_password_file, &password,
			place->err) < 0)
			return -1;
		secret_clear(&password);
	}
	if (check_writable(place, &st) < 0)
		return -1;
	if ((st.st_mode & 077) != 0)
		return refuse(place,
		    "can be read by others, and tells who sends how much",
		    "chmod 0700 it");
	return 0;
}

static int
check_socket(struct place *place, const char *option, const char *socket)
{
	struct stat st;
	char *directory = mem_strdup(socket);
	char *slash = strrchr(directory, '/');
	int rc;

	/* The root directory keeps its slash. */
	if (slash != NULL)
		slash[slash == directory] = '\0';
	place->option = option;
	place->path = directory;
	rc = check_writable(place, &st);
	free(directory);
	return rc;
}

int
check_directories(const struct conf *conf, struct err *err)
{
	const struct conf_milter *milter = &conf->milter;
	struct place place = {.file = conf->path, .err = err};

	if (check_counters(&place, milter) < 0)
		return -1;
	if (strncmp(milter->listen, "unix:", 5) == 0 &&
	    check_socket(&place, "listen", milter->listen + 5) < 0)
		return -1;
	return check_socket(&place, "control", milter->control);
}
