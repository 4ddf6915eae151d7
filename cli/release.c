/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release - "postoak release": let held mail go as far as the budget allows.
 * Run by a timer.
 *
 * The milter knows which messages it had held and what there is budget for; the
 * mail server knows which of them it still holds. Each step can be the last
 * one: what the milter has granted it tells again in the next run, without
 * counting it again.
 */
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ask.h"
#include "holdqueue.h"
#include "json.h"
#include "mem.h"
#include "show.h"

/* Of messages that are gone others come to light, which may be gone, too. */
#define ROUNDS_MAX 20
#define QUEUES_MAX 8

struct releasing {
	const char *socket;
	enum holdqueue_mta mta;
	const char *queues[QUEUES_MAX]; /* configurations; NULL: default */
	int queue_count;
	int dry_run;
	struct json *plan;
	const struct json *messages;  /* in it */
	struct holdqueue_item *items; /* as many, sorted by id */
};

static struct json *
ask_step(
    struct releasing *r, const char *step, struct json *ids, struct err *err)
{
	struct json *question = ask_new("release", NULL);

	json_set_string(question, "step", step);
	if (ids != NULL)
		json_set(question, "ids", ids);
	return ask_send(ASK_MILTER, r->socket, question, ASK_SHORT_MS, err);
}

/* --- what may go ---------------------------------------------------------- */

static const char *
id_at(const struct releasing *r, size_t i)
{
	const char *id = json_get_string(json_at(r->messages, i), "id");

	return id != NULL ? id : "";
}

static void
forget_plan(struct releasing *r)
{
	json_free(r->plan);
	free(r->items);
	r->plan = NULL;
	r->items = NULL;
}

static int
no_list(struct err *err)
{
	return err_set(err, ERR_PROTOCOL, "answer",
	    "postoak-milter gave no list of messages; is it another version "
	    "than this tool?");
}

static int
get_plan(struct releasing *r, struct err *err)
{
	size_t i;

	forget_plan(r);
	r->plan = ask_step(r, "plan", NULL, err);
	if (r->plan == NULL)
		return -1;
	r->messages = json_get_array(r->plan, "messages");
	if (r->messages == NULL)
		return no_list(err);
	r->items =
	    mem_zalloc(json_length(r->messages) + 1, sizeof(r->items[0]));
	for (i = 0; i < json_length(r->messages); i++) {
		r->items[i].id = id_at(r, i);
		(void)json_get_int(
		    json_at(r->messages, i), "held_at", &r->items[i].held_s);
	}
	return 0;
}

/* The milter forgets what the mail server no longer holds: how many. */
static int
tell_gone(struct releasing *r, struct err *err)
{
	struct json *gone = json_array(), *answer;
	const struct json *ids;
	size_t i, count = json_length(r->messages);
	int forgotten = 0;

	for (i = 0; i < count; i++)
		if (r->items[i].queue == 0)
			json_append_string(gone, r->items[i].id);
	if (json_length(gone) == 0) {
		json_free(gone);
		return 0;
	}
	answer = ask_step(r, "gone", gone, err);
	if (answer == NULL)
		return -1;
	ids = json_get_array(answer, "ids");
	forgotten = ids != NULL && json_length(ids) > 0;
	json_free(answer);
	return forgotten;
}

/* What is in none of the queues is gone. */
static int
look_all(struct releasing *r, struct err *err)
{
	int i;

	for (i = 0; i < r->queue_count; i++)
		if (holdqueue_look(r->mta, r->queues[i], r->items,
			json_length(r->messages), i + 1, err) < 0)
			return -1;
	return 0;
}

/* A plan of messages that are there. */
static int
make_plan(struct releasing *r, struct err *err)
{
	int round, forgotten = 1;

	for (round = 0; round < ROUNDS_MAX && forgotten > 0; round++) {
		if (get_plan(r, err) < 0)
			return -1;
		if (json_length(r->messages) == 0)
			return 0;
		if (look_all(r, err) < 0)
			return -1;
		forgotten = r->dry_run ? 0 : tell_gone(r, err);
	}
	return forgotten < 0 ? -1 : 0;
}

