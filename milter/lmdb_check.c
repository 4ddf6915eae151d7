/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_check - see lmdb_check.h.
 */
#include "lmdb_check.h"

#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FREE_PAGES 0	  /* LMDB's own database */
#define DATABASES 8	  /* more than an environment of ours has */
#define PART_ENTRIES 4096 /* written in a transaction: they are in memory */
#define LONGEST_S 3	  /* of processor time: pages in a ring have no end */
#define NAME_MAX_LEN 64
#define KEY_MAX_LEN 512

#define DAMAGED 1 /* exit code */

/* Pages not as they must be: LMDB would abort. */
static void
give_up(MDB_env *env, const char *text)
{
	(void)env;
	(void)text;
	_exit(DAMAGED);
}

/* Bytes that do not change when their page does. */
static int
keep(MDB_val *val, char *room, size_t size)
{
	if (val->mv_size > size)
		return MDB_CORRUPTED;
	memcpy(room, val->mv_data, val->mv_size);
	val->mv_data = room;
	return 0;
}

/* Take it out and put it back, so that its page has to be right. */
static int
replace(MDB_cursor *cursor, MDB_val *key, MDB_val *data)
{
	MDB_txn *txn = mdb_cursor_txn(cursor);
	MDB_dbi dbi = mdb_cursor_dbi(cursor);
	MDB_val same = *key;
	int rc = mdb_del(txn, dbi, &same, NULL);

	if (rc == 0)
		rc = mdb_put(txn, dbi, &same, data, 0);
	if (rc == 0)
		rc = mdb_cursor_get(cursor, &same, data, MDB_SET);
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

/*
 * Replace entries from *key on, PART_ENTRIES at most; *key is then the next
 * one's. MDB_NOTFOUND behind the last.
 */
static int
replace_some(MDB_cursor *cursor, MDB_val *key, char name[KEY_MAX_LEN])
{
	static char value[1 << 16];
	MDB_val data;
	int i, rc;

	rc = mdb_cursor_get(
	    cursor, key, &data, key->mv_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
	for (i = 0; i < PART_ENTRIES && rc == 0; i++) {
		rc = keep(key, name, KEY_MAX_LEN);
		if (rc == 0)
			rc = keep(&data, value, sizeof(value));
		if (rc == 0)
			rc = replace(cursor, key, &data);
		if (rc == 0)
			rc = mdb_cursor_get(cursor, key, &data, MDB_NEXT);
	}
	return rc == 0 ? keep(key, name, KEY_MAX_LEN) : rc;
}

static int
check_part(
    MDB_env *env, const char *database, MDB_val *key, char name[KEY_MAX_LEN])
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	MDB_dbi dbi;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, database, 0, &dbi);
	if (rc == 0)
		rc = mdb_cursor_open(txn, dbi, &cursor);
	if (rc == 0)
		rc = replace_some(cursor, key, name);
	mdb_txn_abort(txn);
	return rc;
}

static int
check_database(MDB_env *env, const char *database)
{
	char name[KEY_MAX_LEN];
	MDB_val key = {.mv_size = 0};
	int rc;

	do
		rc = check_part(env, database, &key, name);
	while (rc == 0);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The names of all databases; how many, or -1 with *rc. */
static int
list_databases(MDB_env *env, char names[DATABASES][NAME_MAX_LEN], int *rc)
{
	MDB_val key, data;
	MDB_cursor *cursor;
	MDB_txn *txn;
	MDB_dbi dbi;
	int count = 0;

	*rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (*rc != 0)
		return -1;
	*rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (*rc == 0)
		*rc = mdb_cursor_open(txn, dbi, &cursor);
	while (*rc == 0 && count < DATABASES) {
		*rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
		if (*rc != 0 || key.mv_size >= NAME_MAX_LEN)
			break;
		memcpy(names[count], key.mv_data, key.mv_size);
		names[count++][key.mv_size] = '\0';
	}
	mdb_txn_abort(txn);
	return *rc == 0 || *rc == MDB_NOTFOUND ? count : -1;
}

/* A list of free pages: how many, and their numbers, the highest first. */
static int
check_free(const MDB_val *data, size_t last)
{
	size_t count, i, page, before = last + 1;

	if (data->mv_size < sizeof(count) || data->mv_size % sizeof(count) != 0)
		return MDB_CORRUPTED;
	memcpy(&count, data->mv_data, sizeof(count));
	if (count > data->mv_size / sizeof(count) - 1)
		return MDB_CORRUPTED;
	for (i = 1; i <= count; i++) {
		memcpy(&page, (const char *)data->mv_data + i * sizeof(page),
		    sizeof(page));
		if (page >= before || page < 2)
			return MDB_CORRUPTED;
		before = page;
	}
	return 0;
}

/* LMDB believes what is written there. */
static int
check_free_pages(MDB_env *env)
{
	MDB_envinfo info;
	MDB_val key, data;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc = mdb_env_info(env, &info);

	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_cursor_open(txn, FREE_PAGES, &cursor);
	while (rc == 0) {
		rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
		if (rc == 0 && key.mv_size != sizeof(size_t))
			rc = MDB_CORRUPTED;
		if (rc == 0)
			rc = check_free(&data, info.me_last_pgno);
	}
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
check_all(MDB_env *env)
{
	char names[DATABASES][NAME_MAX_LEN];
	int i, rc, count = list_databases(env, names, &rc);

	rc = count < 0 ? rc : check_free_pages(env);
	for (i = 0; i < count && rc == 0; i++)
		rc = check_database(env, names[i]);
	return rc;
}

static int
is_damage(int rc)
{
	return rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ||
	       rc == MDB_INCOMPATIBLE || rc == MDB_BAD_VALSIZE || rc == EINVAL;
}

/* In the process of its own. */
static void
check(const char *directory, size_t bytes)
{
	static const struct itimerval longest = {.it_value.tv_sec = LONGEST_S};
	static const int deadly[] = {
	    SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGVTALRM};
	sigset_t alarms;
	size_t i;
	MDB_env *env;
	int rc;

	for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		(void)signal(deadly[i], SIG_DFL);
	(void)sigemptyset(&alarms);
	(void)sigaddset(&alarms, SIGVTALRM);
	(void)sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	(void)setitimer(ITIMER_VIRTUAL, &longest, NULL);
	rc = mdb_env_create(&env);
	if (rc != 0)
		_exit(0);
	(void)mdb_env_set_assert(env, give_up);
	(void)mdb_env_set_maxdbs(env, DATABASES);
	(void)mdb_env_set_mapsize(env, bytes);
	rc = mdb_env_open(env, directory, MDB_NOSYNC, 0600);
	_exit(rc == 0 && is_damage(check_all(env)) ? DAMAGED : 0);
}

int
lmdb_check(const char *directory, size_t bytes)
{
	pid_t pid = fork(), got;
	int status;

	if (pid == 0)
		check(directory, bytes);
	if (pid < 0)
		return 0;
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	return got != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		   ? 0
		   : MDB_CORRUPTED;
}
