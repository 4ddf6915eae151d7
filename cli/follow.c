/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow - see follow.h.
 */
#include "follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES (64 * 1024)

/* 1 if it is there now. */
static int
try_open(struct follow *follow)
{
	struct stat st;
	int fd = open(follow->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		errno = EINVAL;
		return 0;
	}
	follow->fd = fd;
	follow->dev = st.st_dev;
	follow->ino = st.st_ino;
	follow->at = 0;
	follow->line_at = 0;
	return 1;
}

int
follow_open(struct follow *follow, const char *path, struct err *err)
{
	follow->path = path;
	follow->fd = -1;
	follow->at = 0;
	follow->line_at = 0;
	follow->dev = 0;
	follow->ino = 0;
	follow->too_long = 0;
	buf_init(&follow->line, LINE_MAX_BYTES);
	if (try_open(follow)) {
		follow->at = lseek(follow->fd, 0, SEEK_END);
		follow->line_at = follow->at;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	return err_errno(err, ERR_CONFIG, errno,
	    "cannot read the mail log %s; run this as a user who may", path);
}

/* --- going on where another process stopped ------------------------------- */

void
follow_place(const struct follow *follow, char *text, size_t size)
{
	(void)snprintf(text, size, "%llu %llu %lld",
	    (unsigned long long)follow->dev, (unsigned long long)follow->ino,
	    (long long)follow->line_at);
}

/* Take the file of that name if it is the one looked for. */
static int
try_name(struct follow *follow, int dir, const char *name, dev_t dev, ino_t ino)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != dev ||
	    st.st_ino != ino) {
		(void)close(fd);
		return 0;
	}
	if (follow->fd >= 0)
		(void)close(follow->fd);
	follow->fd = fd;
	follow->dev = dev;
	follow->ino = ino;
	return 1;
}

/* 1 if the file is still in the log's directory, under whatever name. */
static int
find_rotated(struct follow *follow, dev_t dev, ino_t ino)
{
	const char *slash = strrchr(follow->path, '/');
	char name[PATH_MAX];
	struct dirent *entry;
	int found = 0;
	DIR *dir;

	(void)snprintf(name, sizeof(name), "%.*s",
	    slash != NULL ? (int)(slash - follow->path) + 1 : 1,
	    slash != NULL ? follow->path : ".");
	dir = opendir(name);
	if (dir == NULL)
		return 0;
	while (!found && (entry = readdir(dir)) != NULL)
		found = entry->d_ino == ino &&
			try_name(follow, dirfd(dir), entry->d_name, dev, ino);
	(void)closedir(dir);
	return found;
}

void
follow_resume(struct follow *follow, const char *text)
{
	unsigned long long dev, ino;
	long long at;
	int same;

	if (sscanf(text, "%llu %llu %lld", &dev, &ino, &at) != 3 || at < 0)
		return;
	same = follow->fd >= 0 && follow->dev == dev && follow->ino == ino;
	/* A file that has become shorter is read from its beginning, later. */
	follow->at = same || find_rotated(follow, dev, ino) ? at : 0;
	follow->line_at = follow->at;
}

/* --- reading -------------------------------------------------------------- */

static void
empty(struct follow *follow)
{
	buf_drop(&follow->line, follow->line.len);
	follow->line.truncated = 0;
	follow->too_long = 0;
}

/* Bytes of one line, and whether they are its last ones. */
static void
take(struct follow *follow, const char *data, size_t len, int is_end,
    follow_line line, void *arg)
{
	if (buf_add(&follow->line, data, len) < 0)
		follow->too_long = 1;
	if (!is_end)
		return;
	if (!follow->too_long && follow->line.data != NULL)
		line(arg, follow->line.data);
	empty(follow);
}

static void
read_rest(struct follow *follow, follow_line line, void *arg)
{
	char data[16384];
	ssize_t n;

	while ((n = pread(follow->fd, data, sizeof(data), follow->at)) > 0) {
		const char *p = data, *end = data + n, *stop;
		off_t start = follow->at;

		follow->at += n;
		while ((stop = memchr(p, '\n', (size_t)(end - p))) != NULL) {
			take(follow, p, (size_t)(stop - p), 1, line, arg);
			p = stop + 1;
			follow->line_at = start + (p - data);
		}
		take(follow, p, (size_t)(end - p), 0, line, arg);
	}
}

/* 1 if the path leads to another file, or to none. */
static int
is_rotated(const struct follow *follow)
{
	struct stat st;

	return stat(follow->path, &st) < 0 || st.st_ino != follow->ino ||
	       st.st_dev != follow->dev;
}

static int
is_truncated(const struct follow *follow)
{
	struct stat st;

	return fstat(follow->fd, &st) == 0 && st.st_size < follow->at;
}

void
follow_read(struct follow *follow, follow_line line, void *arg)
{
	int rotated;

	if (follow->fd < 0 && !try_open(follow))
		return;
	if (is_truncated(follow)) {
		follow->at = 0;
		follow->line_at = 0;
		empty(follow);
	}
	/* Asked first: what is written before it is read to its end. */
	rotated = is_rotated(follow);
	read_rest(follow, line, arg);
	if (!rotated)
		return;
	(void)close(follow->fd);
	follow->fd = -1;
	empty(follow);
	if (try_open(follow))
		read_rest(follow, line, arg);
}

void
follow_close(struct follow *follow)
{
	if (follow->fd >= 0)
		(void)close(follow->fd);
	buf_clear(&follow->line);
}
