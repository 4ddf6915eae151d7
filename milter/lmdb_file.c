/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_file - see lmdb_file.h.
 *
 * Never MDB_WRITEMAP: on a full disk it dies of SIGBUS.
 */
#include "lmdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb_check.h"
#include "log.h"
#include "mem.h"

#define GROW_MIN ((size_t)1 << 20)

MDB_val
lmdb_file_val(const void *data, size_t len)
{
	union {
		const void *in;
		void *out;
	} cast = {.in = data};

	return (MDB_val){.mv_size = len, .mv_data = cast.out};
}

static int
open_databases(struct lmdb_file *file)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(file->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, "rings", MDB_CREATE, &file->rings);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "clock", MDB_CREATE, &file->clock);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "seen0", MDB_CREATE, &file->seen[0]);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "seen1", MDB_CREATE, &file->seen[1]);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "notes", MDB_CREATE, &file->notes);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* A file cut short would be a SIGBUS later: pages are mapped, not read. */
static int
check_length(struct lmdb_file *file)
{
	MDB_envinfo info;
	MDB_stat stat_db;
	struct stat st;
	mdb_filehandle_t fd;
	int rc = mdb_env_info(file->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(file->env, &stat_db);
	if (rc == 0)
		rc = mdb_env_get_fd(file->env, &fd);
	if (rc != 0 || fstat(fd, &st) < 0)
		return rc != 0 ? rc : errno;
	if ((size_t)st.st_size < (info.me_last_pgno + 1) * stat_db.ms_psize)
		return MDB_CORRUPTED;
	return 0;
}

static int
open_environment(struct lmdb_file *file)
{
	int rc = mdb_env_create(&file->env);
	int dead;

	if (rc != 0)
		return rc;
	(void)mdb_env_set_maxdbs(file->env, 5);
	rc = mdb_env_set_mapsize(file->env, file->bytes);
	if (rc == 0)
		rc = mdb_env_open(
		    file->env, file->directory, MDB_NOSYNC | MDB_NOTLS, 0600);
	/* What a killed process was reading would never be used again. */
	if (rc == 0)
		rc = mdb_reader_check(file->env, &dead);
	if (rc == 0)
		rc = check_length(file);
	if (rc == 0)
		rc = open_databases(file);
	if (rc != 0) {
		mdb_env_close(file->env);
		file->env = NULL;
	}
	return rc;
}

static int
is_damage(int rc)
{
	return rc == MDB_CORRUPTED || rc == MDB_INVALID ||
	       rc == MDB_PAGE_NOTFOUND || rc == MDB_VERSION_MISMATCH ||
	       rc == MDB_INCOMPATIBLE || rc == MDB_BAD_TXN ||
	       rc == EFBIG; /* a page by a number that is none */
}

/* Keep the damaged file for whoever wants to look at it. */
static void
set_aside(const char *directory, int reason)
{
	char *from = mem_printf("%s/data.mdb", directory);
	char *to = mem_printf("%s/data.mdb.damaged", directory);

	log_warn(NULL,
	    "the counters are damaged, limits are counted from nothing: "
	    "file=%s reason=%s kept_as=%s",
	    from, mdb_strerror(reason), to);
	if (rename(from, to) < 0)
		log_warn(NULL, "cannot rename the damaged counters: %s",
		    strerror(errno));
	free(from);
	free(to);
}

static int
open_or_set_aside(struct lmdb_file *file)
{
	int rc = open_environment(file);

	if (!is_damage(rc))
		return rc;
	set_aside(file->directory, rc);
	return open_environment(file);
}

int
lmdb_file_open(struct lmdb_file *file, const char *directory, size_t bytes,
    struct err *err)
{
	int rc;

	file->directory = mem_strdup(directory);
	file->bytes = bytes;
	(void)pthread_mutex_init(&file->map, NULL);
	rc = lmdb_check(directory, bytes);
	if (rc != 0)
		set_aside(directory, rc);
	rc = open_or_set_aside(file);
	if (rc == 0)
		return 0;
	lmdb_file_close(file);
	return err_set(err, ERR_CONFIG, "counters",
	    "counters: cannot open %s: %s; the directory must exist and "
	    "belong to the milter's user",
	    directory, mdb_strerror(rc));
}

void
lmdb_file_close(struct lmdb_file *file)
{
	(void)lmdb_file_sync(file);
	mdb_env_close(file->env);
	file->env = NULL;
	free(file->directory);
	(void)pthread_mutex_destroy(&file->map);
}

/* --- at work -------------------------------------------------------------- */

static int
set_size(struct lmdb_file *file, size_t bytes)
{
	int rc;

	(void)pthread_mutex_lock(&file->map);
	rc = mdb_env_set_mapsize(file->env, bytes);
	(void)pthread_mutex_unlock(&file->map);
	return rc;
}

static int
reopen(struct lmdb_file *file)
{
	int rc;

	(void)pthread_mutex_lock(&file->map);
	mdb_env_close(file->env);
	file->env = NULL;
	rc = open_or_set_aside(file);
	(void)pthread_mutex_unlock(&file->map);
	return rc;
}

/* Another process may have made the map larger: follow it. */
int
lmdb_file_begin(struct lmdb_file *file, unsigned flags, MDB_txn **txn)
{
	int rc = file->env == NULL ? reopen(file) : 0;

	if (rc != 0)
		return rc;
	rc = mdb_txn_begin(file->env, NULL, flags, txn);
	if (rc != MDB_MAP_RESIZED)
		return rc;
	rc = set_size(file, 0);
	if (rc != 0)
		return rc;
	return mdb_txn_begin(file->env, NULL, flags, txn);
}

int
lmdb_file_grow(struct lmdb_file *file)
{
	MDB_envinfo info;
	size_t more;
	int rc = mdb_env_info(file->env, &info);

	if (rc != 0)
		return rc;
	more = info.me_mapsize / 8;
	if (more < GROW_MIN)
		more = GROW_MIN;
	return set_size(file, info.me_mapsize + more);
}

/* The file behind the environment, by a descriptor of its own; -1: none. */
static int
own_descriptor(struct lmdb_file *file, int *rc)
{
	mdb_filehandle_t fd;
	int own = -1;

	*rc = 0;
	(void)pthread_mutex_lock(&file->map);
	if (file->env != NULL)
		*rc = mdb_env_get_fd(file->env, &fd);
	if (file->env != NULL && *rc == 0) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		*rc = own < 0 ? errno : 0;
	}
	(void)pthread_mutex_unlock(&file->map);
	return own;
}

/*
 * All that mdb_env_sync does without MDB_WRITEMAP; but that needs the
 * environment, and a message that finds it full or broken would wait for the
 * disk.
 */
int
lmdb_file_sync(struct lmdb_file *file)
{
	int rc, fd = own_descriptor(file, &rc);

	if (fd < 0)
		return rc;
	do
		rc = fdatasync(fd) < 0 ? errno : 0;
	while (rc == EINTR);
	(void)close(fd);
	return rc;
}

int
lmdb_file_is_disk(int rc)
{
	return rc == EIO || rc == ENOSPC || rc == EDQUOT || rc == EROFS ||
	       rc == MDB_PANIC;
}

int
lmdb_file_recover(struct lmdb_file *file, int rc)
{
	int damaged = is_damage(rc);

	if (!damaged && rc != MDB_PANIC && rc != EIO)
		return 0;
	if (damaged)
		set_aside(file->directory, rc);
	rc = reopen(file);
	if (rc != 0 && damaged)
		log_warn(NULL,
		    "the counters' file cannot be opened again: directory=%s "
		    "reason=%s",
		    file->directory, mdb_strerror(rc));
	return rc == 0;
}
