/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock - Unix sockets, socket activation, readiness. See sock.h.
 */
#define _GNU_SOURCE
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define FIRST_INHERITED_FD 3 /* SD_LISTEN_FDS_START */
#define INHERITED_MAX 64
#define MADE_MAX 64

/* Files made by sock_listen, so that sock_unlink removes nobody else's. */
static struct {
	int fd;
	dev_t dev;
	ino_t ino;
} made[MADE_MAX];
static size_t made_count;

/*
 * The directory of path as a descriptor, and its last component in *base.
 */
static int
open_parent(const char *path, const char **base)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len;

	if (slash == NULL) {
		*base = path;
		return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	len = (size_t)(slash - path);
	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dir, path, len);
	dir[len] = '\0';
	*base = slash + 1;
	return open(len == 0 ? "/" : dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/*
 * A path that fits is used as it is, because ss(8) and lsof(8) show it; a
 * longer one goes through the descriptor of its directory.
 */
static int
make_address(
    struct sockaddr_un *addr, const char *path, int dir, const char *base)
{
	int len;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(addr->sun_path)) {
		memcpy(addr->sun_path, path, strlen(path) + 1);
		return 0;
	}
	len = snprintf(addr->sun_path, sizeof(addr->sun_path),
	    "/proc/self/fd/%d/%s", dir, base);
	if (len < 0 || (size_t)len >= sizeof(addr->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* 1 if something accepts connections there; a full backlog does, too. */
static int
is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int alive;

	if (fd == -1)
		return 1;
	alive =
	    connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
	    errno == EAGAIN;
	close(fd);
	return alive;
}

/* Make the name free, or say why it is not. */
static int
clear_way(const char *path, int dir, const char *base,
    const struct sockaddr_un *addr, struct err *err)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return 0;
		return err_errno(err, ERR_CONFIG, errno, "socket %s", path);
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFIG, "socket",
		    "%s is there and is no socket; remove it, or configure "
		    "another path",
		    path);
	if (is_alive(addr))
		return err_set(err, ERR_CONFIG, "socket",
		    "another program answers on %s; stop it, or configure "
		    "another path",
		    path);
	if (unlinkat(dir, base, 0) == -1)
		return err_errno(err, ERR_CONFIG, errno,
		    "the old socket %s cannot be removed", path);
	return 0;
}

static void
remember(int fd, const struct stat *st)
{
	size_t i;

	/* The number may have belonged to a socket that was just closed. */
	for (i = 0; i < made_count && made[i].fd != fd; i++)
		;
	if (i == MADE_MAX)
		return;
	if (i == made_count)
		made_count++;
	made[i].fd = fd;
	made[i].dev = st->st_dev;
	made[i].ino = st->st_ino;
}

/* bind, mode, listen on a way that is clear. */
static int
bind_and_listen(int fd, const char *path, int dir, const char *base,
    const struct sockaddr_un *addr, mode_t mode, struct err *err)
{
	struct stat st;

	/* The file must never be more open than asked for, not even between
	 * bind and fchmodat; bind takes the descriptor's mode less umask. */
	if (fchmod(fd, mode) == -1 ||
	    bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) == -1)
		return err_errno(err, ERR_CONFIG, errno,
		    "cannot make the socket %s; its directory must be "
		    "writable for this user",
		    path);
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISSOCK(st.st_mode) || fchmodat(dir, base, mode, 0) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		err_errno(err, ERR_CONFIG, errno, "socket %s", path);
		unlinkat(dir, base, 0);
		return -1;
	}
	remember(fd, &st);
	return 0;
}

int
sock_listen(const char *path, mode_t mode, struct err *err)
{
	struct sockaddr_un addr;
	const char *base;
	int dir, fd = -1;

	dir = open_parent(path, &base);
	if (dir == -1)
		return err_errno(err, ERR_CONFIG, errno,
		    "the directory of the socket %s must be there and "
		    "accessible",
		    path);
	if (make_address(&addr, path, dir, base) == -1) {
		err_errno(err, ERR_CONFIG, errno, "socket %s", path);
		goto out;
	}
	if (clear_way(path, dir, base, &addr, err) == -1)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		err_errno(err, ERR_TEMPORARY, errno, "socket %s", path);
		goto out;
	}
	if (bind_and_listen(fd, path, dir, base, &addr, mode, err) == -1) {
		close(fd);
		fd = -1;
	}
out:
	close(dir);
	return fd;
}

void
sock_unlink(const char *path, int fd)
{
	struct stat st;
	size_t i;

	for (i = 0; i < made_count; i++)
		if (made[i].fd == fd)
			break;
	if (i == made_count)
		return;
	if (lstat(path, &st) == 0 && st.st_dev == made[i].dev &&
	    st.st_ino == made[i].ino)
		unlink(path);
	made[i] = made[--made_count];
}

