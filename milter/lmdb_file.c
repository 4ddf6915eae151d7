/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_file - see lmdb_file.h.
 *
 * Never MDB_WRITEMAP: on a full disk it dies of SIGBUS.
 */
#include "lmdb_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "mem.h"

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
open_environment(struct lmdb_file *file, const char *directory, size_t bytes)
{
	int rc = mdb_env_create(&file->env);

	if (rc != 0)
		return rc;
	(void)mdb_env_set_maxdbs(file->env, 4);
	rc = mdb_env_set_mapsize(file->env, bytes);
	if (rc == 0)
		rc = mdb_env_open(
		    file->env, directory, MDB_NOSYNC | MDB_NOTLS, 0600);
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
	       rc == MDB_PANIC || rc == MDB_INCOMPATIBLE;
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

int
lmdb_file_open(struct lmdb_file *file, const char *directory, size_t bytes,
    struct err *err)
{
	int rc = open_environment(file, directory, bytes);

	if (is_damage(rc)) {
		set_aside(directory, rc);
		rc = open_environment(file, directory, bytes);
	}
	if (rc == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "counters",
	    "counters: cannot open %s: %s; the directory must exist and "
	    "belong to the milter's user",
	    directory, mdb_strerror(rc));
}

void
lmdb_file_close(struct lmdb_file *file)
{
	(void)mdb_env_sync(file->env, 1);
	mdb_env_close(file->env);
}
