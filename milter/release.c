/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release - see release.h.
 */
#include "release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mark.h"
#include "mem.h"
#include "recent.h"
#include "turns.h"

#define LANES_MAX 512
/* Other milters may take so long after us, until the file is in the queue. */
#define SETTLE_S (10 * 60)

static struct turns turns;
static char resume[COUNTERS_NOTE_KEY_MAX] = "held|"; /* lanes are many */

/* A key of a limit and what the plan has taken from it. */
struct taken {
	char key[COUNTERS_KEY_MAX];
	uint64_t amount;
};

struct planning {
	struct counters *counters;
	const struct config *config;
	struct release_plan *plan;
	struct turns_lane lanes[LANES_MAX];
	struct held *heads; /* a lane's first message */
	size_t count;
	struct taken *taken;
	size_t taken_count;
	unsigned long long turn;
};

/* --- one message ---------------------------------------------------------- */

/* What limits count of it today; none if there is no such account any more. */
static void
collect(const struct config *config, const struct held *held,
    struct limits_items *all)
{
	const struct conf_account *account =
	    conf_account_find(config->conf, held->account);
	struct limits_message message;

	all->count = 0;
	held_message(held, &message);
	if (account != NULL)
		limits_collect(all, account, &message);
}

/* A queue id that was used again, or a limit that was lowered: 1, forgotten. */
static int
forget_lost(
    struct planning *p, const struct held *held, int never, struct err *err)
{
	struct held newest;
	int rc = held_find(p->counters, held->id, &newest, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && strcmp(newest.key, held->key) == 0 && !never)
		return 0;
	if (never)
		log_warn(held->id,
		    "a held message is more than its account's limits allow "
		    "by now; it stays on hold until somebody releases it by "
		    "hand (postsuper -H) or deletes it: account=%s",
		    held->who);
	return held_drop(p->counters, held, err) < 0 ? -1 : 1;
}

/* --- the lanes ------------------------------------------------------------ */

static void
add_entry(struct planning *p, const struct held *held, int fits)
{
	struct release_plan *plan = p->plan;
	struct release_entry *entry = &plan->entries[plan->count];

	if (plan->count == 2 * RELEASE_MAX)
		return;
	plan->count++;
	plan->going += held->granted || fits;
	(void)snprintf(entry->id, sizeof(entry->id), "%s", held->id);
	(void)snprintf(entry->account, sizeof(entry->account), "%s", held->who);
	entry->held_s = held->held_s;
	entry->granted = held->granted;
	entry->fits = fits;
}

static unsigned long long
account_of(const struct held *held)
{
	return strtoull(held->key + strlen("held|"), NULL, 16);
}

static unsigned long long
number_of(const struct held *held)
{
	return strtoull(held->key + HELD_LANE_LEN, NULL, 16);
}

static void
begin_lane(struct planning *p, size_t lane)
{
	struct turns_lane *to = &p->lanes[lane];

	to->account = account_of(&p->heads[lane]);
	to->number = number_of(&p->heads[lane]);
	to->turn = turns_last(&turns, to->account);
	to->open = 1;
}

/*
 * The first message behind key in this lane that is neither granted, which is
 * planned at once, nor lost. 1, 0 if there is none, -1.
 */
static int
find_head(
    struct planning *p, const char *key, struct held *head, struct err *err)
{
	char lane[HELD_LANE_LEN + 1];
	int rc, lost;

	memcpy(lane, key, HELD_LANE_LEN);
	lane[HELD_LANE_LEN] = '\0';
	for (;; key = head->key) {
		rc = held_next(p->counters, key, head, err);
		if (rc != 1)
			return rc;
		if (strncmp(head->key, lane, HELD_LANE_LEN) != 0)
			return 0;
		lost = forget_lost(p, head, 0, err);
		if (lost < 0)
			return -1;
		if (!lost && !head->granted)
			return 1;
		if (!lost)
			add_entry(p, head, 1);
	}
}

