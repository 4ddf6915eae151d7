/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bookmark - see bookmark.h.
 *
 * Not synced to the disk: after a crash of the machine an older bookmark costs
 * no more than some lines that are read twice.
 */
#include "bookmark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define OLD_S (24 * 3600)
#define NAME "watch.position"

static int
open_recent(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    clock_wall_s() - (int64_t)st.st_mtime < OLD_S)
		return fd;
	(void)close(fd);
	return -1;
}

void
bookmark_open(struct bookmark *bookmark)
{
	const char *directory = getenv("STATE_DIRECTORY");
	ssize_t n = 0;
	int fd;

	memset(bookmark, 0, sizeof(*bookmark));
	if (directory == NULL || directory[0] != '/' ||
	    strlen(directory) + sizeof(NAME) + 8 > sizeof(bookmark->path))
		return;
	(void)snprintf(
	    bookmark->path, sizeof(bookmark->path), "%s/%s", directory, NAME);
	fd = open_recent(bookmark->path);
	if (fd < 0)
		return;
	n = read(fd, bookmark->text, sizeof(bookmark->text) - 1);
	(void)close(fd);
	bookmark->text[n > 0 ? n : 0] = '\0';
	bookmark->text[strcspn(bookmark->text, "\n")] = '\0';
}

static int
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int rc;

	if (file == NULL)
		return -1;
	rc = fprintf(file, "%s\n", text) < 0 ? -1 : 0;
	return fclose(file) == 0 ? rc : -1;
}

void
bookmark_write(struct bookmark *bookmark, const char *text)
{
	char fresh[sizeof(bookmark->path) + 8];

	if (bookmark->path[0] == '\0' || strcmp(bookmark->text, text) == 0)
		return;
	(void)snprintf(fresh, sizeof(fresh), "%s.new", bookmark->path);
	if (strlen(text) < sizeof(bookmark->text) - 1 &&
	    write_file(fresh, text) == 0 &&
	    rename(fresh, bookmark->path) == 0) {
		(void)snprintf(
		    bookmark->text, sizeof(bookmark->text), "%s", text);
		bookmark->failed = 0;
		return;
	}
	if (!bookmark->failed)
		fprintf(stderr,
		    "postoak: cannot write down in %s how far the log was "
		    "read: %s; after a restart lines may be missed\n",
		    bookmark->path, strerror(errno));
	bookmark->failed = 1;
}
