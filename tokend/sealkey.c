/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealkey - the key of the token store. See sealkey.h.
 */
#define _GNU_SOURCE
#include "sealkey.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretfile.h"

static int
set(struct sealkey *key, const char *path, struct secret *raw, struct err *err)
{
	if (secret_len(raw) != CRYPTO_KEY_LEN)
		return err_set(err, ERR_CONFIG, "seal_key",
		    "%s has %zu bytes, a seal key has %d; put the right file "
		    "back, or remove it to begin with a new key",
		    path, secret_len(raw), CRYPTO_KEY_LEN);
	secret_take(&key->key, raw);
	return crypto_fingerprint(&key->key, key->id, err);
}

static int
read_key(struct sealkey *key, const char *path, int no_mode, struct err *err)
{
	struct secret raw = SECRET_INIT;
	int rc;

	rc = secretfile_read_raw(path, no_mode, &raw, err);
	if (rc == 0)
		rc = set(key, path, &raw, err);
	secret_clear(&raw);
	return rc;
}

/* The name under which a key is made; a crash may leave it, as a second one. */
static int
temp_name(const char *path, char temp[PATH_MAX], struct err *err)
{
	if (snprintf(temp, PATH_MAX, "%s.new", path) >= PATH_MAX)
		return err_set(
		    err, ERR_CONFIG, "seal_key", "%s is too long", path);
	unlink(temp);
	return 0;
}

static int
write_new(int fd, const unsigned char *bytes)
{
	ssize_t put = write(fd, bytes, CRYPTO_KEY_LEN);

	if (put == CRYPTO_KEY_LEN && fsync(fd) == 0)
		return 0;
	if (put >= 0 && put < CRYPTO_KEY_LEN)
		errno = ENOSPC;
	return -1;
}

static void
sync_directory(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;

	if (slash == NULL || (size_t)(slash - path) >= sizeof(dir) - 1)
		return;
	snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

/*
 * Under another name first, then link(2): the key is there whole or not at
 * all, and one that appeared meanwhile is not replaced.
 */
static int
make_key(const char *path, const char *temp, struct err *err)
{
	unsigned char bytes[CRYPTO_KEY_LEN];
	int fd, rc = -1;

	if (crypto_random(bytes, sizeof(bytes), err) == -1)
		return -1;
	fd = open(
	    temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd != -1 && write_new(fd, bytes) == 0 &&
	    (link(temp, path) == 0 || errno == EEXIST))
		rc = 0;
	else
		err_errno(err, ERR_CONFIG, errno,
		    "the seal key %s cannot be made; make its directory "
		    "writable for this user, or make the file with 32 random "
		    "bytes",
		    path);
	if (fd != -1) {
		close(fd);
		unlink(temp);
	}
	sync_directory(path);
	explicit_bzero(bytes, sizeof(bytes));
	return rc;
}

int
sealkey_load(struct sealkey *key, const char *path, int make, struct err *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char credential[PATH_MAX], temp[PATH_MAX];

	memset(key, 0, sizeof(*key));
	if (credentials != NULL &&
	    snprintf(credential, sizeof(credential), "%s/" SEALKEY_CREDENTIAL,
		credentials) < (int)sizeof(credential) &&
	    access(credential, F_OK) == 0)
		return read_key(key, credential, 1, err);
	if (make && temp_name(path, temp, err) == -1)
		return -1;
	if (make && access(path, F_OK) == -1 && errno == ENOENT) {
		if (make_key(path, temp, err) == -1)
			return -1;
		key->made = 1;
	}
	return read_key(key, path, 0, err);
}

void
sealkey_clear(struct sealkey *key)
{
	secret_clear(&key->key);
}
