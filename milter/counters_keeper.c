/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_keeper - see counters_keeper.h.
 *
 * A store that goes again soon after it came back is given
 * longer and longer rests, so that a flapping one is no flood of lines.
 */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "counters_keeper.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "counters_news.h"
#include "log.h"

#define EVERY_MS 200  /* between two times of hearing */
#define CHECK_MS 1000 /* between two looks at a store that serves */
#define CALL_MS 1000  /* for a call nobody waits for */
#define LAST_MS 15    /* for one that holds up those who count */
#define QUICK_MS 20   /* a store that is slower is no help */
#define YOUNG_MS 8000 /* longer than any store is young */

/* The last of the old connection is heard before there is a new one. */
static void
replace_news(struct counters_state *keeper, struct redis_link *link)
{
	(void)pthread_mutex_lock(&keeper->deciding);
	counters_state_hear(keeper);
	redis_link_close(keeper->news);
	keeper->news = link;
	(void)pthread_mutex_unlock(&keeper->deciding);
}

/* --- giving back ---------------------------------------------------------- */

static int
push_some(struct counters_state *keeper, struct redis_link *link,
    const struct counters_own_part *own, size_t count, int64_t until_ms,
    struct err *err)
{
	struct counters_redis_part parts[COUNTERS_OWN_LIST_MAX];
	struct counters_script_call call;
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		memcpy(parts[i].key, own[i].key, sizeof(parts[i].key));
		parts[i].ring = own[i].ring;
	}
	counters_state_call(keeper, &call, link, until_ms);
	rc = counters_redis_push(&call, parts, count, err);
	for (i = 0; i < count && rc == 0; i++)
		rc = counters_own_heard(
		    keeper->own, call.now_ms, &own[i], parts[i].total, err);
	return rc;
}

/* All, or what it has not heard of, until last_ms or for as long as it takes.*/
static int
push(struct counters_state *keeper, struct redis_link *link, int unheard,
    int64_t last_ms, struct err *err)
{
	struct counters_own_part parts[COUNTERS_OWN_LIST_MAX];
	char after[COUNTERS_KEY_MAX] = "";
	size_t count;
	int rc;

	for (;;) {
		rc = counters_own_list(
		    keeper->own, unheard, after, parts, &count, err);
		if (rc < 0 || count == 0)
			return rc;
		rc = push_some(keeper, link, parts, count,
		    last_ms != 0 ? last_ms : clock_boot_ms() + CALL_MS, err);
		if (rc < 0)
			return rc;
	}
}

/* --- coming back ---------------------------------------------------------- */

/*
 * The hosts, without the server's name in front of them. One that has just
 * started and has counted before does not know whom with.
 */
static const char *
known_hosts(const struct counters_state *keeper)
{
	struct counters_own_part parts[COUNTERS_OWN_LIST_MAX];
	char after[COUNTERS_KEY_MAX] = "";
	const char *text = keeper->hosts.data;
	struct err err;
	size_t count;

	if (text == NULL)
		return counters_own_list(
			   keeper->own, 0, after, parts, &count, &err) == 0 &&
			       count == 0
			   ? ""
			   : "?";
	text += strcspn(text, "\n");
	return *text == '\n' ? text + 1 : text;
}

static int
greet(struct counters_state *keeper, struct redis_link *link, struct err *err)
{
	struct counters_script_call call;

	counters_state_call(keeper, &call, link, clock_boot_ms() + CALL_MS);
	if (counters_redis_hello(&call, known_hosts(keeper), err) < 0)
		return -1;
	own_file_follow(keeper->own, call.now_ms);
	return push(keeper, link, 0, 0, err);
}

/* Until the store has heard of all hosts. */
static int
wait_for_others(
    struct counters_state *keeper, struct redis_link *link, struct err *err)
{
	struct counters_script_call call;
	int64_t began_ms = clock_boot_ms(), asked_ms;

	for (;;) {
		asked_ms = clock_boot_ms();
		counters_state_call(keeper, &call, link, asked_ms + CALL_MS);
		if (counters_redis_done(&call, &keeper->hosts, err) < 0)
			return -1;
		if (clock_boot_ms() - asked_ms > QUICK_MS)
			return err_set(err, ERR_TEMPORARY, "slow",
			    "the server is too slow, it took %lld ms",
			    (long long)(clock_boot_ms() - asked_ms));
		if (!call.young)
			return 0;
		if (clock_boot_ms() - began_ms > YOUNG_MS)
			return err_set(err, ERR_TEMPORARY, "young",
			    "the server waits for other hosts without end");
		if (!counters_state_rest(keeper, 100))
			return err_set(err, ERR_TEMPORARY, "stop", "stopping");
		if (push(keeper, link, 1, 0, err) < 0)
			return -1;
	}
}

/* With nobody counting here: what is left to push is little by now. */
static int
take_over(
    struct counters_state *keeper, struct redis_link *link, struct err *err)
{
	int rc = push(keeper, link, 1, 0, err);

	if (rc < 0)
		return -1;
	(void)pthread_mutex_lock(&keeper->deciding);
	rc = push(keeper, link, 1, clock_boot_ms() + LAST_MS, err);
	if (rc == 0)
		counters_state_back(keeper);
	(void)pthread_mutex_unlock(&keeper->deciding);
	return rc;
}

