/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - sealed records on disk. See store.h.
 */
#define _GNU_SOURCE
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aside.h"
#include "crypto.h"
#include "log.h"
#include "mem.h"
#include "sealkey.h"
#include "storedir.h"

#define HEADER_FORMAT "postoak sealed 1 %s\n"
#define HEADER_LEN (sizeof("postoak sealed 1 \n") - 1 + CRYPTO_ID_LEN - 1)
#define FILE_MAX_LEN (RECORD_MAX + 1024)
#define NAME_LEN (CRYPTO_HEX_LEN + 16)

struct store {
	char *path;
	int dir; /* locked as long as it is open */
	struct sealkey key;
};

/* What a file turned out to be. */
enum verdict { GOOD, ABSENT, DAMAGED, FOREIGN, UNREADABLE };

static void
make_header(const struct store *store, char header[HEADER_LEN + 1])
{
	snprintf(header, HEADER_LEN + 1, HEADER_FORMAT, store->key.id);
}

/* The file's name: the hash of kind, NUL, name. */
static int
file_name(const char *kind, const char *name, char hex[CRYPTO_HEX_LEN],
    struct err *err)
{
	struct buf key;
	int rc;

	buf_init(&key, 8192);
	buf_add(&key, kind, strlen(kind) + 1);
	buf_adds(&key, name);
	rc = key.truncated ? err_set(err, ERR_CONFIG, "store",
				 "%s: too long a name", name)
			   : crypto_hash(key.data, key.len, hex, err);
	buf_clear(&key);
	return rc;
}

/* What the seal protects beside the record: header, kind, name. */
static void
make_aad(
    struct buf *aad, const char *header, const char *kind, const char *name)
{
	buf_init(aad, 16384);
	buf_add(aad, header, HEADER_LEN);
	buf_add(aad, kind, strlen(kind) + 1);
	buf_adds(aad, name);
}

/* No read only to learn that this was all: there may be ten thousand files. */
static int
read_whole(int fd, size_t size, struct buf *out)
{
	ssize_t got = 1;
	size_t left;
	char *room;

	while (got > 0 && out->len < size) {
		left = size - out->len;
		room = buf_reserve(out, left);
		if (room == NULL)
			return -1;
		got = read(fd, room, left);
		if (got > 0)
			buf_commit(out, (size_t)got);
	}
	return got >= 0 ? 0 : -1;
}

static int
read_file(int dir, const char *file, struct buf *out)
{
	struct stat st;
	int fd, rc;

	/* Whatever lies there: it is not followed and not waited for. */
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	rc = read_whole(fd, (size_t)st.st_size, out);
	close(fd);
	return rc;
}

static enum verdict
judge_header(const struct store *store, const struct buf *data)
{
	char own[HEADER_LEN + 1];
	size_t magic_len = HEADER_LEN - CRYPTO_ID_LEN;

	make_header(store, own);
	if (data->len < HEADER_LEN || memcmp(data->data, own, magic_len) != 0)
		return DAMAGED;
	return memcmp(data->data, own, HEADER_LEN) == 0 ? GOOD : FOREIGN;
}

/* Read and unseal one file; *id gets the key's id it names. */
static enum verdict
open_file(struct store *store, const char *file, const char *kind,
    const char *name, struct record *record, char id[CRYPTO_ID_LEN])
{
	struct buf data, plain, aad;
	enum verdict verdict;

	id[0] = '\0';
	buf_init(&data, FILE_MAX_LEN);
	buf_init(&plain, RECORD_MAX);
	if (read_file(store->dir, file, &data) == -1) {
		verdict =
		    errno == ENOENT ? ABSENT
		    : errno == EMSGSIZE || errno == ELOOP || errno == ENXIO
			? DAMAGED
			: UNREADABLE;
		buf_clear(&data);
		return verdict;
	}
	verdict = judge_header(store, &data);
	if (verdict == FOREIGN)
		snprintf(id, CRYPTO_ID_LEN, "%.16s",
		    data.data + HEADER_LEN - CRYPTO_ID_LEN);
	if (verdict == GOOD) {
		make_aad(&aad, data.data, kind, name);
		if (crypto_open(&store->key.key, &aad, data.data + HEADER_LEN,
			data.len - HEADER_LEN, &plain, NULL) == -1 ||
		    record_decode(record, kind, name, &plain, NULL) == -1)
			verdict = DAMAGED;
		buf_clear(&aad);
	}
	buf_clear(&plain);
	buf_clear(&data);
	return verdict;
}

/* Nothing that cannot be opened is overwritten: it gets a name of its own. */
static int
move_aside(
    struct store *store, const char *file, const char *id, const char *name)
{
	const struct aside_place place = {store->dir, store->path, name};

