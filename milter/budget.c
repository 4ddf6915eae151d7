/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - see budget.h.
 */
#include "budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "held.h"
#include "log.h"
#include "mark.h"
#include "mem.h"
#include "recent.h"

/* One message on its way. */
struct taking {
	const struct budget_message *message;
	struct limits_items all;
	struct counters_writer writer; /* first used as the holding one */
	char lane[COUNTERS_NOTE_KEY_MAX];
	struct held held;
	struct held_notes notes;
	int can_hold;
	int is_held;
};

/* The first of on_limit that can be done. */
static enum conf_on_limit
action_of(const struct conf_account *account, int can_hold)
{
	size_t i;

	for (i = 0; i < account->on_limit_count; i++)
		if (can_hold || account->on_limit[i] != CONF_LIMIT_HOLD)
			return account->on_limit[i];
	return CONF_LIMIT_TEMPFAIL;
}

static struct taking *
taking_of(struct counters_writer *writer)
{
	return (struct taking *)(void *)((char *)writer -
					 offsetof(struct taking, writer));
}

/* What stands in the way, in words. */
static void
explain(const struct taking *t, const struct counters_item *items, int retry,
    struct reply *reply)
{
	const struct budget_message *m = t->message;
	size_t worst = limits_worst(items, t->all.count);
	char who[REPLY_TEXT_MAX];

	limits_who(
	    who, sizeof(who), m->account, t->all.limits[worst], m->counted);
	reply_over_limit(
	    reply, retry, who, t->all.limits[worst], &items[worst]);
}

/* A message over its limit is noted as held, if it will ever fit. */
static size_t
choose_holding(struct counters_writer *writer, int granted,
    const struct counters_item *items, size_t count,
    struct counters_note *notes)
{
	struct taking *t = taking_of(writer);
	int64_t wait_ms = items[limits_worst(items, count)].wait_ms;
	struct reply reply;

	t->is_held = !granted && wait_ms >= 0;
	if (!t->is_held)
		return 0;
	if (wait_ms > 0)
		explain(t, items, 0, &reply);
	else
		(void)snprintf(reply.text, sizeof(reply.text),
		    "other mail of %.400s waits before it", t->held.who);
	(void)snprintf(
	    t->held.reason, sizeof(t->held.reason), "%s", reply.text);
	t->held.due_s = t->held.held_s + (wait_ms + 999) / 1000;
	t->is_held = held_encode(&t->held, &t->notes) == 0;
	if (!t->is_held)
		return 0;
	notes[0] = t->notes.notes[0];
	notes[1] = t->notes.notes[1];
	return 2;
}

static void
prepare_holding(struct taking *t)
{
	const struct budget_message *m = t->message;

	held_fill(&t->held, m->queue_id, m->account->name, m->counted);
	t->held.held_s = clock_wall_s();
	held_lane(t->lane, t->held.who, t->all.items, t->all.count);
	held_place(&t->held, t->lane);
	t->writer = (struct counters_writer){
	    .behind = t->lane, .choose = choose_holding};
}

static enum budget_answer
over(struct taking *t, enum conf_on_limit action, struct reply *reply,
    char *reason)
{
	struct reply text;

	explain(t, t->all.items, action == CONF_LIMIT_TEMPFAIL, &text);
	if (action != CONF_LIMIT_OBSERVE) {
		*reply = text;
		return BUDGET_OVER;
	}
	(void)snprintf(
	    reason, REPLY_TEXT_MAX, "only observed: %.600s", text.text);
	return BUDGET_GRANTED;
}

static enum budget_answer
take_with(struct taking *t, struct counters *counters,
    enum conf_on_limit action, struct reply *reply, char *reason)
{
	struct err err;
	int holding = action == CONF_LIMIT_HOLD;
	int granted = counters_reserve(counters, t->message->id, t->all.items,
	    t->all.count, action == CONF_LIMIT_OBSERVE,
	    holding ? &t->writer : NULL, &err);

	if (granted < 0) {
		log_warn(t->message->queue_id,
		    "cannot count against limits: %s", err.text);
		reply_set(reply, "451", "4.3.0",
		    "the sending limits cannot be counted at the moment; try "
		    "again later");
		return BUDGET_FAILED;
	}
	if (granted)
		return BUDGET_GRANTED;
	if (!t->is_held)
		return over(t, action, reply, reason);
	(void)snprintf(reason, REPLY_TEXT_MAX, "%s", t->held.reason);
	return BUDGET_HELD;
}

/* --- the provider takes nothing ------------------------------------------- */

static void
explain_mark(
    const struct mark *mark, int retry, int64_t now_s, struct reply *reply)
{
	char wait[40], again[80] = "";
	int64_t left_s = mark->probe_s > now_s ? mark->probe_s - now_s : 1;

	reply_duration(wait, sizeof(wait), left_s * 1000);
	if (retry)
		(void)snprintf(again, sizeof(again), "; try again in %s", wait);
	reply_set(reply, retry ? "451" : "550", retry ? "4.7.1" : "5.7.1",
	    "the provider takes no mail of account %.200s: %.260s%s", mark->who,
	    mark->text, again);
}