static int
come_back(struct counters_state *keeper, struct err *err)
{
	struct redis_link *link, *news;
	int rc;

	(void)pthread_mutex_lock(&keeper->lock);
	while (keeper->inside > 0)
		counters_state_wait(keeper, CALL_MS);
	(void)pthread_mutex_unlock(&keeper->lock);
	if (redis_pool_connect(keeper->pool, &news, err) < 0)
		return -1;
	rc = counters_news_listen(news, clock_boot_ms() + CALL_MS, err);
	replace_news(keeper, news);
	if (rc < 0)
		return -1;
	link = redis_pool_take(keeper->pool, 0);
	if (link == NULL)
		return err_set(err, ERR_BUG, "redis", "no connection");
	rc = greet(keeper, link, err);
	if (rc == 0)
		rc = wait_for_others(keeper, link, err);
	if (rc == 0)
		rc = take_over(keeper, link, err);
	redis_pool_give(keeper->pool, link);
	if (rc < 0)
		redis_pool_drop(keeper->pool);
	return rc;
}

/* --- the thread ----------------------------------------------------------- */

/* A store that serves: is it still there, and the same? */
static void
look_after(struct counters_state *keeper)
{
	struct redis_link *link =
	    redis_pool_take(keeper->pool, clock_boot_ms() + CALL_MS);
	struct counters_script_call call;
	struct err err;
	char run[64];
	int rc;

	if (link == NULL)
		return; /* whoever has them will say so */
	(void)snprintf(run, sizeof(run), "%.*s",
	    (int)strcspn(keeper->hosts.data, "\n"), keeper->hosts.data);
	counters_state_call(keeper, &call, link, clock_boot_ms() + CALL_MS);
	rc = counters_redis_check(&call, run, &err);
	if (rc == 0 && counters_state_take_unheard(keeper))
		rc = push(keeper, link, 1, 0, &err);
	redis_pool_give(keeper->pool, link);
	if (rc < 0)
		counters_state_lost(keeper, &err);
}

/* Errors that do not pass by themselves. */
static int
is_urgent(const struct err *err)
{
	static const char *const codes[] = {
	    "WRONGPASS", "NOAUTH", "NOPERM", "ERR", "tls"};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(err->code, codes[i]) == 0)
			return 1;
	return err->kind == ERR_CONFIG;
}

static void
try_again(struct counters_state *keeper)
{
	struct err err;
	int rc = come_back(keeper, &err);

	(void)pthread_mutex_lock(&keeper->lock);
	/* Nobody can connect: it is away for all. */
	if (rc < 0 && strcmp(err.code, REDIS_LINK_LATE) != 0)
		keeper->doubts_ms = 0;
	if (rc < 0 && !keeper->stop)
		counters_state_say(keeper, err.text, is_urgent(&err));
	keeper->tried = 1;
	(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
	if (rc == 0)
		return;
	keeper->delay_ms *= 2;
	if (keeper->delay_ms > COUNTERS_STATE_DELAY_MAX_MS)
		keeper->delay_ms = COUNTERS_STATE_DELAY_MAX_MS;
}

/* While it serves: look after it now and then. 0 when it is to stop. */
static int
serve(struct counters_state *keeper)
{
	int64_t next_ms = clock_boot_ms() + CHECK_MS;

	look_after(keeper);
	while (counters_state_serving(keeper) && clock_boot_ms() < next_ms) {
		if (!counters_state_rest(keeper, EVERY_MS))
			return 0;
		counters_state_hear_all(keeper);
	}
	return 1;
}

static void *
keep(void *arg)
{
	struct counters_state *keeper = arg;
	int go_on;

	do {
		if (!counters_state_serving(keeper))
			try_again(keeper);
		go_on = counters_state_serving(keeper) ? serve(keeper) : 1;
		if (go_on && !counters_state_serving(keeper))
			go_on = counters_state_rest(keeper, keeper->delay_ms);
	} while (go_on);
	return NULL;
}

int
counters_keeper_start(struct counters_state *keeper, struct err *err)
{
	sigset_t all, before;
	int rc;

	(void)pthread_mutex_init(&keeper->deciding, NULL);
	(void)pthread_mutex_init(&keeper->lock, NULL);
	(void)pthread_cond_init(&keeper->changed, NULL);
	buf_init(&keeper->hosts, REDIS_LINK_ANSWER_MAX);
	keeper->delay_ms = COUNTERS_STATE_DELAY_MS;
	keeper->changed_ms = clock_boot_ms();
	/* Signals are for the first thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&keeper->thread, NULL, keep, keeper);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_errno(
		    err, ERR_TEMPORARY, rc, "cannot start a thread");
	(void)pthread_mutex_lock(&keeper->lock);
	while (!keeper->tried && clock_boot_ms() < keeper->changed_ms + CALL_MS)
		counters_state_wait(keeper, 50);
	/* From here on this host counts alone, which nobody else says. */
	if (!keeper->tried && !keeper->serving)
		counters_state_say(
		    keeper, "the server did not answer in time", 0);
	(void)pthread_mutex_unlock(&keeper->lock);
	return 0;
}

void
counters_keeper_stop(struct counters_state *keeper)
{
	(void)pthread_mutex_lock(&keeper->lock);
	keeper->stop = 1;
	(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
	(void)pthread_join(keeper->thread, NULL);
	buf_clear(&keeper->hosts);
	redis_link_close(keeper->news);
	(void)pthread_mutex_destroy(&keeper->deciding);
	(void)pthread_mutex_destroy(&keeper->lock);
	(void)pthread_cond_destroy(&keeper->changed);
}