/* All lanes' first messages; where they end, "" at the end. */
static int
find_lanes(struct planning *p, const char *from, struct err *err)
{
	char key[COUNTERS_NOTE_KEY_MAX];
	struct held *head;
	int rc;

	(void)snprintf(key, sizeof(key), "%s", from);
	while (p->count < LANES_MAX) {
		head = &p->heads[p->count];
		rc = held_next(p->counters, key, head, err);
		if (rc == 0)
			strcpy(resume, "held|");
		if (rc != 1)
			return rc;
		/* Behind all of this lane: its numbers are hexadecimal. */
		(void)snprintf(
		    key, sizeof(key), "%.*s~", HELD_LANE_LEN, head->key);
		(void)snprintf(resume, sizeof(resume), "%s", key);
		memset(head->key + HELD_LANE_LEN, '\0',
		    sizeof(head->key) - HELD_LANE_LEN);
		rc = find_head(p, head->key, head, err);
		if (rc < 0)
			return -1;
		if (rc == 1)
			begin_lane(p, p->count++);
	}
	return 0;
}

/* --- what fits ------------------------------------------------------------ */

static struct taken *
taken_of(struct planning *p, const char *key)
{
	struct taken *taken;
	size_t i;

	for (i = 0; i < p->taken_count; i++)
		if (strcmp(p->taken[i].key, key) == 0)
			return &p->taken[i];
	p->taken = mem_grow(p->taken, p->taken_count + 1, sizeof(*p->taken));
	taken = &p->taken[p->taken_count++];
	(void)snprintf(taken->key, sizeof(taken->key), "%s", key);
	taken->amount = 0;
	return taken;
}

/* With all that is planned before it: 1, 0, or -1 if it never will. */
static int
fits(struct planning *p, const struct limits_items *all)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct counters_item *item = &all->items[i];

		if (item->amount > item->max)
			return -1;
		if (item->used + taken_of(p, item->key)->amount + item->amount >
		    item->max)
			return 0;
	}
	for (i = 0; i < all->count; i++)
		taken_of(p, all->items[i].key)->amount += all->items[i].amount;
	return 1;
}

/* The lane's next message, if it has one. */
static int
move_on(struct planning *p, size_t lane, struct err *err)
{
	struct held *head = &p->heads[lane];
	int rc = find_head(p, head->key, head, err);

	p->lanes[lane].open = rc == 1;
	p->lanes[lane].number = number_of(head);
	return rc < 0 ? -1 : 0;
}

/* Of an account the provider blocks one message tries. */
static void
close_account(struct planning *p, unsigned long long account)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->lanes[i].account == account)
			p->lanes[i].open = 0;
}

static int
plan_lane(struct planning *p, size_t lane, struct err *err)
{
	struct held *head = &p->heads[lane];
	struct limits_items all;
	struct mark mark;
	enum mark_answer asked;
	int can;

	asked = mark_ask(p->counters, head->who, NULL, clock_wall_s(), &mark);
	if (asked == MARK_WAITS) {
		add_entry(p, head, 0);
		p->lanes[lane].open = 0;
		return 0;
	}
	collect(p->config, head, &all);
	if (counters_read(p->counters, all.items, all.count, err) < 0)
		return -1;
	can = fits(p, &all);
	if (can < 0)
		return forget_lost(p, head, 1, err) < 0 ? -1
							: move_on(p, lane, err);
	add_entry(p, head, can);
	if (!can) {
		p->lanes[lane].open = 0;
		return 0;
	}
	turns_take(p->lanes, p->count, lane, ++p->turn);
	if (asked == MARK_PROBES) {
		close_account(p, p->lanes[lane].account);
		return 0;
	}
	return move_on(p, lane, err);
}

static int
plan_all(struct planning *p, struct err *err)
{
	char from[COUNTERS_NOTE_KEY_MAX];
	size_t lane;

	strcpy(from, resume);
	if (find_lanes(p, from, err) < 0)
		return -1;
	if (p->count == 0 && strcmp(from, "held|") == 0)
		turns_clear(&turns);
	p->turn = turns.turn;
	while (p->plan->going < RELEASE_MAX) {
		lane = turns_next(p->lanes, p->count);
		if (lane == TURNS_NONE)
			break;
		if (plan_lane(p, lane, err) < 0)
			return -1;
	}
	return 0;
}