/* Noted as held without a look at the limits. */
static int
hold_for_mark(struct taking *t, struct counters *counters,
    const struct mark *mark, char *reason)
{
	struct reply reply;
	struct err err;

	prepare_holding(t);
	explain_mark(mark, 0, t->held.held_s, &reply);
	(void)snprintf(
	    t->held.reason, sizeof(t->held.reason), "%s", reply.text);
	t->held.due_s = mark->probe_s;
	if (held_encode(&t->held, &t->notes) < 0 ||
	    counters_note_write(counters, t->notes.notes, 2, &err) < 0)
		return -1;
	(void)snprintf(reason, REPLY_TEXT_MAX, "%s", t->held.reason);
	return 0;
}

/* 1 if the mark decides, through *answer. */
static int
obey_mark(struct taking *t, struct counters *counters, const struct mark *mark,
    struct reply *reply, char *reason, enum budget_answer *answer)
{
	enum conf_on_limit action = action_of(t->message->account, t->can_hold);

	*answer = BUDGET_HELD;
	if (action == CONF_LIMIT_HOLD) {
		if (hold_for_mark(t, counters, mark, reason) == 0)
			return 1;
		action = action_of(t->message->account, 0);
	}
	if (action == CONF_LIMIT_OBSERVE)
		return 0;
	explain_mark(
	    mark, action == CONF_LIMIT_TEMPFAIL, clock_wall_s(), reply);
	*answer = BUDGET_OVER;
	return 1;
}

/* --- all of it ------------------------------------------------------------ */

static enum budget_answer
take(struct taking *t, struct counters *counters, struct reply *reply,
    char *reason)
{
	const struct conf_account *account = t->message->account;
	enum conf_on_limit action = action_of(account, t->can_hold);
	enum budget_answer answer;

	if (t->all.count == 0)
		return BUDGET_GRANTED;
	if (action == CONF_LIMIT_HOLD)
		prepare_holding(t);
	answer = take_with(t, counters, action, reply, reason);
	/* What never fits would be held for ever. */
	if (action != CONF_LIMIT_HOLD || answer != BUDGET_OVER)
		return answer;
	return take_with(t, counters, action_of(account, 0), reply, reason);
}

static void
write_receipt(const struct taking *t, struct budget_receipt *receipt)
{
	const char *id = t->message->id;
	size_t count = t->all.count;

	if (count == 0 || t->all.items[0].counted_ms == 0 || id == NULL)
		return;
	receipt->items = mem_grow(NULL, count, sizeof(*receipt->items));
	memcpy(receipt->items, t->all.items, count * sizeof(*receipt->items));
	receipt->count = count;
	(void)snprintf(receipt->id, sizeof(receipt->id), "%s", id);
}

enum budget_answer
budget_take(struct counters *counters, const struct budget_message *message,
    struct reply *reply, char reason[REPLY_TEXT_MAX],
    struct budget_receipt *receipt)
{
	struct taking t; /* large, and mostly only its limits are used */
	const char *who = message->counted->who, *id = message->queue_id;
	enum budget_answer answer;
	enum mark_answer asked;
	struct mark mark;

	t.message = message;
	t.is_held = 0;
	receipt->items = NULL;
	receipt->count = 0;
	t.can_hold = message->can_hold && id[0] != '\0' &&
		     held_is_served(message->release_within_s);
	limits_collect(&t.all, message->account, message->counted);
	asked = mark_ask(counters, who, id, clock_wall_s(), &mark);
	if (asked == MARK_WAITS &&
	    obey_mark(&t, counters, &mark, reply, reason, &answer))
		return answer;
	answer = take(&t, counters, reply, reason);
	if (asked == MARK_PROBES && answer != BUDGET_GRANTED)
		mark_give_back(counters, who, id, clock_wall_s());
	if (answer == BUDGET_GRANTED) {
		recent_put(id, who);
		write_receipt(&t, receipt);
	}
	return answer;
}

void
budget_give_back(struct counters *counters, struct budget_receipt *receipt,
    const char *who, const char *queue_id)
{
	struct err err;

	mark_give_back(counters, who, queue_id, clock_wall_s());
	if (receipt->count > 0 && counters_take_back(counters, receipt->id,
				      receipt->items, receipt->count, &err) < 0)
		log_warn(queue_id,
		    "was not taken and stays counted: account=%s reason=%s",
		    who, err.text);
	budget_receipt_clear(receipt);
}

void
budget_receipt_clear(struct budget_receipt *receipt)
{
	free(receipt->items);
	receipt->items = NULL;
	receipt->count = 0;
}
