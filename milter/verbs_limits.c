/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs_limits - see verbs_limits.h.
 */
#include "verbs_limits.h"

#include <string.h>

#include "clock.h"
#include "config.h"
#include "fullest.h"
#include "held.h"
#include "limits.h"
#include "log.h"
#include "mark.h"

/* Less than who asks waits. */
#define LOOK_MS 2000
#define FORGET_MS 3000

/* What is asked, and what is needed to answer it. */
struct asking {
	struct counters *counters;
	const struct config *config;
	const char *wanted; /* account, or NULL: all */
	int reset;
	int fullest;
	int64_t until_ms;      /* for looking at, or forgetting, many */
	struct json *accounts; /* the answer's */
};

/* --- one limit ------------------------------------------------------------ */

static void
set_frees_at(struct json *json, int64_t frees_ms)
{
	if (frees_ms > 0)
		json_set_int(json, "frees_at",
		    (clock_wall_ms() + frees_ms + 999) / 1000);
	else
		json_set_null(json, "frees_at");
}

/* item NULL: it is counted for many, for each by itself. */
static struct json *
limit_status(const struct conf_limit *limit, const struct counters_item *item)
{
	struct json *json = json_object();

	json_set_string(json, "limit", limit->text);
	json_set_string(json, "scope", limits_scope_name(limit->scope));
	json_set_string(json, "unit", limits_unit_name(limit->unit));
	json_set_int(json, "max", limit->max);
	json_set_int(json, "window_s", limit->window_s);
	if (item != NULL)
		json_set_int(json, "used", (int64_t)item->used);
	else
		json_set_null(json, "used");
	set_frees_at(json, item != NULL ? item->frees_ms : 0);
	return json;
}

/* --- one that many are counted by ----------------------------------------- */

static struct json *
member_status(const struct fullest_member *member)
{
	struct json *json = json_object();

	json_set_string(json, "name", member->name);
	json_set_int(json, "used", (int64_t)member->used);
	set_frees_at(json, member->frees_ms);
	return json;
}

static int
add_fullest(struct json *json, const struct asking *asking,
    const struct conf_account *account, const struct conf_limit *limit,
    const char *who, struct err *err)
{
	struct json *array = json_array();
	struct fullest fullest;
	size_t i;

	json_set(json, "fullest", array);
	if (fullest_find(asking->counters, account, limit, who,
		asking->until_ms, &fullest, err) < 0)
		return -1;
	for (i = 0; i < fullest.count; i++)
		json_append(array, member_status(&fullest.shown[i]));
	json_set_int(json, "others", (int64_t)fullest.others);
	json_set_bool(json, "more", fullest.cut);
	return 0;
}

static int
add_many(struct json *array, const struct asking *asking,
    const struct conf_account *account, const struct conf_limit *limit,
    const char *who, struct err *err)
{
	struct json *json = limit_status(limit, NULL);

	json_append(array, json);
	if (asking->reset && fullest_forget(asking->counters, account, limit,
				 who, asking->until_ms, err) < 0)
		return -1;
	return asking->fullest
		   ? add_fullest(json, asking, account, limit, who, err)
		   : 0;
}

/* --- the limits of an account --------------------------------------------- */

/* Those that several accounts share are reset with all accounts only. */
static int
is_reset(const struct asking *asking, const struct conf_limit *limit)
{
	return asking->reset &&
	       (asking->wanted == NULL || limit->scope == CONF_SCOPE_ACCOUNT);
}

static int
add_limits(struct json *array, const struct asking *asking,
    const struct conf_account *account, const char *who, struct err *err)
{
	const struct limits_message none = {.who = who};
	struct counters_item item;
	size_t i;

	for (i = 0; i < account->limit_count; i++) {
		const struct conf_limit *limit = &account->limits[i];

		if (fullest_has_many(limit, who)) {
			if (add_many(array, asking, account, limit, who, err) <
			    0)
				return -1;
			continue;
		}
		limits_item(&item, account, limit, &none);
		if (is_reset(asking, limit) &&
		    counters_reset(asking->counters, &item, 1, err) < 0)
			return -1;
		if (counters_read(asking->counters, &item, 1, err) < 0)
			return -1;
		json_append(array, limit_status(limit, &item));
	}
	return 0;
}

/* --- one account ---------------------------------------------------------- */

struct waiting {
	int64_t count;
	int64_t oldest_s;
	int64_t due_s;
};

static int
find_waiting(const struct asking *asking, const char *who,
    struct waiting *waiting, struct err *err)
{
	char prefix[COUNTERS_NOTE_KEY_MAX], lane[HELD_LANE_LEN] = "";
	struct held held;
	size_t len = HELD_LANE_LEN - 17; /* of who, all lanes */
	int rc;

