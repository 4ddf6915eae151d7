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

/* Left by a process that died while it wrote. Counts the sealed files. */
size_t
storedir_sweep(int store)
{
	struct dirent *entry;
	size_t sealed = 0;
	DIR *dir;
	int fd;

	fd = openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, STOREDIR_TEMP,
			sizeof(STOREDIR_TEMP) - 1) == 0)
			unlinkat(store, entry->d_name, 0);
		else if (entry->d_name[0] != '.')
			sealed++;
	closedir(dir);
	return sealed;
}

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

int
storedir_open(const char *path, struct err *err)
{
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return err_errno(err, ERR_CONFIG, errno,
		    "the store %s cannot be opened; its parent directory must "
		    "be there and belong to this user",
		    path);
	if (check_rights(path, fd, err) == -1) {
		close(fd);
		return -1;
	}
	return fd;
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
