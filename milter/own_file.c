/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_file - see own_file.h.
 */
#include "own_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "clock.h"
#include "lmdb_work.h"
#include "log.h"
#include "mem.h"

#define FILE_BYTES ((size_t)1 << 30)
#define SWEEP_KEYS 256 /* looked at in a tick */

/* A clock behind by less is no other clock. */
#define SLACK_MS 1000

struct own_file {
	struct lmdb_file file;
	pthread_mutex_t lock;
	char name[OWN_FILE_NAME_MAX];
	char sweep[LMDB_WORK_KEY_MAX + 1];
	int dirty;
	int64_t clock_ms; /* the store's clock, when this machine's was: */
	int64_t boot_ms;
};

/* --- one transaction ------------------------------------------------------ */

static int64_t
expected(const struct own_file *own)
{
	return own->clock_ms == 0
		   ? 0
		   : own->clock_ms + clock_boot_ms() - own->boot_ms;
}

static int
run_once(struct own_file *own, unsigned flags, own_task task, void *with)
{
	struct lmdb_work work;
	int rc = lmdb_work_begin(&work, &own->file, flags);

	if (rc != 0)
		return rc;
	if (own->clock_ms != 0)
		lmdb_work_set_time(&work, expected(own));
	rc = task(own, &work, with);
	if (rc == 0 && flags == 0)
		return lmdb_work_commit(&work, 1);
	lmdb_work_abort(&work);
	return rc;
}

static int
put_name(struct own_file *own, struct lmdb_work *work, void *with)
{
	(void)with;
	return lmdb_work_put_word(work, "name", own->name);
}

static int
sweep(struct own_file *own, struct lmdb_work *work, void *with)
{
	const size_t *most = with;

	return lmdb_work_sweep(work, own->sweep, *most);
}

int
own_file_run(struct own_file *own, unsigned flags, own_task task, void *with,
    struct err *err)
{
	size_t most = SWEEP_KEYS;
	int rc;

	(void)pthread_mutex_lock(&own->lock);
	own->dirty |= flags == 0 && task != sweep;
	rc = run_once(own, flags, task, with);
	if (rc == MDB_MAP_FULL) {
		rc = lmdb_file_grow(&own->file);
		if (rc == 0)
			rc = run_once(own, 0, sweep, &most);
		if (rc == 0)
			rc = run_once(own, flags, task, with);
	}
	if (rc != 0 && lmdb_file_recover(&own->file, rc)) {
		rc = run_once(own, 0, put_name, NULL);
		if (rc == 0)
			rc = run_once(own, flags, task, with);
	}
	(void)pthread_mutex_unlock(&own->lock);
	if (rc == 0)
		return 0;
	return err_set(err, ERR_TEMPORARY, "counters",
	    "counters: this host's own: %s", mdb_strerror(rc));
}

/* --- time ----------------------------------------------------------------- */

static int
rebase(struct own_file *own, struct lmdb_work *work, void *with)
{
	const int64_t *now_ms = with;
	char key[LMDB_WORK_KEY_MAX + 1] = "";
	struct limit_ring ring;
	int rc;

	(void)own;
	while ((rc = lmdb_work_next(work, key, &ring)) == 0) {
		limit_rebase(&ring, *now_ms);
		rc = lmdb_work_put(work, key, &ring);
		if (rc != 0)
			return rc;
	}
	lmdb_work_set_time(work, *now_ms);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
read_time(struct own_file *own, struct lmdb_work *work, void *with)
{
	int64_t *now_ms = with;

	(void)own;
	*now_ms = work->now_ms;
	return 0;
}

void
own_file_follow(struct own_file *own, int64_t now_ms)
{
	int64_t before = 0;
	int rc = 0;

	(void)pthread_mutex_lock(&own->lock);
	if (own->clock_ms != 0)
		before = expected(own);
	else
		rc = run_once(own, MDB_RDONLY, read_time, &before);
	own->clock_ms = now_ms;
	own->boot_ms = clock_boot_ms();
	/* Another clock, which is behind: nothing may be later than now. */
	if (rc == 0 && before > now_ms + SLACK_MS)
		rc = run_once(own, 0, rebase, &now_ms);
	(void)pthread_mutex_unlock(&own->lock);
	if (rc != 0)
		log_warn(NULL, "cannot set the clock of the counters: %s",
		    mdb_strerror(rc));
}

int64_t
own_file_expected(struct own_file *own)
{
	int64_t now_ms;

	(void)pthread_mutex_lock(&own->lock);
	now_ms = expected(own);
	(void)pthread_mutex_unlock(&own->lock);
	return now_ms;
}

void
own_file_tick(struct own_file *own)
{
	size_t most = SWEEP_KEYS;
	struct err err;
	int idle;

	(void)pthread_mutex_lock(&own->lock);
	idle = !own->dirty && own->sweep[0] == '\0';
	own->dirty = 0;
	(void)pthread_mutex_unlock(&own->lock);
	/* An idle relay leaves its disk alone. */
	if (idle)
		return;
	if (own_file_run(own, 0, sweep, &most, &err) < 0 ||
	    lmdb_file_sync(&own->file) != 0)
		log_warn(NULL, "cannot tidy this host's own counters");
}

/* --- opening -------------------------------------------------------------- */

static int
take_name(struct own_file *own, struct lmdb_work *work, void *with)
{
	unsigned char bytes[(OWN_FILE_NAME_MAX - 1) / 2];
	size_t i;
	int rc = lmdb_work_get_word(work, "name", own->name, sizeof(own->name));

	(void)with;
	if (rc != MDB_NOTFOUND)
		return rc;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return errno;
	for (i = 0; i < sizeof(bytes); i++)
		(void)snprintf(own->name + 2 * i, 3, "%02x", bytes[i]);
	return lmdb_work_put_word(work, "name", own->name);
}

const char *
own_file_name(const struct own_file *own)
{
	return own->name;
}

struct own_file *
own_file_open(const char *directory, struct err *err)
{
	struct own_file *own = mem_zalloc(1, sizeof(*own));

	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		(void)err_errno(err, ERR_CONFIG, errno,
		    "counters_local: cannot make %s", directory);
	else if (lmdb_file_open(&own->file, directory, FILE_BYTES, err) == 0) {
		(void)pthread_mutex_init(&own->lock, NULL);
		if (own_file_run(own, 0, take_name, NULL, err) == 0)
			return own;
		own_file_close(own);
		return NULL;
	}
	free(own);
	return NULL;
}

void
own_file_close(struct own_file *own)
{
	if (own == NULL)
		return;
	(void)pthread_mutex_destroy(&own->lock);
	lmdb_file_close(&own->file);
	free(own);
}