int
release_make(struct counters *counters, const struct config *config,
    struct release_plan *plan, struct err *err)
{
	struct planning *p = mem_zalloc(1, sizeof(*p));
	int rc;

	memset(plan, 0, sizeof(*plan));
	p->counters = counters;
	p->config = config;
	p->plan = plan;
	p->heads = mem_zalloc(LANES_MAX, sizeof(*p->heads));
	rc = plan_all(p, err);
	free(p->heads);
	free(p->taken);
	free(p);
	return rc;
}

/* --- the steps ------------------------------------------------------------ */

struct taking {
	struct counters_writer writer; /* first */
	struct held *held;
	struct held_notes notes;
};

static size_t
choose(struct counters_writer *writer, int granted,
    const struct counters_item *items, size_t count,
    struct counters_note *notes)
{
	struct taking *t = (struct taking *)(void *)writer;

	(void)items;
	(void)count;
	if (!granted)
		return 0;
	t->held->granted = 1;
	(void)held_encode(t->held, &t->notes); /* no larger than before */
	notes[0] = t->notes.notes[0];
	return 1;
}

static int
is_blocked(const struct release_round *round, const char *key)
{
	size_t i;

	for (i = 0; i < round->count; i++)
		if (strncmp(round->blocked[i], key, HELD_LANE_LEN) == 0)
			return 1;
	return 0;
}

static int
reserve(struct counters *counters, const struct config *config,
    struct held *held, struct err *err)
{
	struct taking t = {.writer = {.choose = choose}, .held = held};
	struct limits_items all;
	char name[COUNTERS_ID_MAX];

	collect(config, held, &all);
	/* This time of its being held, whatever comes of it before. */
	(void)snprintf(name, sizeof(name), "%s held %.16s", held->id,
	    held->key + HELD_LANE_LEN);
	return counters_reserve(
	    counters, name, all.items, all.count, 0, &t.writer, err);
}

int
release_take(struct counters *counters, const struct config *config,
    struct release_round *round, const char *id, struct err *err)
{
	struct held held;
	struct mark mark;
	enum mark_answer asked;
	int rc = held_find(counters, id, &held, err);

	if (rc != 1 || held.granted)
		return rc;
	if (is_blocked(round, held.key))
		return 0;
	asked = mark_ask(counters, held.who, id, clock_wall_s(), &mark);
	if (asked == MARK_WAITS)
		return 0;
	rc = reserve(counters, config, &held, err);
	if (rc != 1 && asked == MARK_PROBES)
		mark_give_back(counters, held.who, id, clock_wall_s());
	if (rc == 1) {
		turns_had(&turns, account_of(&held));
		recent_put(id, held.who);
	} else if (rc == 0 && round->count < RELEASE_MAX) {
		memcpy(round->blocked[round->count++], held.key, HELD_LANE_LEN);
	}
	return rc;
}

int
release_gone(struct counters *counters, const char *id, struct err *err)
{
	struct held held;
	int rc = held_find(counters, id, &held, err);

	if (rc != 1)
		return rc;
	/* Held in what is the future now: the clock was set back. */
	if (!held.granted && llabs(clock_wall_s() - held.held_s) < SETTLE_S)
		return 0;
	log_info(id, "no longer on hold, nothing is counted for it: account=%s",
	    held.who);
	return held_drop(counters, &held, err) < 0 ? -1 : 1;
}

int
release_done(struct counters *counters, const char *id, struct err *err)
{
	struct held held;
	int rc = held_find(counters, id, &held, err);

	if (rc != 1 || !held.granted)
		return rc < 0 ? -1 : 0;
	log_info(id, "released: account=%s held_s=%lld recipients=%llu",
	    held.who, (long long)(clock_wall_s() - held.held_s),
	    (unsigned long long)held.recipients);
	return held_drop(counters, &held, err);
}
