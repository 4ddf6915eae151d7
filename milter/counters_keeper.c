/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_keeper - see counters_keeper.h.
 *
 * Logs when the store goes, when the reason for its absence is another one, and
 * when it is back. A store that goes again soon after it came back is given
 * longer and longer rests, so that a flapping one is no flood of lines.
 */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "counters_keeper.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"

#define DOUBTS_MS 1000
#define AGAIN_MS 60000	   /* before another reason is said */
#define CHECK_MS 1000	   /* between two looks at a store that serves */
#define CALL_MS 1000	   /* for a call nobody waits for */
#define LAST_MS 15	   /* for one that holds up those who count */
#define QUICK_MS 20	   /* a store that is slower is no help */
#define YOUNG_MS 8000	   /* longer than any store is young */
#define FIRST_DELAY_MS 100 /* before the next attempt, doubled */
#define LAST_DELAY_MS 3000 /* up to this */
#define STEADY_MS 10000	   /* served for so long: begin anew */

void
counters_keeper_call(struct counters_keeper *keeper,
    struct counters_redis_call *call, struct redis_link *link, int64_t until_ms)
{
	*call = (struct counters_redis_call){.link = link,
	    .until_ms = until_ms,
	    .host = own_file_name(keeper->own),
	    .expected_ms = own_file_expected(keeper->own)};
}

/* --- waiting -------------------------------------------------------------- */

/* With the lock: until something changed or ms have passed. */
static void
wait_ms(struct counters_keeper *keeper, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_cond_clockwait(
	    &keeper->changed, &keeper->lock, CLOCK_MONOTONIC, &until);
}

/* Rest, unless it is to stop: then 0. */
static int
rest(struct counters_keeper *keeper, int64_t ms)
{
	int go_on;

	(void)pthread_mutex_lock(&keeper->lock);
	if (!keeper->stop)
		wait_ms(keeper, ms);
	go_on = !keeper->stop;
	(void)pthread_mutex_unlock(&keeper->lock);
	return go_on;
}

/* --- giving back ---------------------------------------------------------- */

static int
push_some(struct counters_keeper *keeper, struct redis_link *link,
    const struct counters_own_part *own, size_t count, int64_t until_ms,
    struct err *err)
{
	struct counters_redis_part parts[COUNTERS_OWN_LIST_MAX];
	struct counters_redis_call call;
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		memcpy(parts[i].key, own[i].key, sizeof(parts[i].key));
		parts[i].ring = own[i].ring;
	}
	counters_keeper_call(keeper, &call, link, until_ms);
	rc = counters_redis_push(&call, parts, count, err);
	for (i = 0; i < count && rc == 0; i++)
		rc = counters_own_heard(
		    keeper->own, call.now_ms, &own[i], parts[i].total, err);
	return rc;
}

