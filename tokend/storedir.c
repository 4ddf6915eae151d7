/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storedir - the directory of the token store. See storedir.h.
 */
#define _GNU_SOURCE
#include "storedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

static DIR *
list(int store)
{
	int fd = openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;

	if (fd != -1 && dir == NULL)
		close(fd);
	return dir;
}

static int
is_temporary(const char *name)
{
	return strncmp(name, STOREDIR_TEMP, sizeof(STOREDIR_TEMP) - 1) == 0;
}

/* Left by a process that died while it wrote. Counts the sealed files. */
size_t
storedir_sweep(int store)
{
	struct dirent *entry;
	size_t sealed = 0;
	DIR *dir = list(store);

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (is_temporary(entry->d_name))
			unlinkat(store, entry->d_name, 0);
		else if (entry->d_name[0] != '.')
			sealed++;
	if (dir != NULL)
		closedir(dir);
	return sealed;
}

/* --- rights ----------------------------------------------------------------
 */

static int
check_rights(const char *path, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_errno(err, ERR_CONFIG, errno, "store %s", path);
	if ((st.st_mode & 077) != 0)
		return err_set(err, ERR_CONFIG, "store",
		    "others than its owner have rights on the store %s (mode "
		    "%04o); chmod 0700 %s",
		    path, (unsigned int)st.st_mode & 07777, path);
	if (st.st_uid != geteuid() && geteuid() != 0)
		return err_set(err, ERR_CONFIG, "store",
		    "the store %s belongs to uid %u, this program runs as uid "
		    "%u; chown it",
		    path, (unsigned int)st.st_uid, (unsigned int)geteuid());
	return 0;
}

/* A link may be turned to another place by who owns the directory it is in. */
static int
cannot_open(const char *path, int errnum, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(err, ERR_CONFIG, "store",
		    "the store %s is a symbolic link; set store to the "
		    "directory itself",
		    path);
	if (errnum == ENOTDIR)
		return err_set(err, ERR_CONFIG, "store",
		    "the store %s is no directory; move it away, or set store "
		    "to another path",
		    path);
	if (errnum == EACCES)
		return err_set(err, ERR_CONFIG, "store",
		    "the store %s cannot be opened by uid %u, which this "
		    "program runs as; chown it to that user and chmod 0700 it",
		    path, (unsigned int)geteuid());
	return err_errno(err, ERR_CONFIG, errnum,
	    "the store %s cannot be opened; its parent directory must be there "
	    "and belong to this user",
	    path);
}

int
storedir_open(const char *path, struct err *err)
{
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return cannot_open(path, errno, err);
	if (check_rights(path, fd, err) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* How many names in the store are this file: a crash may leave two. */
static size_t
names_of(int store, const struct stat *file)
{
	struct dirent *entry;
	size_t names = 0;
	DIR *dir = list(store);

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		names += entry->d_ino == file->st_ino;
	if (dir != NULL)
		closedir(dir);
	return names;
}

static int
inspect(
    int store, uid_t owner, const char *path, const char *name, struct err *err)
{
	struct stat st;

	/* It may have gone meanwhile: -t looks while the daemon runs. */
	if (fstatat(store, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (st.st_uid != owner)
		return err_set(err, ERR_CONFIG, "store",
		    "the stored credential %s/%s belongs to uid %u, the store "
		    "to uid %u; chown it to that user",
		    path, name, (unsigned int)st.st_uid, (unsigned int)owner);
	if ((st.st_mode & 077) != 0)
		return err_set(err, ERR_CONFIG, "store",
		    "others than its owner have rights on the stored "
		    "credential %s/%s (mode %04o); chmod 0600 %s/%s",
		    path, name, (unsigned int)st.st_mode & 07777, path, name);
	if (st.st_nlink > 1 && st.st_nlink > names_of(store, &st))
		return err_set(err, ERR_CONFIG, "store",
		    "the stored credential %s/%s has a hard link outside the "
		    "store; make it a file of its own: cp -p %s/%s %s/tmp.own "
		    "&& mv %s/tmp.own %s/%s",
		    path, name, path, name, path, path, path, name);
	return 0;
}

int
storedir_inspect(int store, const char *path, struct err *err)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir = fstat(store, &st) == 0 ? list(store) : NULL;
	int rc = 0;

	if (dir == NULL)
		return err_errno(err, ERR_CONFIG, errno,
		    "the store %s cannot be read", path);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (!is_temporary(entry->d_name))
			rc =
			    inspect(store, st.st_uid, path, entry->d_name, err);
	closedir(dir);
	return rc;
}

int
storedir_check_parent(const char *directory, struct err *err)
{
	char *parent = mem_strdup(directory);
	char *slash = strrchr(parent, '/');
	struct stat st;
	int rc;

	if (slash != NULL)
		slash[slash == parent] = '\0';
	rc = slash == NULL ? 0 : stat(parent, &st);
	if (rc == -1)
		err_set(err, ERR_CONFIG, "store",
		    "the store %s cannot be made: there is no directory %s; "
		    "make it",
		    directory, parent);
	free(parent);
	return rc;
}
