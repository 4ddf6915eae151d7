/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_table - the options. See conf_table.h; postoak.conf(5) says what each
 * of them means.
 */
#include "conf_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_counters.h"
#include "conf_take.h"
#include "distance.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NAME_MAX_BYTES 40 /* longer names are no misspelt options */

#define TEXT(name, check, take, type, field)                                   \
	{                                                                      \
		name, CONF_KIND_TEXT, check, take,                             \
		    offsetof(struct type, field)                               \
	}
#define VALUE(name, check, take, type, field)                                  \
	{                                                                      \
		name, CONF_KIND_VALUE, check, take,                            \
		    offsetof(struct type, field)                               \
	}
#define LIST(name, check, take, type, field)                                   \
	{                                                                      \
		name, CONF_KIND_LIST, check, take,                             \
		    offsetof(struct type, field)                               \
	}
/* The draft begins with the account, so the offsets are the same. */
#define WHOLE(name, kind, take)                                                \
	{                                                                      \
		name, kind, NULL, take, 0                                      \
	}

static const struct conf_option top_options[] = {
    TEXT("accounts_directory", conf_value_path, conf_take_path, conf_top,
	accounts_directory),
};

static const struct conf_option tokend_options[] = {
    LIST("listen", conf_value_socket, conf_take_path_item, conf_tokend, listen),
    TEXT("control", conf_value_socket, conf_take_path, conf_tokend, control),
    TEXT("admin_group", conf_value_name, conf_take_string, conf_tokend,
	admin_group),
    LIST("allow_users", conf_value_name, conf_take_item, conf_tokend,
	allow_users),
    TEXT("store", conf_value_path, conf_take_path, conf_tokend, store),
    TEXT("seal_key_file", conf_value_path, conf_take_path, conf_tokend,
	seal_key_file),
    TEXT("metrics", conf_value_host_port, conf_take_string, conf_tokend,
	metrics),
    LIST("notify_command", conf_value_command, conf_take_item, conf_tokend,
	notify_command),
};

static const struct conf_option milter_options[] = {
    TEXT("listen", conf_value_milter_listen, conf_take_milter_listen,
	conf_milter, listen),
    TEXT("control", conf_value_socket, conf_take_path, conf_milter, control),
    TEXT("admin_group", conf_value_name, conf_take_string, conf_milter,
	admin_group),
    TEXT("counters", conf_value_counters, conf_take_counters, conf_milter,
	counters),
    TEXT("counters_local", conf_value_path, conf_take_path, conf_milter,
	counters_local),
    TEXT("counters_password_file", conf_value_secret_path, conf_take_path,
	conf_milter, counters_password_file),
    TEXT("counters_ca_file", conf_value_path, conf_take_path, conf_milter,
	counters_ca_file),
    VALUE(
	"counters_share", NULL, conf_take_percent, conf_milter, counters_share),
    TEXT(
	"unmatched", conf_value_word, conf_take_string, conf_milter, unmatched),
    TEXT("metrics", conf_value_host_port, conf_take_string, conf_milter,
	metrics),
    VALUE("release_within", NULL, conf_take_duration, conf_milter,
	release_within_s),
};

static const struct conf_option application_options[] = {
    TEXT("provider", conf_value_provider, conf_take_string, conf_application,
	provider),
    TEXT("tenant_id", conf_value_tenant, conf_take_lower, conf_application,
	tenant_id),
    TEXT("client_id", conf_value_word, conf_take_string, conf_application,
	client_id),
    LIST("client_secret_file", conf_value_secret_path, conf_take_path_item,
	conf_application, client_secret_files),
    TEXT("client_secret_expires", conf_value_date, conf_take_string,
	conf_application, client_secret_expires),
    LIST("certificate_file", conf_value_path, conf_take_path_item,
	conf_application, certificate_files),
    LIST("key_file", conf_value_path, conf_take_path_item, conf_application,
	key_files),
    TEXT("key_passphrase_file", conf_value_path, conf_take_path,
	conf_application, key_passphrase_file),
    TEXT("assertion_algorithm", conf_value_algorithm, conf_take_string,
	conf_application, assertion_algorithm),
    TEXT("federated_token_file", conf_value_path, conf_take_path,
	conf_application, federated_token_file),
    TEXT("service_account_file", conf_value_path, conf_take_path,
	conf_application, service_account_file),
    TEXT("managed_identity", conf_value_word, conf_take_string,
	conf_application, managed_identity),
    TEXT("metadata_endpoint", conf_value_metadata, conf_take_string,
	conf_application, metadata_endpoint),
    TEXT("federated_audience", conf_value_word, conf_take_string,
	conf_application, federated_audience),
    TEXT("discovery_endpoint", conf_value_discovery, conf_take_string,
	conf_application, discovery_endpoint),
    TEXT("authorization_endpoint", conf_value_endpoint, conf_take_string,
	conf_application, authorization_endpoint),
    TEXT("token_endpoint", conf_value_endpoint, conf_take_string,
	conf_application, token_endpoint),
    TEXT("device_authorization_endpoint", conf_value_endpoint, conf_take_string,
	conf_application, device_authorization_endpoint),
    TEXT("scope", conf_value_any, conf_take_string, conf_application, scope),
    TEXT("app_scope", conf_value_any, conf_take_string, conf_application,
	app_scope),
    LIST("hosts", conf_value_host, conf_take_lower_item, conf_application,
	hosts),
    TEXT("smtp_server", conf_value_server, conf_take_lower, conf_application,
	smtp_server),
    TEXT("imap_server", conf_value_server, conf_take_lower, conf_application,
	imap_server),
    TEXT("pop_server", conf_value_server, conf_take_lower, conf_application,
	pop_server),
    TEXT("proxy", conf_value_proxy, conf_take_string, conf_application, proxy),
    TEXT("ca_file", conf_value_path, conf_take_path, conf_application, ca_file),
    VALUE("min_validity", NULL, conf_take_duration, conf_application,
	min_validity_s),
};

