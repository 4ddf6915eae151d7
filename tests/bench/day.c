/* SPDX-License-Identifier: Apache-2.0 */
/*
 * day - a day in the life of N accounts, on a clock that jumps to whatever is
 * due next.
 *
 * usage: day N
 * tokend's own credential, schedule, failure, handout and timer run unchanged;
 * the clock is injected below the C library's functions, and an exchange with
 * the provider takes half a second or so and always brings a token of 60 to 90
 * minutes, as Entra ID's. All accounts are asked for within the first minute,
 * and a few times an hour from then on. Prints how many exchanges began in each
 * ten minutes, and the most that were under way together.
 *
 * link: tokend/credential tokend/credential_trial tokend/credential_login
 * link: tokend/schedule tokend/failure tokend/handout tokend/timer
 * link: tokend/unsaved tokend/grant_order tokend/record tokend/proof
 * link: tokend/clientauth tokend/claims tokend/assertion tokend/keypair
 * link: tokend/crypto meter
 * link: tokend/endpoints
 * libs: tokend
 */
#define _GNU_SOURCE
#include "meter.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "tokend/credential.h"
#include "tokend/import.h"
#include "tokend/timer.h"
#include "tokend/watch.h"

#define DAY_MS (24 * 3600 * 1000LL)
#define BUCKET_MS (600 * 1000LL)
#define BUCKETS (DAY_MS / BUCKET_MS)
#define BEGIN_MS 1000000LL
#define ASK_MS (20 * 60 * 1000LL) /* on average, between two requests */

struct grant {
	struct timer timer;
	grant_done *done;
	void *arg;
};

struct user {
	struct credential *credential;
	struct timer timer;
};

static int64_t now_ms = BEGIN_MS, armed_ms;
static int wake_fd;
static unsigned int buckets[BUCKETS];
static int under_way, most_under_way;

/* Marsaglia's xorshift: the same in each run. */
static uint32_t
chance(uint32_t below)
{
	static uint32_t seed = 2463534242u;

	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

/* --- the injected clock: in place of the C library's ------------------------
 */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = now_ms / 1000;
	ts->tv_nsec = now_ms % 1000 * 1000000;
	return 0;
}

int
timerfd_create(int id, int flags)
{
	(void)id;
	(void)flags;
	wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return wake_fd;
}

int
timerfd_settime(
    int fd, int flags, const struct itimerspec *spec, struct itimerspec *old)
{
	(void)fd;
	(void)flags;
	(void)old;
	armed_ms =
	    spec->it_value.tv_sec * 1000 + spec->it_value.tv_nsec / 1000000;
	return 0;
}

/* --- the provider ----------------------------------------------------------
 */

static void
on_answer(void *arg)
{
	struct grant *grant = arg;
	struct grant_token token = {
	    .expires_in_s = 3600 + chance(1800), .how = "simulated"};

	under_way--;
	(void)secret_set(&token.access, "token", 5);
	grant->done(grant->arg, &token, NULL);
	secret_clear(&token.access);
	free(grant);
}

struct grant *
grant_start(const struct grant_order *order, struct store *store,
    grant_done *done, void *arg, struct grant_failure *failure)
{
	struct grant *grant = calloc(1, sizeof(*grant));

	(void)order;
	(void)store;
	(void)failure;
	meter_must(grant != NULL, "memory");
	grant->done = done;
	grant->arg = arg;
	timer_init(&grant->timer, on_answer, grant);
	timer_set(&grant->timer, now_ms + 300 + chance(400));
	buckets[(now_ms - BEGIN_MS) / BUCKET_MS]++;
	if (++under_way > most_under_way && now_ms - BEGIN_MS > DAY_MS / 6)
		most_under_way = under_way;
	return grant;
}

void
grant_cancel(struct grant *grant)
{
	(void)grant;
}

/* --- what has no part in it: the configuration, the disk, warnings
 * ----------------------------
 */

struct config *
config_ref(struct config *config)
{
	return config;
}