	memset(waiting, 0, sizeof(*waiting));
	held_lane(prefix, who, NULL, 0);
	prefix[len] = '\0';
	strcpy(held.key, prefix);
	while ((rc = held_next(asking->counters, held.key, &held, err)) == 1 &&
	       strncmp(held.key, prefix, len) == 0) {
		if (waiting->count++ == 0 || held.held_s < waiting->oldest_s)
			waiting->oldest_s = held.held_s;
		/* When the others may go depends on those before them. */
		if (strncmp(held.key, lane, HELD_LANE_LEN) != 0 &&
		    (waiting->due_s == 0 || held.due_s < waiting->due_s))
			waiting->due_s = held.due_s;
		memcpy(lane, held.key, HELD_LANE_LEN);
	}
	return rc < 0 ? -1 : 0;
}

static int
add_held(struct json *json, const struct asking *asking, const char *who,
    struct err *err)
{
	struct waiting waiting;
	struct json *held;

	if (find_waiting(asking, who, &waiting, err) < 0)
		return -1;
	held = json_object();
	json_set_int(held, "count", waiting.count);
	if (waiting.count > 0) {
		json_set_int(held, "oldest_at", waiting.oldest_s);
		json_set_int(held, "due_at", waiting.due_s);
	} else {
		json_set_null(held, "oldest_at");
		json_set_null(held, "due_at");
	}
	json_set(json, "held", held);
	return 0;
}

static void
add_refused(struct json *json, const struct asking *asking, const char *who)
{
	struct json *refused;
	struct mark mark;

	if (asking->reset)
		(void)mark_clear(asking->counters, who);
	if (mark_ask(asking->counters, who, NULL, clock_wall_s(), &mark) ==
	    MARK_NONE) {
		json_set_null(json, "refused");
		return;
	}
	refused = json_object();
	json_set_string(refused, "kind", mark_kind_name(mark.kind));
	json_set_string(refused, "text", mark.text);
	json_set_int(refused, "since", mark.since_s);
	json_set_int(refused, "until", mark.until_s);
	json_set_int(refused, "next_try", mark.probe_s);
	json_set(json, "refused", refused);
}

static int
add_account(const struct asking *asking, const struct conf_account *account,
    const char *who, struct err *err)
{
	struct json *json = json_object(), *array = json_array();

	json_set_string(json, "account", who);
	json_set(json, "limits", array);
	json_append(asking->accounts, json);
	if (asking->reset)
		log_warn(
		    who, "an administrator has what was counted forgotten");
	if (add_limits(array, asking, account, who, err) < 0 ||
	    add_held(json, asking, who, err) < 0)
		return -1;
	add_refused(json, asking, who);
	return 0;
}

/* --- all of them ---------------------------------------------------------- */

static int
add_all(const struct asking *asking, struct err *err)
{
	const struct config *config = asking->config;
	size_t i;

	for (i = 0; i < config->count; i++)
		if (add_account(asking, config->accounts[i].conf,
			config->accounts[i].conf->name, err) < 0)
			return -1;
	return 0;
}

static int
add_wanted(const struct asking *asking, struct err *err)
{
	const struct conf *conf = asking->config->conf;
	const struct conf_account *only =
	    conf_account_for(conf, asking->wanted);

	if (only == NULL)
		only = conf_account_find(conf, asking->wanted);
	if (only == NULL)
		return err_set(err, ERR_CONFIG, "account",
		    "there is no account %s in %s", asking->wanted, conf->path);
	return add_account(asking, only, asking->wanted, err);
}

struct json *
verbs_limits(
    struct counters *counters, const struct json *request, struct err *err)
{
	struct config *config = config_get();
	struct json *answer = json_object();
	struct asking asking = {
	    .counters = counters,
	    .config = config,
	    .wanted = json_get_string(request, "account"),
	    .reset = json_get_bool(request, "reset", 0),
	    .fullest = json_get_bool(request, "fullest", 0),
	    .accounts = json_array(),
	};
	int rc;

	asking.until_ms =
	    clock_boot_ms() + (asking.reset ? FORGET_MS : LOOK_MS);
	rc = asking.wanted != NULL ? add_wanted(&asking, err)
				   : add_all(&asking, err);
	json_set(answer, "accounts", asking.accounts);
	json_set_bool(answer, "holds", config->wants_hold);
	json_set_int(
	    answer, "release_within", config->conf->milter.release_within_s);
	if (held_ran_ago() >= 0)
		json_set_int(answer, "released_ago", held_ran_ago());
	else
		json_set_null(answer, "released_ago");
	config_put(config);
	if (rc == 0)
		return answer;
	json_free(answer);
	return NULL;
}