/* The queue it is in, 0: in none. */
static int
queue_of(const struct releasing *r, const char *id)
{
	size_t low = 0, high = json_length(r->messages), middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(id, r->items[middle].id);
		if (order == 0)
			return r->items[middle].queue;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

/* In the plan's order, which is the order in which they go. */
static struct json *
going(const struct releasing *r)
{
	struct json *ids = json_array();
	size_t i;

	for (i = 0; i < json_length(r->messages); i++)
		if (json_get_bool(json_at(r->messages, i), "fits", 0) &&
		    queue_of(r, id_at(r, i)) > 0)
			json_append_string(ids, id_at(r, i));
	return ids;
}

/* --- letting it go -------------------------------------------------------- */

/* Those of them that are in this queue, in one call. */
static int
let_go_of(
    struct releasing *r, const struct json *ids, int queue, struct err *err)
{
	size_t i, count = 0, all = json_length(ids);
	const char **list = mem_zalloc(all + 1, sizeof(*list));
	int rc = 0;

	for (i = 0; i < all; i++)
		if (queue_of(r, json_string_at(ids, i)) == queue)
			list[count++] = json_string_at(ids, i);
	if (count > 0)
		rc = holdqueue_release(
		    r->mta, r->queues[queue - 1], list, count, err);
	free(list);
	return rc;
}

static int
let_go(struct releasing *r, const struct json *ids, struct err *err)
{
	int queue, rc = 0;

	for (queue = 1; queue <= r->queue_count && rc == 0; queue++)
		rc = let_go_of(r, ids, queue, err);
	return rc;
}

static struct json *
copy_ids(const struct json *ids)
{
	struct json *copy = json_array();
	size_t i;

	for (i = 0; i < json_length(ids); i++)
		json_append_string(copy, json_string_at(ids, i));
	return copy;
}

static int
finish(struct releasing *r, struct json *ids, struct err *err)
{
	struct json *answer = ask_step(r, "done", ids, err);

	json_free(answer);
	return answer != NULL ? 0 : -1;
}

/* How many were released, or -1. */
static int
carry_out(struct releasing *r, struct json *ids, struct err *err)
{
	struct json *answer;
	const struct json *granted;
	int count, rc;

	if (json_length(ids) == 0)
		return finish(r, ids, err) < 0 ? -1 : 0;
	answer = ask_step(r, "take", ids, err);
	if (answer == NULL)
		return -1;
	granted = json_get_array(answer, "ids");
	if (granted == NULL) {
		json_free(answer);
		return no_list(err);
	}
	count = (int)json_length(granted);
	rc = count > 0 ? let_go(r, granted, err) : 0;
	if (rc == 0)
		rc = finish(r, copy_ids(granted), err);
	json_free(answer);
	return rc < 0 ? -1 : count;
}

static int
show_plan(struct json *ids)
{
	struct buf out;
	size_t i;
	int rc;

	buf_init(&out, SHOW_MAX);
	for (i = 0; i < json_length(ids); i++) {
		show_text(&out, json_string_at(ids, i));
		buf_adds(&out, "\n");
	}
	buf_addf(&out, "%zu would be released now.\n", json_length(ids));
	rc = show_out(&out) == 0 ? EX_OK : EX_IOERR;
	buf_clear(&out);
	json_free(ids);
	return rc;
}

static int
run(struct releasing *r)
{
	struct err err;
	struct json *ids;
	int released;

	err_clear(&err);
	if (make_plan(r, &err) < 0)
		return verb_report(&err, 0);
	ids = going(r);
	if (r->dry_run)
		return show_plan(ids);
	released = carry_out(r, ids, &err);
	if (released < 0)
		return verb_report(&err, 0);
	/* A timer's log stays quiet while nothing happens. */
	if (released > 0)
		printf("released %d message%s\n", released,
		    released == 1 ? "" : "s");
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int
release_verb(const struct verb_context *context, int argc, char **argv)
{
	static const char *const flags[] = {"--dry-run", NULL};
	struct verb_options options = {
	    .flags = flags, .operands = 1 + QUEUES_MAX};
	struct releasing r = {.mta = HOLDQUEUE_POSTFIX};
	struct conf *conf;
	int i, rc;

	if (verb_parse(&options, argc, argv) != 0)
		return EX_USAGE;
	r.dry_run = options.flag != NULL;
	if (options.operands > 0 && strcmp(options.operand[0], "sendmail") == 0)
		r.mta = HOLDQUEUE_SENDMAIL;
	else if (options.operands > 0 &&
		 strcmp(options.operand[0], "postfix") != 0)
		return verb_usage(argv[0],
		    "\"%s\" is no mail server it knows; write postfix or "
		    "sendmail",
		    options.operand[0]);
	r.queue_count = options.operands > 1 ? options.operands - 1 : 1;
	for (i = 1; i < options.operands; i++)
		r.queues[i - 1] = options.operand[i];
	conf = verb_conf(context, &rc);
	if (conf == NULL)
		return rc;
	r.socket = conf->milter.control;
	rc = run(&r);
	forget_plan(&r);
	conf_free(conf);
	return rc;
}
