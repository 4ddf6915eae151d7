/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen - see listen.h.
 */
#define _GNU_SOURCE /* O_PATH */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock.h"

#define MODE 0660 /* the MTA's group, which the set-gid directory gives */
#define TRY_MS 1000

int
listen_check(const char *address, struct err *err)
{
	const char *colon = strchr(address, ':');
	char *end;
	unsigned long port;

	if (strncmp(address, "unix:/", 6) == 0)
		return 0;
	if (colon != NULL && (strncmp(address, "inet:", 5) == 0 ||
				 strncmp(address, "inet6:", 6) == 0)) {
		port = strtoul(colon + 1, &end, 10);
		if (end != colon + 1 && port > 0 && port < 65536 &&
		    (*end == '\0' || (*end == '@' && end[1] != '\0')))
			return 0;
	}
	return err_set(err, ERR_CONFIG, "listen",
	    "milter: listen = \"%s\": write unix:/path or inet:port@host",
	    address);
}

/* Is somebody there? Then this is the second milter on one socket. */
static int
remove_stale(const struct listen *listen, const char *name, struct err *err)
{
	struct stat st;
	struct err ignored;
	int fd;

	if (fstatat(listen->directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_errno(
		    err, ERR_CONFIG, errno, "milter: listen: %s", listen->path);
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFIG, "listen",
		    "milter: listen: %s is there and is no socket; remove it "
		    "or choose another path",
		    listen->path);
	fd = sock_connect(listen->path, TRY_MS, &ignored);
	if (fd >= 0) {
		(void)close(fd);
		return err_set(err, ERR_CONFIG, "listen",
		    "milter: listen: another program answers on %s; stop it "
		    "or choose another path",
		    listen->path);
	}
	if (unlinkat(listen->directory, name, 0) < 0 && errno != ENOENT)
		return err_errno(err, ERR_CONFIG, errno,
		    "milter: listen: cannot remove the old %s", listen->path);
	return 0;
}

static const char *
file_name(const struct listen *listen)
{
	return strrchr(listen->path, '/') + 1;
}

static int
prepare_unix(struct listen *listen, struct err *err)
{
	char directory[sizeof(listen->path)];
	const char *name = file_name(listen);

	(void)snprintf(directory, sizeof(directory), "%.*s",
	    (int)(name - listen->path), listen->path);
	if (name[0] == '\0')
		return err_set(err, ERR_CONFIG, "listen",
		    "milter: listen: %s is a directory, not a socket",
		    listen->path);
	listen->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (listen->directory < 0)
		return err_errno(err, ERR_CONFIG, errno,
		    "milter: listen: directory %s", directory);
	(void)snprintf(
	    listen->spec, sizeof(listen->spec), "unix:%s", listen->path);
	return remove_stale(listen, name, err);
}

int
listen_prepare(struct listen *listen, const char *address, struct err *err)
{
	memset(listen, 0, sizeof(*listen));
	listen->directory = -1;
	if (listen_check(address, err) < 0)
		return -1;
	if (strncmp(address, "unix:", 5) != 0) {
		if (strlen(address) >= sizeof(listen->spec))
			return err_set(err, ERR_CONFIG, "listen",
			    "milter: listen: the address is too long");
		(void)snprintf(
		    listen->spec, sizeof(listen->spec), "%s", address);
		return 0;
	}
	/* An MTA could not connect to a longer one either. */
	if (strlen(address + 5) >= sizeof(listen->path))
		return err_set(err, ERR_CONFIG, "listen",
		    "milter: listen: the path has more than %zu bytes",
		    sizeof(listen->path) - 1);
	(void)snprintf(listen->path, sizeof(listen->path), "%s", address + 5);
	return prepare_unix(listen, err);
}

int
listen_made(struct listen *listen, struct err *err)
{
	struct stat st;
	const char *name;

	if (listen->directory < 0)
		return 0;
	name = file_name(listen);
	/* libmilter binds under our umask: more is allowed only from here. */
	if (fchmodat(listen->directory, name, MODE, 0) < 0 ||
	    fstatat(listen->directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(
		    err, ERR_CONFIG, errno, "milter: listen: %s", listen->path);
	listen->dev = st.st_dev;
	listen->ino = st.st_ino;
	return 0;
}

void
listen_remove(struct listen *listen)
{
	struct stat st;

	if (listen->directory < 0 || listen->ino == 0)
		return;
	if (fstatat(listen->directory, file_name(listen), &st,
		AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == listen->dev && st.st_ino == listen->ino)
		(void)unlinkat(listen->directory, file_name(listen), 0);
	listen->ino = 0;
}
