/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs - see verbs.h.
 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "verbs_limits.h"
#include "verbs_release.h"
#include "verbs_watch.h"

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

struct json *
verbs_answer(const char *verb, const struct json *request, struct err *err)
{
	if (strcmp(verb, "limits") == 0)
		return verbs_limits(store, request, err);
	if (strcmp(verb, "reload") == 0)
		return answer_reload(err);
	if (strcmp(verb, "release") == 0)
		return verbs_release(store, request, err);
	if (strcmp(verb, "watch") == 0)
		return verbs_watch(store, request, err);
	(void)err_set(err, ERR_PROTOCOL, "verb",
	    "the milter knows the verbs limits, release, watch and reload, not "
	    "%s",
	    verb);
	return NULL;
}
