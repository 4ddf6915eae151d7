/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs - see verbs.h.
 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "limits.h"
#include "log.h"
#include "verbs_release.h"

static const char *path;
static struct counters *store;

void
verbs_init(const char *config_path, struct counters *counters)
{
	path = config_path;
	store = counters;
}

static int
differ(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* Sockets and stores are opened once. */
static int
needs_restart(const struct conf_milter *old, const struct conf_milter *now)
{
	return differ(old->listen, now->listen) ||
	       differ(old->counters, now->counters) ||
	       differ(old->counters_local, now->counters_local) ||
	       differ(
		   old->counters_password_file, now->counters_password_file) ||
	       differ(old->counters_ca_file, now->counters_ca_file) ||
	       old->counters_share != now->counters_share;
}

int
verbs_reload(struct err *err)
{
	struct config *config = config_load(path, err), *before;

	if (config == NULL) {
		log_warn(NULL,
		    "configuration not taken, the running one "
		    "stays: %s",
		    err->text);
		return -1;
	}
	before = config_get();
	if (needs_restart(&before->conf->milter, &config->conf->milter))
		log_warn(NULL, "a new listen or counters is used only after a "
			       "restart");
	config_put(before);
	config_log_unused(config);
	log_info(NULL, "configuration read again: accounts=%zu", config->count);
	config_install(config);
	return 0;
}

static struct json *
answer_reload(struct err *err)
{
	struct config *config;
	struct json *answer;

	if (verbs_reload(err) < 0)
		return NULL;
	config = config_get();
	answer = json_object();
	json_set_int(answer, "accounts", (int64_t)config->count);
	config_put(config);
	return answer;
}

static struct json *
limit_status(const struct conf_limit *limit, const struct counters_item *item)
{
	struct json *json = json_object();

	json_set_string(json, "limit", limit->text);
	json_set_string(json, "scope", limits_scope_name(limit->scope));
	json_set_string(json, "unit", limits_unit_name(limit->unit));
	json_set_int(json, "max", limit->max);
	json_set_int(json, "used", (int64_t)item->used);
	json_set_int(json, "window_s", limit->window_s);
	if (item->frees_ms > 0)
		json_set_int(json, "frees_at",
		    (clock_wall_ms() + item->frees_ms + 999) / 1000);
	else
		json_set_null(json, "frees_at");
	return json;
}

/*
 * The limits of one account, or of one mailbox of a domain account, as far as
 * they can be told without a message: those counted per login, client or
 * sender are not among them.
 */
static int
account_status(struct json *accounts, const struct config_account *account,
    const char *who, struct err *err)
{
	struct counters_item items[COUNTERS_ITEMS_MAX];
	const struct conf_limit *limits[COUNTERS_ITEMS_MAX];
	const struct limits_message none = {.who = who};
	struct json *json, *array;
	size_t i, count = 0;

	for (i = 0; i < account->conf->limit_count; i++) {
		const struct conf_limit *limit = &account->conf->limits[i];

		if (limits_needs_message(limit->scope))
			continue;
		limits_item(&items[count], account->conf, limit, &none);
		limits[count++] = limit;
	}
	if (counters_read(store, items, count, err) < 0)
		return -1;
	json = json_object();
	array = json_array();
	json_set_string(json, "account", who);
	for (i = 0; i < count; i++)
		json_append(array, limit_status(limits[i], &items[i]));
	json_set(json, "limits", array);
	json_append(accounts, json);
	return 0;
}

/* All accounts, or the one asked for. */
static int
add_accounts(struct json *accounts, const struct config *config,
    const char *wanted, struct err *err)
{
	const struct conf_account *only = NULL;
	size_t i;

	if (wanted != NULL) {
		only = conf_account_for(config->conf, wanted);
		if (only == NULL)
			only = conf_account_find(config->conf, wanted);
		if (only == NULL)
			return err_set(err, ERR_CONFIG, "account",
			    "there is no account %s in %s", wanted,
			    config->conf->path);
	}
	for (i = 0; i < config->count; i++) {
		const struct conf_account *conf = config->accounts[i].conf;

		if (only != NULL && conf != only)
			continue;
		if (account_status(accounts, &config->accounts[i],
			only != NULL ? wanted : conf->name, err) < 0)
			return -1;
	}
	return 0;
}

static struct json *
answer_limits(const struct json *request, struct err *err)
{
	const char *wanted = json_get_string(request, "account");
	struct config *config = config_get();
	struct json *answer = json_object(), *accounts = json_array();
	int rc = add_accounts(accounts, config, wanted, err);

	config_put(config);
	json_set(answer, "accounts", accounts);
	if (rc == 0)
		return answer;
	json_free(answer);
	return NULL;
}

struct json *
verbs_answer(const char *verb, const struct json *request, struct err *err)
{
	if (strcmp(verb, "limits") == 0)
		return answer_limits(request, err);
	if (strcmp(verb, "reload") == 0)
		return answer_reload(err);
	if (strcmp(verb, "release") == 0)
		return verbs_release(store, request, err);
	(void)err_set(err, ERR_PROTOCOL, "verb",
	    "the milter knows the verbs limits, release and reload, not %s",
	    verb);
	return NULL;
}
