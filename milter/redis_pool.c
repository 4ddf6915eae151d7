/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_pool - see redis_pool.h.
 *
 * Eight connections: a call takes a tenth of a millisecond, so that a few are
 * enough for libmilter's workers, and one that is slow does not hold up the
 * others. The password is read from its file each time.
 */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "redis_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "mem.h"
#include "secretfile.h"

#define LINKS 8
#define CONNECT_MS 1000 /* for one connection with all that belongs to it */
#define SENTINEL_MS 300 /* for one Sentinel; the next one may be there */

struct redis_pool {
	struct conf_counters store;
	char *password_file;
	char *ca_file;
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct redis_link *idle[LINKS]; /* the longest idle first */
	size_t idle_count;
	struct redis_link *lent[LINKS];
	size_t lent_count;
};

/* One attempt to connect. */
struct attempt {
	const struct redis_pool *pool;
	struct secret password;
	struct redis_tls_context *tls;
	struct conf_counters_server server;
};

/* --- one connection ------------------------------------------------------- */

static int
say(struct redis_link *link, const struct redis_words *words,
    struct buf *answer, int64_t until_ms, struct err *err)
{
	buf_init(answer, REDIS_LINK_ANSWER_MAX);
	return redis_link_call(link, words, until_ms, answer, err);
}

/* Say it, the answer being no more than "OK"; the words are cleared. */
static int
tell(struct redis_link *link, struct redis_words *words, int64_t until_ms,
    struct err *err)
{
	struct buf answer;
	int rc = say(link, words, &answer, until_ms, err);

	buf_clear(&answer);
	redis_words_clear(words);
	return rc;
}

static int
authenticate(const struct attempt *attempt, struct redis_link *link,
    int64_t until_ms, struct err *err)
{
	const struct conf_counters *store = &attempt->pool->store;
	struct redis_words words;

	if (secret_empty(&attempt->password))
		return 0;
	redis_words_init(&words);
	redis_words_add(&words, "AUTH");
	if (store->user[0] != '\0')
		redis_words_add(&words, "%s", store->user);
	redis_words_add(&words, "%s", secret_reveal(&attempt->password));
	return tell(link, &words, until_ms, err);
}

static int
choose_database(
    int db, struct redis_link *link, int64_t until_ms, struct err *err)
{
	struct redis_words words;

	if (db == 0)
		return 0;
	redis_words_init(&words);
	redis_words_add(&words, "SELECT");
	redis_words_add(&words, "%d", db);
	return tell(link, &words, until_ms, err);
}

static struct redis_link *
connect_one(const struct attempt *attempt, struct err *err)
{
	const struct conf_counters *store = &attempt->pool->store;
	int64_t until_ms = clock_boot_ms() + CONNECT_MS;
	struct redis_link_peer peer = {
	    .path = store->path[0] != '\0' ? store->path : NULL,
	    .host = attempt->server.host,
	    .port = attempt->server.port,
	    .tls = attempt->tls};
	struct redis_link *link = redis_link_open(&peer, until_ms, err);

	if (link == NULL)
		return NULL;
	if (authenticate(attempt, link, until_ms, err) == 0 &&
	    choose_database(store->db, link, until_ms, err) == 0)
		return link;
	redis_link_close(link);
	return NULL;
}

/* --- Sentinel ------------------------------------------------------------- */

/* "host\nport\n" */
static int
take_master(struct attempt *attempt, const struct buf *answer, struct err *err)
{
	char *const fields[] = {attempt->server.host, attempt->server.port};
	const size_t sizes[] = {
	    sizeof(attempt->server.host), sizeof(attempt->server.port)};
	const char *text = answer->data != NULL ? answer->data : "";
	size_t i, len;

	for (i = 0; i < 2; i++, text += len + 1) {
		len = strcspn(text, "\n");
		if (text[len] != '\n' || len == 0 || len >= sizes[i])
			return err_set(err, ERR_CONFIG, "sentinel",
			    "Sentinel knows no master \"%s\"",
			    attempt->pool->store.master);
		memcpy(fields[i], text, len);
		fields[i][len] = '\0';
	}
	return 0;
}

static int
ask_link(struct attempt *attempt, struct redis_link *link, int64_t until_ms,
    struct err *err)
{
	struct redis_words words;
	struct buf answer;
	int rc;

	redis_words_init(&words);
	redis_words_add(&words, "SENTINEL");
	redis_words_add(&words, "get-master-addr-by-name");
	redis_words_add(&words, "%s", attempt->pool->store.master);
	rc = say(link, &words, &answer, until_ms, err);
	/* Sentinels are often open when the servers are not. */
	if (rc < 0 && strcmp(err->code, "NOAUTH") == 0 &&
	    authenticate(attempt, link, until_ms, err) == 0) {
		buf_clear(&answer);
		rc = say(link, &words, &answer, until_ms, err);
	}
	if (rc == 0)
		rc = take_master(attempt, &answer, err);
	buf_clear(&answer);
	redis_words_clear(&words);
	return rc;
}

