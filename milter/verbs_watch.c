/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs_watch - see verbs_watch.h.
 */
#include "verbs_watch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "mark.h"
#include "recent.h"

#define UNCLEAR_EVERY_MS (3600 * 1000)

/* --- whose message was it ------------------------------------------------- */

static int
may_send_as(const struct config_account *account, const char *address_key_text,
    const char *domain)
{
	return map_gets(&account->policy.send_as, address_key_text) !=
		   MAP_NONE ||
	       map_gets(&account->policy.send_as, domain) != MAP_NONE;
}

/*
 * By the envelope sender, which after this milter is the account's own address
 * or one it may send as. Several accounts may send as one: then nobody's.
 */
static int
find_by_sender(
    const struct config *config, const char *sender, char *who, size_t size)
{
	const struct conf_account *own = conf_account_for(config->conf, sender);
	const struct config_account *found = NULL;
	char key[ADDRESS_TEXT_MAX], domain[ADDRESS_TEXT_MAX];
	struct address address;
	size_t i, matches = 0;

	if (address_parse_path(sender, strlen(sender), &address) != 1)
		return 0;
	address_key(&address, key);
	address_domain_key(&address, domain);
	for (i = 0; i < config->count; i++) {
		const struct config_account *account = &config->accounts[i];
		char mine[ADDRESS_TEXT_MAX] = "";

		if (!account->is_domain)
			address_key(&account->own, mine);
		if (own == account->conf || strcmp(mine, key) == 0) {
			(void)snprintf(who, size, "%s",
			    account->is_domain ? sender : account->conf->name);
			return 1;
		}
		if (may_send_as(account, key, domain)) {
			found = account;
			matches++;
		}
	}
	if (matches != 1 || found->is_domain)
		return 0;
	(void)snprintf(who, size, "%s", found->conf->name);
	return 1;
}

/* Is that server one that the account's mail goes to? Others may say what they
 * like. */
static int
is_provider(const struct config *config, const char *who, const char *server)
{
	const struct conf_account *account =
	    conf_account_for(config->conf, who);
	size_t i;

	if (account == NULL)
		account = conf_account_find(config->conf, who);
	if (account == NULL || account->application == NULL)
		return 0;
	for (i = 0; i < account->application->hosts.count; i++)
		if (strcasecmp(account->application->hosts.items[i], server) ==
		    0)
			return 1;
	return 0;
}

static const char *
text_of(const struct json *request, const char *name)
{
	const char *text = json_get_string(request, name);

	return text != NULL ? text : "";
}

/* --- the steps ------------------------------------------------------------ */

static struct json *
answer_with(const char *who)
{
	struct json *answer = json_object();

	if (who != NULL)
		json_set_string(answer, "account", who);
	else
		json_set_null(answer, "account");
	json_set_int(answer, "marked", (int64_t)mark_count(clock_wall_s()));
	return answer;
}

static struct json *
mark(struct counters *counters, const struct json *request, const char *who,
    struct err *err)
{
	enum mark_kind kind = strcmp(text_of(request, "kind"), "full") == 0
				  ? MARK_FULL
				  : MARK_BLOCKED;
	const char *text = text_of(request, "text");
	int is_new = mark_set(counters, who, kind, text, clock_wall_s(), err);
	struct json *answer;

	if (is_new < 0)
		return NULL;
	/* Once: it is the same until it sends again. */
	if (is_new && kind == MARK_FULL)
		log_warn(who,
		    "the provider says that its quota is used up: its mail is "
		    "held or put off, one message an hour tries: reply=%s",
		    text);
	else if (is_new)
		log_warn(who,
		    "the provider blocks the mailbox: its mail is held or put "
		    "off, one message an hour tries; \"postoak explain\" says "
		    "what to do about: reply=%s",
		    text);
	answer = answer_with(who);
	json_set_bool(answer, "new", is_new);
	return answer;
}

/* Anybody's mail to a provider's domain may bring such replies: said once an
 * hour, with how many there were. */
static void
warn_unclear(const struct json *request)
{
	static int64_t next_ms;
	static long long unsaid;
	int64_t now_ms = clock_boot_ms();

	if (now_ms < next_ms) {
		unsaid++;
		return;
	}
	next_ms = now_ms + UNCLEAR_EVERY_MS;
	log_warn(text_of(request, "id"),
	    "a reply speaks of a blocked account, and it is not clear of "
	    "which; further ones are counted for an hour: sender=%s server=%s "
	    "before=%lld",
	    text_of(request, "sender"), text_of(request, "server"), unsaid);
	unsaid = 0;
}

static struct json *
step_refused(
    struct counters *counters, const struct json *request, struct err *err)
{
	struct config *config = config_get();
	const char *id = text_of(request, "id");
	char who[ADDRESS_TEXT_MAX];
	int known = recent_get(id, who, sizeof(who)) ||
		    find_by_sender(
			config, text_of(request, "sender"), who, sizeof(who));

	known = known && is_provider(config, who, text_of(request, "server"));
	config_put(config);
	if (known)
		return mark(counters, request, who, err);
	warn_unclear(request);
	return answer_with(NULL);
}

static struct json *
step_sent(
    struct counters *counters, const struct json *request, struct err *err)
{
	const struct json *ids = json_get_array(request, "ids");
	const char *id;
	size_t i;

	(void)err;
	for (i = 0; ids != NULL && i < json_length(ids); i++) {
		id = json_string_at(ids, i);
		if (id != NULL)
			(void)mark_sent(counters, id);
	}
	return answer_with(NULL);
}

struct json *
verbs_watch(
    struct counters *counters, const struct json *request, struct err *err)
{
	const char *step = text_of(request, "step");

	if (strcmp(step, "refused") == 0)
		return step_refused(counters, request, err);
	if (strcmp(step, "sent") == 0)
		return step_sent(counters, request, err);
	(void)err_set(
	    err, ERR_PROTOCOL, "request", "a watch says refused or sent");
	return NULL;
}
