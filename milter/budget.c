/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - see budget.h.
 */
#include "budget.h"

#include <stdio.h>

#include "clock.h"
#include "held.h"
#include "log.h"

/* One message on its way. */
struct taking {
	const struct budget_message *message;
	struct limits_items all;
	struct counters_writer writer; /* first used as the holding one */
	char lane[COUNTERS_NOTE_KEY_MAX];
	struct held held;
	struct held_notes notes;
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

enum budget_answer
budget_take(struct counters *counters, const struct budget_message *message,
    struct reply *reply, char reason[REPLY_TEXT_MAX])
{
	struct taking t = {.message = message};
	enum conf_on_limit action;
	enum budget_answer answer;

	limits_collect(&t.all, message->account, message->counted);
	if (t.all.count == 0)
		return BUDGET_GRANTED;
	action = action_of(message->account,
	    message->can_hold && message->queue_id[0] != '\0' &&
		held_is_served(message->release_within_s));
	if (action == CONF_LIMIT_HOLD)
		prepare_holding(&t);
	answer = take_with(&t, counters, action, reply, reason);
	/* What never fits would be held for ever. */
	if (action != CONF_LIMIT_HOLD || answer != BUDGET_OVER)
		return answer;
	return take_with(
	    &t, counters, action_of(message->account, 0), reply, reason);
}
