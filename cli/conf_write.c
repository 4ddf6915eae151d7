/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_write - files written whole or not at all. See conf_write.h.
 */
#define _GNU_SOURCE /* mkostemp */
#include "conf_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_text.h"
#include "mem.h"

#define DAEMON_USER "postoak"

/* How a file is to be. */
struct rights {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

int
conf_write_read(const char *path, struct buf *text, struct err *err)
{
	struct conf_text file;
	int rc = 0;

	if (access(path, F_OK) == -1 && errno == ENOENT)
		return 0;
	if (conf_text_read(&file, path, err) == -1)
		rc = -1;
	else if (buf_add(text, file.data, file.len) == -1)
		rc = err_set(err, ERR_CONFIG, "file", "%s: is too large", path);
	conf_text_clear(&file);
	return rc;
}

/* The directory a path is in, to be freed. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/")
			     : mem_strndup(path, (size_t)(slash - path));
}

/* --- one file ------------------------------------------------------------- */

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Who may not give files away (not root) keeps them as his own. */
static int
set_rights(int fd, const struct rights *rights)
{
	if (fchown(fd, rights->uid, rights->gid) == -1 &&
	    (errno != EPERM || geteuid() == 0))
		return -1;
	return fchmod(fd, rights->mode);
}

static int
sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd != -1 ? fsync(fd) : -1;

	if (fd != -1)
		close(fd);
	return rc;
}

/* name is a template of mkostemp in dir. */
static int
write_beside(const char *path, const char *dir, char *name, const char *data,
    size_t len, const struct rights *rights)
{
	int fd = mkostemp(name, O_CLOEXEC), rc, errnum;

	if (fd == -1)
		return -1;
	rc = set_rights(fd, rights);
	if (rc == 0)
		rc = write_all(fd, data, len);
	if (rc == 0)
		rc = fsync(fd);
	if (close(fd) == -1)
		rc = -1;
	if (rc == 0)
		rc = rename(name, path);
	if (rc == 0)
		return sync_directory(dir);
	errnum = errno;
	(void)unlink(name);
	errno = errnum;
	return -1;
}

static int
replace(const char *path, const char *data, size_t len,
    const struct rights *rights, struct err *err)
{
	char *dir = directory_of(path), *name;
	int rc;

	/* A leading dot: what is left after a crash is no account's file. */
	name = mem_printf("%s/.postoak-new-XXXXXX", dir);
	rc = write_beside(path, dir, name, data, len, rights);
	if (rc == -1)
		err_errno(err, ERR_CONFIG, errno,
		    "%s cannot be written, and is as it was", path);
	free(name);
	free(dir);
	return rc;
}

static int
cannot_make(const char *dir, struct err *err)
{
	return err_errno(
	    err, ERR_CONFIG, errno, "the directory %s cannot be made", dir);
}

/* A link of somebody else's in a directory of his would lead root anywhere. */
static int
is_foreign_link(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1 || !S_ISLNK(st.st_mode) || st.st_uid == 0 ||
	    st.st_uid == geteuid())
		return 0;
	(void)err_set(err, ERR_CONFIG, "link",
	    "%s is a symbolic link that user %ld made; it is not followed: "
	    "name the file itself",
	    path, (long)st.st_uid);
	return 1;
}

/* --- the configuration ---------------------------------------------------- */

static int
make_directory(const char *path, struct err *err)
{
	char *dir = directory_of(path);
	int rc = 0;

	/* The daemons read it, whatever the administrator's umask is. */
	if (mkdir(dir, 0755) == 0 ? chmod(dir, 0755) == -1 : errno != EEXIST)
		rc = cannot_make(dir, err);
	free(dir);
	return rc;
}

int
conf_write_file(const char *path, const char *data, size_t len, struct err *err)
{
	struct rights rights = {0644, geteuid(), getegid()};
	char *target;
	struct stat st;
	int rc;

	if (is_foreign_link(path, err))
		return -1;
	target = realpath(path, NULL);
	if (target != NULL && stat(target, &st) == 0) {
		rights.mode = st.st_mode & 0777;
		rights.uid = st.st_uid;
		rights.gid = st.st_gid;
	}
	rc = target == NULL ? make_directory(path, err) : 0;
	if (rc == 0)
		rc = replace(
		    target != NULL ? target : path, data, len, &rights, err);
	free(target);
	return rc;
}

/* --- secrets -------------------------------------------------------------- */

/* Made as tmpfiles.d would: of the daemon's user, for nobody else. */
static int
make_secret_directory(const char *dir, struct err *err)
{
	const struct passwd *user = getpwnam(DAEMON_USER);
	int fd, rc;

	if (mkdir(dir, 0700) == -1)
		return errno == EEXIST ? 0 : cannot_make(dir, err);
	if (user == NULL || geteuid() != 0)
		return 0;
	/* It, and nothing that was put in its place meanwhile. */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = fd != -1 ? fchown(fd, user->pw_uid, user->pw_gid) : -1;
	if (rc == -1)
		(void)cannot_make(dir, err);
	if (fd != -1)
		close(fd);
	return rc;
}

int
conf_write_secret(
    const char *path, const char *data, size_t len, struct err *err)
{
	struct rights rights = {0600, geteuid(), getegid()};
	char *dir = directory_of(path);
	struct stat st;
	int rc = make_secret_directory(dir, err);

	if (rc == 0 && stat(dir, &st) == -1)
		rc = err_errno(err, ERR_CONFIG, errno, "%s", dir);
	if (rc == 0) {
		rights.uid = st.st_uid;
		rights.gid = st.st_gid;
		rc = replace(path, data, len, &rights, err);
	}
	free(dir);
	return rc;
}
