/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secretfile - read one secret from one file. See secretfile.h.
 */
#define _GNU_SOURCE
#include "secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who owns the directory can put another file there anyway. */
static int
owner_of_directory(const char *path, uid_t *uid)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (slash == NULL || (size_t)(slash - path) >= sizeof(dir) - 1)
		return -1;
	snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - path), path);
	if (stat(dir, &st) == -1)
		return -1;
	*uid = st.st_uid;
	return 0;
}

static int
check_owner(const char *path, const struct stat *st, struct err *err)
{
	uid_t owner = 0;

	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	/* An administrator who runs -t as root looks at the service's files. */
	if (geteuid() == 0 && owner_of_directory(path, &owner) == 0 &&
	    st->st_uid == owner)
		return 0;
	return err_set(err, ERR_CONFIG, "secret_file",
	    "%s belongs to uid %u; it must belong to the user of this program: "
	    "chown it",
	    path, (unsigned int)st->st_uid);
}

static int
check(const char *path, int fd, int no_mode, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_errno(err, ERR_CONFIG, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "secret_file",
		    "%s is no regular file; put the secret into a file of its "
		    "own",
		    path);
	if (st.st_size > SECRETFILE_MAX)
		return err_set(err, ERR_CONFIG, "secret_file",
		    "%s has %lld bytes, too many for a secret; at most %d",
		    path, (long long)st.st_size, SECRETFILE_MAX);
	if (no_mode)
		return 0;
	if ((st.st_mode & 077) != 0)
		return err_set(err, ERR_CONFIG, "secret_file",
		    "others than its owner have rights on %s (mode %04o); "
		    "chmod 0600 %s",
		    path, (unsigned int)st.st_mode & 07777, path);
	if (st.st_nlink > 1)
		return err_set(err, ERR_CONFIG, "secret_file",
		    "%s has %u names (hard links), so others may keep it; make "
		    "it a file of its own: cp -p %s %s.own && mv %s.own %s",
		    path, (unsigned int)st.st_nlink, path, path, path, path);
	return check_owner(path, &st, err);
}

static int
read_all(const char *path, int fd, struct secret *secret, struct err *err)
{
	char data[SECRETFILE_MAX + 1];
	size_t len = 0;
	ssize_t got = 1;
	int rc = -1;

	while (len < sizeof(data) && got > 0) {
		got = read(fd, data + len, sizeof(data) - len);
		if (got > 0)
			len += (size_t)got;
	}
	if (got == -1)
		err_errno(err, ERR_CONFIG, errno, "%s cannot be read", path);
	else if (len == sizeof(data))
		err_set(err, ERR_CONFIG, "secret_file", "%s has grown", path);
	else if (secret_set(secret, data, len) == -1)
		err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	else
		rc = 0;
	explicit_bzero(data, sizeof(data));
	return rc;
}

static int
cannot_open(const char *path, int errnum, struct err *err)
{
	if (errnum == ENOENT)
		return err_set(err, ERR_CONFIG, "secret_file",
		    "there is no file %s; put the secret into it, mode 0600",
		    path);
	if (errnum == ELOOP)
		return err_set(err, ERR_CONFIG, "secret_file",
		    "%s is a symbolic link; name the file itself", path);
	if (errnum == EACCES)
		return err_set(err, ERR_CONFIG, "secret_file",
		    "%s cannot be opened by uid %u, which this program runs "
		    "as; chown it to that user, and see that it may enter the "
		    "directory",
		    path, (unsigned int)geteuid());
	return err_errno(err, ERR_CONFIG, errnum, "%s cannot be opened", path);
}

static int
read_file(const char *path, int flags, int no_mode, struct secret *secret,
    struct err *err)
{
	int fd, rc;

	/* Non-blocking, because it might be a FIFO. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	if (fd == -1)
		return cannot_open(path, errno, err);
	rc = check(path, fd, no_mode, err);
	if (rc == 0)
		rc = read_all(path, fd, secret, err);
	close(fd);
	return rc;
}

int
secretfile_read_raw(
    const char *path, int no_mode, struct secret *secret, struct err *err)
{
	return read_file(path, O_NOFOLLOW, no_mode, secret, err);
}

/* raw without its line end into *secret; raw is wiped. */
static int
take_line(const char *path, struct secret *raw, struct secret *secret,
    struct err *err)
{
	const char *data = secret_reveal(raw);
	size_t len = secret_len(raw);
	int rc = -1;

	if (len > 0 && data[len - 1] == '\n')
		len--;
	if (len > 0 && data[len - 1] == '\r')
		len--;
	if (len == 0)
		err_set(err, ERR_CONFIG, "secret_file",
		    "%s is empty; put the secret into it", path);
	else if (memchr(data, '\0', len) != NULL ||
		 memchr(data, '\n', len) != NULL)
		err_set(err, ERR_CONFIG, "secret_file",
		    "%s has more than one line, or a NUL; a secret is one line",
		    path);
	else if (secret_set(secret, data, len) == -1)
		err_set(err, ERR_TEMPORARY, "memory", "out of memory");
	else
		rc = 0;
	secret_clear(raw);
	return rc;
}

int
secretfile_read(const char *path, struct secret *secret, struct err *err)
{
	struct secret raw = SECRET_INIT;

	if (secretfile_read_raw(path, 0, &raw, err) == -1)
		return -1;
	return take_line(path, &raw, secret, err);
}

int
secretfile_read_foreign(
    const char *path, struct secret *secret, struct err *err)
{
	struct secret raw = SECRET_INIT;

	if (read_file(path, 0, 1, &raw, err) == -1)
		return -1;
	return take_line(path, &raw, secret, err);
}

uint64_t
secretfile_stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return 0;
	return (uint64_t)st.st_ino * 1000003u ^
	       (uint64_t)st.st_mtim.tv_sec * 1000000007u ^
	       (uint64_t)st.st_mtim.tv_nsec ^ (uint64_t)st.st_size << 40;
}