static int
ask_sentinel(struct attempt *attempt,
    const struct conf_counters_server *sentinel, struct err *err)
{
	int64_t until_ms = clock_boot_ms() + SENTINEL_MS;
	struct redis_link_peer peer = {.host = sentinel->host,
	    .port = sentinel->port,
	    .tls = attempt->tls};
	struct redis_link *link = redis_link_open(&peer, until_ms, err);
	int rc;

	if (link == NULL)
		return -1;
	rc = ask_link(attempt, link, until_ms, err);
	redis_link_close(link);
	return rc;
}

static int
find_server(struct attempt *attempt, struct err *err)
{
	const struct conf_counters *store = &attempt->pool->store;
	size_t i;

	if (store->master[0] == '\0') {
		attempt->server = store->servers[0];
		return 0;
	}
	for (i = 0; i < store->server_count; i++)
		if (ask_sentinel(attempt, &store->servers[i], err) == 0)
			return 0;
	return -1;
}

/* --- all of them ---------------------------------------------------------- */

static void
add_link(struct redis_pool *pool, struct redis_link *link)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->idle[pool->idle_count++] = link;
	(void)pthread_mutex_unlock(&pool->lock);
}

static int
connect_all(struct attempt *attempt, struct redis_pool *pool,
    struct redis_link **extra, struct err *err)
{
	struct redis_link *link;
	size_t i;

	if (find_server(attempt, err) < 0)
		return -1;
	for (i = 0; i < LINKS; i++) {
		link = connect_one(attempt, err);
		if (link == NULL) {
			redis_pool_drop(pool);
			return -1;
		}
		add_link(pool, link);
	}
	*extra = connect_one(attempt, err);
	if (*extra == NULL)
		redis_pool_drop(pool);
	return *extra != NULL ? 0 : -1;
}

int
redis_pool_connect(
    struct redis_pool *pool, struct redis_link **extra, struct err *err)
{
	struct attempt attempt = {.pool = pool, .password = SECRET_INIT};
	int rc = 0;

	redis_pool_drop(pool);
	if (pool->password_file != NULL)
		rc = secretfile_read(
		    pool->password_file, &attempt.password, err);
	if (rc == 0 && pool->store.tls) {
		attempt.tls = redis_tls_context_new(pool->ca_file, err);
		rc = attempt.tls != NULL ? 0 : -1;
	}
	if (rc == 0)
		rc = connect_all(&attempt, pool, extra, err);
	redis_tls_context_free(attempt.tls);
	secret_clear(&attempt.password);
	return rc;
}

void
redis_pool_drop(struct redis_pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	while (pool->idle_count > 0)
		redis_link_close(pool->idle[--pool->idle_count]);
	pool->lent_count = 0; /* forgotten: closed when given back */
	(void)pthread_cond_broadcast(&pool->given);
	(void)pthread_mutex_unlock(&pool->lock);
}

/* Wait for one to be given back; 0 when the time is over. */
static int
wait_given(struct redis_pool *pool, int64_t until_ms)
{
	int64_t left = until_ms - clock_boot_ms();
	struct timespec until;

	if (left <= 0)
		return 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += left / 1000;
	until.tv_nsec += left % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	return pthread_cond_clockwait(
		   &pool->given, &pool->lock, CLOCK_MONOTONIC, &until) == 0;
}

struct redis_link *
redis_pool_take(struct redis_pool *pool, int64_t until_ms)
{
	struct redis_link *link = NULL;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->idle_count == 0 && pool->lent_count > 0 &&
	       wait_given(pool, until_ms))
		;
	if (pool->idle_count > 0) {
		link = pool->idle[0];
		pool->idle_count--;
		memmove(&pool->idle[0], &pool->idle[1],
		    pool->idle_count * sizeof(pool->idle[0]));
		pool->lent[pool->lent_count++] = link;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return link;
}

/* 1 if it was lent since the last drop; it is not any more. */
static int
returned(struct redis_pool *pool, const struct redis_link *link)
{
	size_t i;

	for (i = 0; i < pool->lent_count; i++)
		if (pool->lent[i] == link) {
			pool->lent[i] = pool->lent[--pool->lent_count];
			return 1;
		}
	return 0;
}

void
redis_pool_give(struct redis_pool *pool, struct redis_link *link)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (returned(pool, link) && !redis_link_broken(link)) {
		pool->idle[pool->idle_count++] = link;
		link = NULL;
	}
	(void)pthread_cond_signal(&pool->given);
	(void)pthread_mutex_unlock(&pool->lock);
	redis_link_close(link);
}

struct redis_pool *
redis_pool_new(const struct conf_counters *store, const char *password_file,
    const char *ca_file)
{
	struct redis_pool *pool = mem_zalloc(1, sizeof(*pool));

	pool->store = *store;
	pool->password_file = mem_strdup(password_file);
	pool->ca_file = mem_strdup(ca_file);
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->given, NULL);
	return pool;
}

void
redis_pool_free(struct redis_pool *pool)
{
	redis_pool_drop(pool);
	(void)pthread_mutex_destroy(&pool->lock);
	(void)pthread_cond_destroy(&pool->given);
	free(pool->password_file);
	free(pool->ca_file);
	free(pool);
}
