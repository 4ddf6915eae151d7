/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane - a bound on simultaneous exchanges, with a fair queue. See lane.h.
 *
 * Lanes and parties are made when they are first needed and go when they are
 * empty: a configuration that changes leaves nothing behind.
 */
#define _GNU_SOURCE
#include "lane.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

struct lane_turn {
	TAILQ_ENTRY(lane_turn) entries; /* while it waits */
	struct party *party;
	int running;
	uint64_t number; /* in the order of arrival */
	void (*go)(void *arg);
	void *arg;
};

struct party {
	LIST_ENTRY(party) entries;
	struct lane *lane;
	char *name;
	size_t running;
	size_t members; /* running and waiting */
	TAILQ_HEAD(, lane_turn) waiting;
};

struct lane {
	LIST_ENTRY(lane) entries;
	char *server;
	size_t running;
	int leaving; /* turns are being given out, by a caller further up */
	LIST_HEAD(, party) parties;
};

static LIST_HEAD(, lane) lanes = LIST_HEAD_INITIALIZER(lanes);
static uint64_t arrivals;
static size_t running, waiting;
static int closed;

/* "https://login.example:443" of an endpoint, in its length. */
static size_t
server_len(const char *endpoint)
{
	const char *host = strstr(endpoint, "://");

	host = host != NULL ? host + 3 : endpoint;
	return (size_t)(host - endpoint) + strcspn(host, "/?#");
}

static struct lane *
find_lane(const char *endpoint)
{
	size_t len = server_len(endpoint);
	struct lane *lane;

	LIST_FOREACH(lane, &lanes, entries)
	if (strlen(lane->server) == len &&
	    strncasecmp(lane->server, endpoint, len) == 0)
		return lane;
	lane = mem_zalloc(1, sizeof(*lane));
	lane->server = mem_strndup(endpoint, len);
	LIST_INIT(&lane->parties);
	LIST_INSERT_HEAD(&lanes, lane, entries);
	return lane;
}

static struct party *
find_party(struct lane *lane, const char *name)
{
	struct party *party;

	LIST_FOREACH(party, &lane->parties, entries)
	if (strcmp(party->name, name) == 0)
		return party;
	party = mem_zalloc(1, sizeof(*party));
	party->lane = lane;
	party->name = mem_strdup(name);
	TAILQ_INIT(&party->waiting);
	LIST_INSERT_HEAD(&lane->parties, party, entries);
	return party;
}

static void
drop_party(struct party *party)
{
	if (--party->members > 0)
		return;
	LIST_REMOVE(party, entries);
	free(party->name);
	free(party);
}

static void
begin_turn(struct lane_turn *turn)
{
	turn->running = 1;
	turn->party->running++;
	turn->party->lane->running++;
	running++;
}

/* The next one of the lane, NULL if nobody waits. */
static struct lane_turn *
choose(const struct lane *lane)
{
	struct lane_turn *best = NULL, *first;
	const struct party *party;

	LIST_FOREACH(party, &lane->parties, entries)
	{
		first = TAILQ_FIRST(&party->waiting);
		if (first == NULL)
			continue;
		if (best == NULL || party->running < best->party->running ||
		    (party->running == best->party->running &&
			first->number < best->number))
			best = first;
	}
	return best;
}

/*
 * Fill the free places. A turn that ends inside its own go comes back here: the
 * outermost call does the work, so a thousand that fail at once do not nest.
 */
static void
fill(struct lane *lane)
{
	struct lane_turn *turn;

	if (lane->leaving)
		return;
	lane->leaving = 1;
	while (!closed && lane->running < LANE_WIDTH &&
	       (turn = choose(lane)) != NULL) {
		TAILQ_REMOVE(&turn->party->waiting, turn, entries);
		waiting--;
		begin_turn(turn);
		turn->go(turn->arg);
	}
	lane->leaving = 0;
	if (LIST_EMPTY(&lane->parties)) {
		LIST_REMOVE(lane, entries);
		free(lane->server);
		free(lane);
	}
}

struct lane_turn *
lane_enter(const char *endpoint, const char *name, void (*go)(void *arg),
    void *arg, int *now)
{
	struct lane_turn *turn = mem_zalloc(1, sizeof(*turn));
	struct lane *lane = find_lane(endpoint);

	turn->party = find_party(lane, name);
	turn->party->members++;
	turn->number = arrivals++;
	turn->go = go;
	turn->arg = arg;
	*now = !closed && lane->running < LANE_WIDTH;
	if (*now) {
		begin_turn(turn);
	} else {
		TAILQ_INSERT_TAIL(&turn->party->waiting, turn, entries);
		waiting++;
	}
	return turn;
}

void
lane_leave(struct lane_turn *turn)
{
	struct lane *lane;

	if (turn == NULL)
		return;
	lane = turn->party->lane;
	if (turn->running) {
		turn->party->running--;
		lane->running--;
		running--;
	} else {
		TAILQ_REMOVE(&turn->party->waiting, turn, entries);
		waiting--;
	}
	drop_party(turn->party);
	free(turn);
	fill(lane);
}

void
lane_close(void)
{
	closed = 1;
}

size_t
lane_running(void)
{
	return running;
}

size_t
lane_waiting(void)
{
	return waiting;
}