static int
connect_failed(const char *path, int errnum, struct err *err)
{
	if (errnum == ENOENT || errnum == ECONNREFUSED)
		return err_set(err, ERR_TEMPORARY, "down",
		    "nothing answers on %s; is the daemon running?", path);
	if (errnum == EAGAIN)
		return err_set(err, ERR_TEMPORARY, "wait",
		    "the daemon behind %s is too busy to answer", path);
	return err_errno(err,
	    errnum == EACCES || errnum == EPERM ? ERR_DENIED : ERR_TEMPORARY,
	    errnum, "cannot connect to %s", path);
}

int
sock_connect(const char *path, int timeout_ms, struct err *err)
{
	struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	struct sockaddr_un addr;
	const char *base;
	int dir, fd = -1;

	dir = open_parent(path, &base);
	if (dir == -1)
		return connect_failed(path, errno, err);
	if (make_address(&addr, path, dir, base) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ==
		-1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ==
		-1 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == -1) {
		connect_failed(path, errno, err);
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	close(dir);
	return fd;
}

int
sock_peer(int fd, struct sock_peer *peer, struct err *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return err_errno(err, ERR_DENIED, errno,
		    "the other end of a socket is not known");
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	return 0;
}

int
sock_peer_in_group(int fd, gid_t gid)
{
	struct sock_peer peer;
	gid_t groups[256];
	socklen_t len = sizeof(groups);
	size_t i;

	if (sock_peer(fd, &peer, NULL) == 0 && peer.gid == gid)
		return 1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		return 0;
	for (i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return 1;
	return 0;
}

/* A whole non-negative number of an environment variable, -1 if it is none. */
static long long
env_number(const char *name)
{
	const char *text = getenv(name);
	long long number;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	number = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0 ? number : -1;
}

/* Descriptors of the service manager that were not asked for yet; -1: gone */
static int inherited[INHERITED_MAX];
static int inherited_count = -1;

static void
read_inherited(void)
{
	long long count = env_number("LISTEN_FDS");
	long long i;

	inherited_count = 0;
	if (env_number("LISTEN_PID") == (long long)getpid() && count > 0) {
		for (i = 0; i < count && i < INHERITED_MAX; i++) {
			inherited[i] = FIRST_INHERITED_FD + (int)i;
			fcntl(inherited[i], F_SETFD, FD_CLOEXEC);
		}
		inherited_count = (int)i;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* 1 if fd listens on path, also when the two spell it differently. */
static int
listens_on(int fd, const char *path)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);
	struct stat a, b;
	int listening = 0;
	socklen_t size = sizeof(listening);

	memset(&addr, 0, sizeof(addr));
	if (getsockname(fd, (struct sockaddr *)&addr, &len) == -1 ||
	    addr.sun_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) ==
		-1 ||
	    !listening)
		return 0;
	addr.sun_path[sizeof(addr.sun_path) - 1] = '\0';
	return strcmp(addr.sun_path, path) == 0 ||
	       (stat(addr.sun_path, &a) == 0 && stat(path, &b) == 0 &&
		   a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

int
sock_inherited(const char *path)
{
	int i, fd;

	if (inherited_count == -1)
		read_inherited();
	for (i = 0; i < inherited_count; i++) {
		fd = inherited[i];
		if (fd == -1 || !listens_on(fd, path))
			continue;
		inherited[i] = -1;
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		return fd;
	}
	return -1;
}

/* The manager's address, read once so that no child inherits it. */
static const struct sockaddr_un *
notify_address(socklen_t *len)
{
	static struct sockaddr_un addr;
	static socklen_t addr_len;
	static int known;
	const char *path;
	size_t path_len;

	if (!known) {
		known = 1;
		path = getenv("NOTIFY_SOCKET");
		path_len = path != NULL ? strlen(path) : 0;
		if (path_len > 1 && path_len < sizeof(addr.sun_path) &&
		    (path[0] == '/' || path[0] == '@')) {
			addr.sun_family = AF_UNIX;
			memcpy(addr.sun_path, path, path_len);
			if (path[0] == '@')
				addr.sun_path[0] = '\0';
			addr_len =
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					path_len);
		}
		unsetenv("NOTIFY_SOCKET");
	}
	*len = addr_len;
	return addr_len > 0 ? &addr : NULL;
}

void
sock_notify(const char *state)
{
	const struct sockaddr_un *addr;
	socklen_t len;
	int fd;

	addr = notify_address(&len);
	if (addr == NULL)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	/* A manager that does not listen is no reason to stop working. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (const struct sockaddr *)addr, len);
	close(fd);
}

int
sock_notify_wanted(void)
{
	socklen_t len;

	return notify_address(&len) != NULL;
}

unsigned long long
sock_watchdog_us(void)
{
	long long us = env_number("WATCHDOG_USEC");
	long long pid = env_number("WATCHDOG_PID");

	if (us <= 0 || (pid != -1 && pid != (long long)getpid()))
		return 0;
	return (unsigned long long)us;
}
