/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - see config.h.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "log.h"
#include "mem.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct config *current;

static int
bad(const struct conf_account *account, const char *option, const char *value,
    const char *remedy, struct err *err)
{
	return err_set(err, ERR_CONFIG, "config",
	    "%s:%d: account \"%s\": %s = \"%s\": %s", account->where.file,
	    account->where.line, account->name, option, value, remedy);
}

/* --- one account --------------------------------------------------------- */

static int
take_from_account(struct config_account *account, struct err *err)
{
	const struct conf_account *conf = account->conf;
	const char *from =
	    conf->from_account != NULL ? conf->from_account : conf->name;
	char text[ADDRESS_TEXT_MAX + 1] = "x", key[ADDRESS_TEXT_MAX];

	account->is_domain = from[0] == '@';
	if (strlen(from) < ADDRESS_TEXT_MAX) {
		memcpy(text + account->is_domain, from, strlen(from) + 1);
		if (address_parse_path(text, strlen(text), &account->own) ==
		    1) {
			address_domain_key(&account->own, key);
			if (account->is_domain)
				account->domain = mem_strdup(key);
			return 0;
		}
	}
	return bad(conf, "from_account", from,
	    "not an address; write user@domain", err);
}

static int
take_policy(struct config_account *account, struct err *err)
{
	const struct conf_account *conf = account->conf;
	struct rewrite_policy *policy = &account->policy;
	char text[96] = "";
	size_t i, used = 0;
	int n;

	policy->from_name = conf->from_name != NULL ? conf->from_name : "%n";
	policy->reply_to = conf->reply_to != NULL ? conf->reply_to : "original";
	policy->on_sender = conf->on_sender;
	policy->on_bounce = conf->on_bounce;
	policy->send_as_text = "";
	for (i = 0; i < conf->send_as.count; i++) {
		const char *item = conf->send_as.items[i];

		if (rewrite_allow(policy, item) < 0)
			return bad(conf, "send_as", item,
			    "write user@domain or @domain", err);
		n = snprintf(text + used, sizeof(text) - used, ", %s", item);
		/* Only as many as fit whole; it is for a person to read. */
		if (n < 0 || (size_t)n >= sizeof(text) - used)
			text[used] = '\0';
		else
			used += (size_t)n;
	}
	if (used > 0)
		policy->send_as_text = account->send_as_text = mem_strdup(text);
	return 0;
}

/* A list of domains, by address_domain_key. */
static int
take_domains(const struct config_account *account, const char *option,
    const struct conf_list *list, struct map *map, struct err *err)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX + 2], key[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < list->count; i++) {
		const char *item = list->items[i];

		(void)snprintf(text, sizeof(text), "x%s%.390s",
		    item[0] == '@' ? "" : "@", item);
		if (address_parse_path(text, strlen(text), &address) != 1)
			return bad(
			    account->conf, option, item, "write a domain", err);
		address_domain_key(&address, key);
		(void)map_puts(map, key, 1);
	}
	return 0;
}

static int
take_recipients(struct config_account *account, struct err *err)
{
	const struct conf_account *conf = account->conf;

	if (take_domains(account, "internal_domains", &conf->internal_domains,
		&account->internal, err) < 0)
		return -1;
	return take_domains(account, "exempt_recipients",
	    &conf->exempt_recipients, &account->exempt, err);
}

/* --- whose mail ---------------------------------------------------------- */

typedef int (*route_add)(
    struct route *route, const char *item, size_t account, size_t *other);

static int
take_list(struct config *config, size_t number, const char *option,
    const struct conf_list *list, route_add add, struct err *err)
{
	const struct conf_account *conf = config->accounts[number].conf;
	char remedy[200];
	size_t i, other;

	for (i = 0; i < list->count; i++) {
		if (add(&config->route, list->items[i], number, &other) == 0)
			continue;
		if (other == ROUTE_NONE)
			return bad(conf, option, list->items[i],
			    "not understood", err);
		(void)snprintf(remedy, sizeof(remedy),
		    "account %.150s lists it already",
		    config->accounts[other].conf->name);
		return bad(conf, option, list->items[i], remedy, err);
	}
	return 0;
}

static int
take_routes(struct config *config, size_t number, struct err *err)
{
	const struct conf_account *conf = config->accounts[number].conf;

	if (take_list(config, number, "logins", &conf->logins, route_add_login,
		err) < 0 ||
	    take_list(config, number, "senders", &conf->senders,
		route_add_sender, err) < 0 ||
	    take_list(config, number, "clients", &conf->clients,
		route_add_client, err) < 0)
		return -1;
	route_add_own(&config->route,
	    conf->from_account != NULL ? conf->from_account : conf->name,
	    number);
	return 0;
}