	return aside_put(&place, file, id);
}

/*
 * As open_file. What another key sealed makes room for what was put aside when
 * that key came: its own may be back.
 */
static enum verdict
open_newest(struct store *store, const char *file, const char *kind,
    const char *name, struct record *record)
{
	const struct aside_place place = {store->dir, store->path, name};
	char id[CRYPTO_ID_LEN];
	enum verdict verdict;

	verdict = open_file(store, file, kind, name, record, id);
	if (verdict == DAMAGED || verdict == FOREIGN) {
		if (move_aside(store, file, id, name) == -1 ||
		    verdict == DAMAGED)
			return verdict;
		verdict = ABSENT;
	}
	if (verdict != ABSENT ||
	    aside_bring_back(&place, file, store->key.id) == -1)
		return verdict;
	verdict = open_file(store, file, kind, name, record, id);
	if (verdict == DAMAGED)
		move_aside(store, file, id, name);
	return verdict;
}

int
store_load(struct store *store, const char *kind, const char *name,
    struct record *record, struct err *err)
{
	char file[CRYPTO_HEX_LEN], prev[NAME_LEN], id[CRYPTO_ID_LEN];
	enum verdict verdict;

	record_init(record);
	if (file_name(kind, name, file, err) == -1)
		return -1;
	verdict = open_newest(store, file, kind, name, record);
	if (verdict == GOOD)
		return 1;
	if (verdict == UNREADABLE)
		return err_errno(err, ERR_TEMPORARY, errno,
		    "the stored credential %s/%s cannot be read", store->path,
		    file);
	snprintf(prev, sizeof(prev), "%s.prev", file);
	verdict = open_file(store, prev, kind, name, record, id);
	if (verdict == GOOD) {
		log_warn(name, "the generation before is used: file=%s/%s",
		    store->path, prev);
		return 1;
	}
	if (verdict == DAMAGED || verdict == FOREIGN)
		move_aside(store, prev, id, name);
	return 0;
}

/* Everything of data, or errno. */
static int
write_all(int fd, const struct buf *data)
{
	size_t done = 0;
	ssize_t put;

	while (done < data->len) {
		put = write(fd, data->data + done, data->len - done);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0) {
			if (put == 0)
				errno = ENOSPC;
			return -1;
		}
		done += (size_t)put;
	}
	return fsync(fd);
}

/* Disks lie: what was written is read again before the old file goes. */
static int
read_back(struct store *store, const char *temp, const struct buf *written)
{
	struct buf found;
	int same;

	buf_init(&found, FILE_MAX_LEN);
	same = read_file(store->dir, temp, &found) == 0 &&
	       found.len == written->len &&
	       memcmp(found.data, written->data, found.len) == 0;
	buf_clear(&found);
	if (!same)
		errno = EIO;
	return same ? 0 : -1;
}