static const struct conf_option account_options[] = {
    VALUE("application", conf_value_any, conf_take_string, conf_account_draft,
	application),
    VALUE("grant", NULL, conf_take_grant, conf_account, grant),
    TEXT("user", conf_value_word, conf_take_string, conf_account, user),
    TEXT("password_file", conf_value_secret_path, conf_take_path, conf_account,
	password_file),
    LIST("allow_users", conf_value_name, conf_take_item, conf_account,
	allow_users),
    TEXT("from_account", conf_value_address, conf_take_string, conf_account,
	from_account),
    TEXT("from_name", conf_value_from_name, conf_take_string, conf_account,
	from_name),
    LIST("send_as", conf_value_sender, conf_take_item, conf_account, send_as),
    VALUE("on_sender", NULL, conf_take_on_sender, conf_account, on_sender),
    VALUE("on_bounce", NULL, conf_take_on_bounce, conf_account, on_bounce),
    TEXT("reply_to", conf_value_reply_to, conf_take_string, conf_account,
	reply_to),
    LIST("logins", conf_value_word, conf_take_item, conf_account, logins),
    LIST("senders", conf_value_sender, conf_take_item, conf_account, senders),
    LIST("clients", conf_value_network, conf_take_lower_item, conf_account,
	clients),
    WHOLE("limits", CONF_KIND_LIMITS, conf_take_limit),
    LIST("internal_domains", conf_value_domain, conf_take_lower_item,
	conf_account, internal_domains),
    LIST("exempt_recipients", conf_value_domain, conf_take_lower_item,
	conf_account, exempt_recipients),
    WHOLE("on_limit", CONF_KIND_ACTIONS, conf_take_on_limit),
    VALUE(
	"max_recipients", NULL, conf_take_count, conf_account, max_recipients),
    VALUE("max_message_size", NULL, conf_take_size, conf_account,
	max_message_size),
};

static const struct conf_section sections[CONF_SECTION_COUNT] = {
    [CONF_SECTION_TOP] = {"", 0, top_options, N_OF(top_options)},
    [CONF_SECTION_TOKEND] = {"tokend", 0, tokend_options, N_OF(tokend_options)},
    [CONF_SECTION_MILTER] = {"milter", 0, milter_options, N_OF(milter_options)},
    [CONF_SECTION_APPLICATION] = {"application", 1, application_options,
	N_OF(application_options)},
    [CONF_SECTION_ACCOUNT] = {"account", 1, account_options,
	N_OF(account_options)},
};

const struct conf_section *
conf_table_section(enum conf_section_id id)
{
	return &sections[id];
}

static void
free_list(struct conf_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static void
free_limits(struct conf_account *account)
{
	size_t i;

	for (i = 0; i < account->limit_count; i++)
		free(account->limits[i].text);
	free(account->limits);
	account->limits = NULL;
	account->limit_count = 0;
}

void
conf_table_free(enum conf_section_id id, void *data)
{
	const struct conf_section *section = &sections[id];
	size_t i;

	for (i = 0; i < section->option_count; i++) {
		void *field = (char *)data + section->options[i].offset;

		if (section->options[i].kind == CONF_KIND_TEXT) {
			free(*(char **)field);
			*(char **)field = NULL;
		} else if (section->options[i].kind == CONF_KIND_LIST) {
			free_list(field);
		} else if (section->options[i].kind == CONF_KIND_LIMITS) {
			free_limits(field);
		}
	}
}

int
conf_table_index(const struct conf_section *section, const char *name)
{
	size_t i;

	for (i = 0; i < section->option_count; i++)
		if (strcmp(section->options[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *
conf_table_nearest(const struct conf_section *section, const char *name)
{
	const char *nearest = NULL;
	size_t len = strlen(name);
	/* A third of its letters wrong: another word. */
	size_t best = len / 3 + 1;
	size_t i, found;

	if (len > NAME_MAX_BYTES)
		return NULL;
	for (i = 0; i < section->option_count; i++) {
		const char *option = section->options[i].name;

		found =
		    strcasecmp(name, option) == 0 ? 0 : distance(option, name);
		if (found < best) {
			best = found;
			nearest = option;
		}
	}
	return nearest;
}