void
config_unref(struct config *config)
{
	(void)config;
}

int
store_load(struct store *store, const char *kind, const char *name,
    struct record *record, struct err *err)
{
	(void)store;
	(void)kind;
	(void)name;
	(void)err;
	record_init(record);
	return 0;
}

int
store_save(struct store *store, const char *kind, const char *name,
    const struct record *record, struct err *err)
{
	(void)store;
	(void)kind;
	(void)name;
	(void)record;
	(void)err;
	return 0;
}

int
store_forget(
    struct store *store, const char *kind, const char *name, struct err *err)
{
	(void)store;
	(void)kind;
	(void)name;
	(void)err;
	return 0;
}

int
import_save(const struct grant_order *order, struct store *store,
    const char *refresh_token, struct err *err)
{
	(void)order;
	(void)store;
	(void)refresh_token;
	(void)err;
	return 0;
}

void
watch_refresh_token(const struct grant_order *order, int64_t used_at_s)
{
	(void)order;
	(void)used_at_s;
}

void
watch_sign_in(const struct grant_order *order)
{
	(void)order;
}

void
watch_token(const struct grant_order *order, const struct grant_token *token)
{
	(void)order;
	(void)token;
}

void
watch_state(const struct grant_order *order, const char *state,
    const struct err *failure)
{
	(void)order;
	(void)state;
	(void)failure;
}

int
watch_recall(
    const struct grant_order *order, struct err *failure, int64_t *at_s)
{
	(void)order;
	(void)failure;
	(void)at_s;
	return 0;
}

void
watch_forget(const struct grant_order *order)
{
	(void)order;
}

void
watch_clock(
    const struct grant_token *token, const struct grant_failure *failure)
{
	(void)token;
	(void)failure;
}

/* --- the mail ---------------------------------------------------------------
 */

static void
on_token(void *arg, const struct handout *token, const struct err *err)
{
	(void)arg;
	(void)err;
	meter_must(token != NULL, "no token");
}

static void
on_mail(void *arg)
{
	struct user *user = arg;
	struct handout_wait *wait;
	struct handout token;
	struct err err;

	meter_must(credential_ask(user->credential, 5000, on_token, NULL,
		       &token, &wait, &err) != -1,
	    "refused");
	timer_set(&user->timer, now_ms + chance(2 * ASK_MS));
}

static void
begin(size_t count)
{
	static struct conf_application application = {.min_validity_s = 900};
	static struct config config;
	static char name[] = "account", label[] = "-";
	struct conf_account *accounts = calloc(count, sizeof(*accounts));
	struct user *users = calloc(count, sizeof(*users));
	size_t i;

	meter_must(accounts != NULL && users != NULL, "memory");
	application.name = application.token_endpoint = label;
	for (i = 0; i < count; i++) {
		accounts[i].name = name;
		accounts[i].grant = CONF_GRANT_AUTHORIZATION_CODE;
		users[i].credential =
		    credential_new(&config, &application, &accounts[i], NULL);
		timer_init(&users[i].timer, on_mail, &users[i]);
		timer_set(&users[i].timer, now_ms + chance(60000));
	}
}

int
main(int argc, char **argv)
{
	struct event_base *loop = event_base_new();
	uint64_t one = 1;
	size_t i;

	meter_must(argc == 2, "usage: day N");
	log_open("day", 1, LOG_LEVEL_WARN);
	meter_must(loop != NULL && timer_start(loop) == 0, "loop");
	begin(strtoul(argv[1], NULL, 10));
	while (armed_ms != 0 && armed_ms < BEGIN_MS + DAY_MS) {
		now_ms = armed_ms > now_ms ? armed_ms : now_ms;
		meter_must(write(wake_fd, &one, sizeof(one)) > 0, "wake");
		event_base_loop(loop, EVLOOP_ONCE);
	}
	for (i = 0; i < BUCKETS; i++)
		printf("%u ", buckets[i]);
	printf("\n%d\n", most_under_way);
	return 0;
}