/* All, or what it has not heard of, until last_ms or for as long as it takes.*/
static int
push(struct counters_keeper *keeper, struct redis_link *link, int unheard,
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
known_hosts(const struct counters_keeper *keeper)
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
greet(struct counters_keeper *keeper, struct redis_link *link, struct err *err)
{
	struct counters_redis_call call;

	counters_keeper_call(keeper, &call, link, clock_boot_ms() + CALL_MS);
	if (counters_redis_hello(&call, known_hosts(keeper), err) < 0)
		return -1;
	own_file_follow(keeper->own, call.now_ms);
	return push(keeper, link, 0, 0, err);
}

/* Until the store has heard of all hosts. */
static int
wait_for_others(
    struct counters_keeper *keeper, struct redis_link *link, struct err *err)
{
	struct counters_redis_call call;
	int64_t began_ms = clock_boot_ms(), asked_ms;

	for (;;) {
		asked_ms = clock_boot_ms();
		counters_keeper_call(keeper, &call, link, asked_ms + CALL_MS);
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
		if (!rest(keeper, 100))
			return err_set(err, ERR_TEMPORARY, "stop", "stopping");
		if (push(keeper, link, 1, 0, err) < 0)
			return -1;
	}
}

static void
set_serving(struct counters_keeper *keeper)
{
	(void)pthread_mutex_lock(&keeper->lock);
	if (keeper->said[0] != '\0')
		log_info(NULL,
		    "the shared counters are back: store=%s away_s=%lld",
		    keeper->store,
		    (long long)(clock_boot_ms() - keeper->changed_ms) / 1000);
	keeper->serving = 1;
	keeper->unheard = 0;
	keeper->said[0] = '\0';
	keeper->changed_ms = clock_boot_ms();
	(void)pthread_mutex_unlock(&keeper->lock);
}

/* With nobody counting here: what is left to push is little by now. */
static int
take_over(
    struct counters_keeper *keeper, struct redis_link *link, struct err *err)
{
	int rc = push(keeper, link, 1, 0, err);

	if (rc < 0)
		return -1;
	(void)pthread_mutex_lock(&keeper->deciding);
	rc = push(keeper, link, 1, clock_boot_ms() + LAST_MS, err);
	if (rc == 0)
		set_serving(keeper);
	(void)pthread_mutex_unlock(&keeper->deciding);
	return rc;
}

static int
come_back(struct counters_keeper *keeper, struct err *err)
{
	struct redis_link *link;
	int rc;

	(void)pthread_mutex_lock(&keeper->lock);
	while (keeper->inside > 0)
		wait_ms(keeper, CALL_MS);
	(void)pthread_mutex_unlock(&keeper->lock);
	if (redis_pool_connect(keeper->pool, err) < 0)
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

/* --- going ---------------------------------------------------------------- */

/*
 * With the lock. Said once; again only when it is the administrator who has to
 * do something, or when it lasts.
 */
static void
say_away(struct counters_keeper *keeper, const char *reason, int urgent)
{
	int64_t now_ms = clock_boot_ms();
	int first = keeper->said[0] == '\0';

	if (!first && (!urgent && now_ms - keeper->said_ms < AGAIN_MS))
		return;
	if (strncmp(keeper->said, reason, sizeof(keeper->said) - 1) == 0)
		return;
	(void)snprintf(keeper->said, sizeof(keeper->said), "%s", reason);
	keeper->said_ms = now_ms;
	if (first)
		log_warn(NULL,
		    "the shared counters are away, this host counts its share: "
		    "store=%s share=%d%% reason=%s",
		    keeper->store, keeper->share, reason);
	else
		log_warn(NULL,
		    "the shared counters cannot be used: store=%s reason=%s",
		    keeper->store, reason);
}

void
counters_keeper_lost(struct counters_keeper *keeper, const struct err *reason)
{
	(void)pthread_mutex_lock(&keeper->lock);
	if (keeper->serving) {
		keeper->serving = 0;
		if (clock_boot_ms() - keeper->changed_ms >= STEADY_MS)
			keeper->delay_ms = FIRST_DELAY_MS;
		keeper->changed_ms = clock_boot_ms();
		if (strcmp(reason->code, REDIS_LINK_LATE) == 0)
			keeper->doubts_ms = clock_boot_ms() + DOUBTS_MS;
		say_away(keeper, reason->text, 0);
		(void)pthread_cond_broadcast(&keeper->changed);
	}
	(void)pthread_mutex_unlock(&keeper->lock);
}

int
counters_keeper_serving(struct counters_keeper *keeper)
{
	int serving;

	(void)pthread_mutex_lock(&keeper->lock);
	serving = keeper->serving;
	(void)pthread_mutex_unlock(&keeper->lock);
	return serving;
}

int
counters_keeper_doubts(struct counters_keeper *keeper)
{
	int doubts;

	(void)pthread_mutex_lock(&keeper->lock);
	doubts = clock_boot_ms() < keeper->doubts_ms;
	(void)pthread_mutex_unlock(&keeper->lock);
	return doubts;
}

int
counters_keeper_enter(struct counters_keeper *keeper)
{
	int serving;

	(void)pthread_mutex_lock(&keeper->lock);
	serving = keeper->serving;
	keeper->inside += serving;
	(void)pthread_mutex_unlock(&keeper->lock);
	return serving;
}

void
counters_keeper_leave(struct counters_keeper *keeper)
{
	(void)pthread_mutex_lock(&keeper->lock);
	if (--keeper->inside == 0)
		(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
}

void
counters_keeper_unheard(struct counters_keeper *keeper)
{
	(void)pthread_mutex_lock(&keeper->lock);
	keeper->unheard = 1;
	(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
}

/* --- the thread ----------------------------------------------------------- */

static int
take_unheard(struct counters_keeper *keeper)
{
	int unheard;

	(void)pthread_mutex_lock(&keeper->lock);
	unheard = keeper->unheard;
	keeper->unheard = 0;
	(void)pthread_mutex_unlock(&keeper->lock);
	return unheard;
}

/* A store that serves: is it still there, and the same? */
static void
look_after(struct counters_keeper *keeper)
{
	struct redis_link *link =
	    redis_pool_take(keeper->pool, clock_boot_ms() + CALL_MS);
	struct counters_redis_call call;
	struct err err;
	char run[64];
	int rc;

	if (link == NULL)
		return; /* whoever has them will say so */
	(void)snprintf(run, sizeof(run), "%.*s",
	    (int)strcspn(keeper->hosts.data, "\n"), keeper->hosts.data);
	counters_keeper_call(keeper, &call, link, clock_boot_ms() + CALL_MS);
	rc = counters_redis_check(&call, run, &err);
	if (rc == 0 && take_unheard(keeper))
		rc = push(keeper, link, 1, 0, &err);
	redis_pool_give(keeper->pool, link);
	if (rc < 0)
		counters_keeper_lost(keeper, &err);
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
try_again(struct counters_keeper *keeper)
{
	struct err err;
	int rc = come_back(keeper, &err);

	(void)pthread_mutex_lock(&keeper->lock);
	/* Nobody can connect: it is away for all. */
	if (rc < 0 && strcmp(err.code, REDIS_LINK_LATE) != 0)
		keeper->doubts_ms = 0;
	if (rc < 0 && !keeper->stop)
		say_away(keeper, err.text, is_urgent(&err));
	keeper->tried = 1;
	(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
	if (rc == 0)
		return;
	keeper->delay_ms *= 2;
	if (keeper->delay_ms > LAST_DELAY_MS)
		keeper->delay_ms = LAST_DELAY_MS;
}

static void *
keep(void *arg)
{
	struct counters_keeper *keeper = arg;

	do {
		if (counters_keeper_serving(keeper))
			look_after(keeper);
		else
			try_again(keeper);
	} while (rest(keeper,
	    counters_keeper_serving(keeper) ? CHECK_MS : keeper->delay_ms));
	return NULL;
}

int
counters_keeper_start(struct counters_keeper *keeper, struct err *err)
{
	sigset_t all, before;
	int rc;

	(void)pthread_mutex_init(&keeper->deciding, NULL);
	(void)pthread_mutex_init(&keeper->lock, NULL);
	(void)pthread_cond_init(&keeper->changed, NULL);
	buf_init(&keeper->hosts, REDIS_LINK_ANSWER_MAX);
	keeper->delay_ms = FIRST_DELAY_MS;
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
		wait_ms(keeper, 50);
	(void)pthread_mutex_unlock(&keeper->lock);
	return 0;
}

void
counters_keeper_stop(struct counters_keeper *keeper)
{
	(void)pthread_mutex_lock(&keeper->lock);
	keeper->stop = 1;
	(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
	(void)pthread_join(keeper->thread, NULL);
	buf_clear(&keeper->hosts);
	(void)pthread_mutex_destroy(&keeper->deciding);
	(void)pthread_mutex_destroy(&keeper->lock);
	(void)pthread_cond_destroy(&keeper->changed);
}