static int
write_temp(struct store *store, const char *temp, const struct buf *data)
{
	int fd, rc, saved;

	fd = openat(store->dir, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	rc = write_all(fd, data);
	saved = errno;
	if (close(fd) == -1 && rc == 0) {
		rc = -1;
		saved = errno;
	}
	errno = saved;
	return rc == 0 ? read_back(store, temp, data) : -1;
}

/*
 * The present file becomes the generation before, if it is good: a damaged one
 * must not push a good .prev out.
 */
static int
keep_previous(
    struct store *store, const char *file, const char *kind, const char *name)
{
	char prev[NAME_LEN], temp[NAME_LEN], id[CRYPTO_ID_LEN];
	struct record old;
	enum verdict verdict;

	record_init(&old);
	verdict = open_file(store, file, kind, name, &old, id);
	record_clear(&old);
	if (verdict == ABSENT)
		return 0;
	if (verdict == UNREADABLE)
		return -1;
	if (verdict != GOOD)
		return move_aside(store, file, id, name);
	snprintf(prev, sizeof(prev), "%s.prev", file);
	snprintf(temp, sizeof(temp), STOREDIR_TEMP "%s.prev", file);
	unlinkat(store->dir, temp, 0);
	if (linkat(store->dir, file, store->dir, temp, 0) == -1)
		return -1;
	if (renameat(store->dir, temp, store->dir, prev) == -1)
		return -1;
	/* rename(2) leaves both names if they are one file already, as after
	 * a crash between this and the next rename. */
	unlinkat(store->dir, temp, 0);
	return 0;
}

static int
replace(struct store *store, const char *file, const char *kind,
    const char *name, const struct buf *data)
{
	char temp[NAME_LEN];
	int saved;

	snprintf(temp, sizeof(temp), STOREDIR_TEMP "%s", file);
	unlinkat(store->dir, temp, 0);
	if (write_temp(store, temp, data) == 0 &&
	    keep_previous(store, file, kind, name) == 0 &&
	    renameat(store->dir, temp, store->dir, file) == 0 &&
	    fsync(store->dir) == 0)
		return 0;
	saved = errno;
	unlinkat(store->dir, temp, 0);
	errno = saved;
	return -1;
}

int
store_save(struct store *store, const char *kind, const char *name,
    const struct record *record, struct err *err)
{
	char file[CRYPTO_HEX_LEN], header[HEADER_LEN + 1];
	struct buf plain, data, aad;
	int rc = -1;

	buf_init(&plain, RECORD_MAX);
	buf_init(&data, FILE_MAX_LEN);
	make_header(store, header);
	make_aad(&aad, header, kind, name);
	if (file_name(kind, name, file, err) == -1 ||
	    record_encode(record, kind, name, &plain, err) == -1)
		goto out;
	buf_adds(&data, header);
	if (crypto_seal(&store->key.key, &aad, &plain, &data, err) == -1)
		goto out;
	if (replace(store, file, kind, name, &data) == -1)
		err_errno(err, ERR_TEMPORARY, errno,
		    "the credential of %s cannot be saved in %s", name,
		    store->path);
	else
		rc = 0;
out:
	buf_clear(&plain);
	buf_clear(&data);
	buf_clear(&aad);
	return rc;
}

int
store_forget(
    struct store *store, const char *kind, const char *name, struct err *err)
{
	char file[CRYPTO_HEX_LEN], previous[CRYPTO_HEX_LEN + 8];
	struct record record;
	int rc = 0;

	if (file_name(kind, name, file, err) == -1 ||
	    store_load(store, kind, name, &record, err) == -1)
		return -1;
	secret_clear(&record.refresh_token);
	if (record.refused != RECORD_REFUSED_NOTHING)
		rc = store_save(store, kind, name, &record, err);
	else if (unlinkat(store->dir, file, 0) == -1 && errno != ENOENT)
		rc = err_errno(err, ERR_TEMPORARY, errno,
		    "the credential of %s cannot be removed from %s", name,
		    store->path);
	record_clear(&record);
	snprintf(previous, sizeof(previous), "%s.prev", file);
	if (rc == 0 &&
	    ((unlinkat(store->dir, previous, 0) == -1 && errno != ENOENT) ||
		fsync(store->dir) == -1))
		rc = err_errno(err, ERR_TEMPORARY, errno,
		    "the credential of %s cannot be removed from %s", name,
		    store->path);
	return rc;
}

int
store_check(const char *directory, const char *key_path, struct err *err)
{
	struct sealkey key;
	struct stat st;
	int fd, rc;

	if (lstat(directory, &st) == -1 && errno == ENOENT)
		return storedir_check_parent(directory, err);
	fd = storedir_open(directory, err);
	if (fd == -1)
		return -1;
	rc = storedir_inspect(fd, directory, err);
	close(fd);
	if (rc == -1)
		return -1;
	if (stat(key_path, &st) == -1 && errno == ENOENT)
		return 0; /* made on the first start */
	rc = sealkey_load(&key, key_path, 0, err);
	sealkey_clear(&key);
	return rc;
}

struct store *
store_open(const char *directory, const char *key_path, struct err *err)
{
	struct store *store;
	int fd;

	if (mkdir(directory, 0700) == -1 && errno != EEXIST) {
		err_errno(err, ERR_CONFIG, errno,
		    "the store %s cannot be made; its parent directory must be "
		    "there and belong to this user",
		    directory);
		return NULL;
	}
	fd = storedir_open(directory, err);
	if (fd == -1)
		return NULL;
	store = mem_zalloc(1, sizeof(*store));
	store->dir = fd;
	store->path = mem_strdup(directory);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		err_set(err, ERR_CONFIG, "store",
		    "another postoak-tokend uses the store %s; stop it, or "
		    "configure another store",
		    directory);
		goto fail;
	}
	if (sealkey_load(&store->key, key_path, 1, err) == -1 ||
	    storedir_inspect(fd, directory, err) == -1)
		goto fail;
	if (storedir_sweep(store->dir) > 0 && store->key.made)
		log_warn(NULL,
		    "the seal key was gone and a new one was made; what is in "
		    "the store needs the old one: store=%s key_file=%s",
		    directory, key_path);
	return store;
fail:
	store_close(store);
	return NULL;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	close(store->dir);
	free(store->path);
	sealkey_clear(&store->key);
	free(store);
}
