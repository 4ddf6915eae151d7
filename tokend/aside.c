/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside - names for what cannot be opened. See aside.h.
 */
#define _GNU_SOURCE
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crypto.h"
#include "log.h"

#define FILE_LEN (CRYPTO_HEX_LEN + 8) /* with .prev */
#define NAME_LEN (FILE_LEN + ASIDE_ROOM)
#define NAMES_MAX 1000

static int
is_hex(const char *text)
{
	return *text != '\0' &&
	       strspn(text, "0123456789abcdef") == strlen(text);
}

static int
is_taken(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * A name that is free: the keys may have changed to and fro. Nobody takes it
 * meanwhile, for the store is locked. -1 with errno.
 */
static int
free_name(int dir, const char *file, const char *id, char out[NAME_LEN])
{
	char first[NAME_LEN - 8];
	int i;

	if (is_hex(id))
		snprintf(first, sizeof(first), "%s.key-%s", file, id);
	else
		snprintf(first, sizeof(first), "%s.damaged-%lld", file,
		    (long long)clock_wall_ms());
	snprintf(out, NAME_LEN, "%s", first);
	for (i = 2; is_taken(dir, out); i++) {
		if (i > NAMES_MAX) {
			errno = EEXIST;
			return -1;
		}
		snprintf(out, NAME_LEN, "%s.%d", first, i);
	}
	return 0;
}

int
aside_put(const struct aside_place *place, const char *file, const char *id)
{
	char name[NAME_LEN];
	int saved;

	if (free_name(place->dir, file, id, name) == -1 ||
	    renameat(place->dir, file, place->dir, name) == -1) {
		saved = errno;
		log_warn(place->name,
		    "a stored credential cannot be opened, nor moved aside: "
		    "file=%s/%s error=%s",
		    place->path, file, strerror(saved));
		errno = saved;
		return -1;
	}
	if (is_hex(id))
		log_warn(place->name,
		    "stored credential was sealed with another key; put that "
		    "key back, or sign in again: key=%s kept=%s/%s",
		    id, place->path, name);
	else
		log_warn(place->name,
		    "stored credential is damaged: kept=%s/%s", place->path,
		    name);
	return 0;
}

int
aside_bring_back(
    const struct aside_place *place, const char *file, const char *id)
{
	char name[NAME_LEN];

	snprintf(name, sizeof(name), "%s.key-%s", file, id);
	if (linkat(place->dir, name, place->dir, file, 0) == -1)
		return -1;
	unlinkat(place->dir, name, 0);
	log_info(place->name,
	    "stored credential is back with its key: file=%s/%s", place->path,
	    file);
	return 0;
}
