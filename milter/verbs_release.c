/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs_release - see verbs_release.h.
 */
#include "verbs_release.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "release.h"

static struct json *
step_plan(
    struct counters *counters, const struct json *request, struct err *err)
{
	struct release_plan *plan = mem_zalloc(1, sizeof(*plan));
	struct config *config = config_get();
	struct json *answer = NULL, *messages;
	size_t i;

	(void)request;
	if (release_make(counters, config, plan, err) == 0) {
		answer = json_object();
		messages = json_array();
		for (i = 0; i < plan->count; i++) {
			struct json *entry = json_object();

			json_set_string(entry, "id", plan->entries[i].id);
			json_set_string(
			    entry, "account", plan->entries[i].account);
			json_set_int(entry, "held_at", plan->entries[i].held_s);
			json_set_bool(entry, "fits", plan->entries[i].fits);
			json_append(messages, entry);
		}
		json_set(answer, "messages", messages);
	}
	config_put(config);
	free(plan);
	return answer;
}

typedef int (*each_id)(struct counters *counters, const struct config *config,
    struct release_round *round, const char *id, struct err *err);

/* The ids for which "each" says 1, as "ids" of an answer. */
static struct json *
for_each(struct counters *counters, const struct json *request, each_id each,
    struct err *err)
{
	const struct json *ids = json_get_array(request, "ids");
	struct release_round *round = mem_zalloc(1, sizeof(*round));
	struct config *config = config_get();
	struct json *answer = json_object(), *chosen = json_array();
	const char *id;
	size_t i;
	int rc = 0;

	for (i = 0; ids != NULL && i < json_length(ids) && rc >= 0; i++) {
		id = json_string_at(ids, i);
		rc = id != NULL ? each(counters, config, round, id, err) : 0;
		if (rc == 1)
			json_append_string(chosen, id);
	}
	config_put(config);
	free(round);
	json_set(answer, "ids", chosen);
	/* What was done is told, whatever comes after it. */
	if (rc >= 0 || json_length(chosen) > 0)
		return answer;
	json_free(answer);
	return NULL;
}

static int
gone_each(struct counters *counters, const struct config *config,
    struct release_round *round, const char *id, struct err *err)
{
	(void)config;
	(void)round;
	return release_gone(counters, id, err);
}

static int
done_each(struct counters *counters, const struct config *config,
    struct release_round *round, const char *id, struct err *err)
{
	(void)config;
	(void)round;
	return release_done(counters, id, err) < 0 ? -1 : 1;
}

static struct json *
step_gone(
    struct counters *counters, const struct json *request, struct err *err)
{
	return for_each(counters, request, gone_each, err);
}

static struct json *
step_take(
    struct counters *counters, const struct json *request, struct err *err)
{
	return for_each(counters, request, release_take, err);
}

/* The end of a run that went well: only now it counts as one. */
static struct json *
step_done(
    struct counters *counters, const struct json *request, struct err *err)
{
	if (held_ran(counters, err) < 0)
		return NULL;
	return for_each(counters, request, done_each, err);
}

struct json *
verbs_release(
    struct counters *counters, const struct json *request, struct err *err)
{
	static const struct {
		const char *name;
		struct json *(*run)(struct counters *counters,
		    const struct json *request, struct err *err);
	} steps[] = {
	    {"plan", step_plan},
	    {"gone", step_gone},
	    {"take", step_take},
	    {"done", step_done},
	};
	const char *step = json_get_string(request, "step");
	size_t i;

	for (i = 0; step != NULL && i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(step, steps[i].name) == 0)
			return steps[i].run(counters, request, err);
	(void)err_set(err, ERR_PROTOCOL, "request",
	    "a release has the steps plan, gone, take and done");
	return NULL;
}