static int
take_limits(
    struct config *config, const struct conf_account *conf, struct err *err)
{
	size_t i;

	if (conf->limit_count > COUNTERS_ITEMS_MAX)
		return bad(conf, "limits",
		    conf->limits[COUNTERS_ITEMS_MAX].text,
		    "too many; 16 limits are the most", err);
	for (i = 0; i < conf->limit_count; i++)
		if (conf->limits[i].unit == CONF_UNIT_BYTES)
			config->wants_body = 1;
	if (conf->max_message_size_given)
		config->wants_size = 1;
	for (i = 0; i < conf->on_limit_count; i++)
		if (conf->on_limit[i] == CONF_LIMIT_HOLD)
			config->wants_hold = 1;
	return 0;
}

static int
take_account(struct config *config, size_t number, struct err *err)
{
	struct config_account *account = &config->accounts[number];

	account->conf = &config->conf->accounts[number];
	if (take_from_account(account, err) < 0 ||
	    take_policy(account, err) < 0 ||
	    take_recipients(account, err) < 0 ||
	    take_routes(config, number, err) < 0)
		return -1;
	return take_limits(config, account->conf, err);
}

/* --- the whole ----------------------------------------------------------- */

static int
take_unmatched(struct config *config, struct err *err)
{
	const char *unmatched = config->conf->milter.unmatched;
	size_t i;

	config->unmatched = ROUTE_NONE;
	if (unmatched == NULL || strcmp(unmatched, "pass") == 0)
		return 0;
	config->unmatched_reject = strcmp(unmatched, "reject") == 0;
	if (config->unmatched_reject)
		return 0;
	for (i = 0; i < config->count; i++)
		if (strcmp(config->accounts[i].conf->name, unmatched) == 0)
			config->unmatched = i;
	if (config->unmatched != ROUTE_NONE)
		return 0;
	return err_set(err, ERR_CONFIG, "config",
	    "%s: milter: unmatched = \"%s\": write pass, reject or the name of "
	    "an account",
	    config->conf->path, unmatched);
}

static int
take_all(struct config *config, struct err *err)
{
	size_t i;

	config->count = config->conf->account_count;
	config->accounts =
	    mem_zalloc(config->count + 1, sizeof(*config->accounts));
	route_init(&config->route, config->count);
	for (i = 0; i < config->count; i++)
		if (take_account(config, i, err) < 0)
			return -1;
	if (take_unmatched(config, err) < 0)
		return -1;
	return counters_check(config->conf->milter.counters, err);
}

static void
config_free(struct config *config)
{
	size_t i;

	for (i = 0; config->accounts != NULL && i < config->count; i++) {
		map_clear(&config->accounts[i].policy.send_as);
		map_clear(&config->accounts[i].internal);
		map_clear(&config->accounts[i].exempt);
		free(config->accounts[i].domain);
		free(config->accounts[i].send_as_text);
	}
	free(config->accounts);
	route_clear(&config->route);
	conf_free(config->conf);
	free(config);
}

struct config *
config_load(const char *path, struct err *err)
{
	struct config *config = mem_zalloc(1, sizeof(*config));

	config->refs = 1;
	config->conf = conf_load(path, err);
	if (config->conf == NULL) {
		free(config);
		return NULL;
	}
	if (take_all(config, err) < 0) {
		config_free(config);
		return NULL;
	}
	return config;
}

void
config_log_unused(const struct config *config)
{
	const char *metrics = config->conf->milter.metrics;

	if (metrics != NULL)
		log_warn(NULL,
		    "metrics is not in this version, no figures are served: "
		    "metrics=%s",
		    metrics);
}

void
config_install(struct config *config)
{
	struct config *before;

	(void)pthread_mutex_lock(&lock);
	before = current;
	current = config;
	(void)pthread_mutex_unlock(&lock);
	config_put(before);
}

struct config *
config_get(void)
{
	struct config *config;

	(void)pthread_mutex_lock(&lock);
	config = current;
	(void)__atomic_add_fetch(&config->refs, 1, __ATOMIC_RELAXED);
	(void)pthread_mutex_unlock(&lock);
	return config;
}

void
config_put(struct config *config)
{
	if (config != NULL &&
	    __atomic_sub_fetch(&config->refs, 1, __ATOMIC_ACQ_REL) == 0)
		config_free(config);
}

int
config_is_internal(const struct config_account *account, const char *domain_key)
{
	return map_gets(&account->internal, domain_key) != MAP_NONE;
}

int
config_is_exempt(const struct config_account *account, const char *domain_key)
{
	return map_gets(&account->exempt, domain_key) != MAP_NONE;
}
