/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domains - the domains of the accounts, the records of the providers. See
 * domains.h.
 */
#include "domains.h"

#include <string.h>
#include <strings.h>

/* How a provider's servers are known in a customer's zone. */
static const struct domains_sender senders[] = {
#define MICROSOFT(name, include)                                               \
	{                                                                      \
		name, "Microsoft's servers", include,                          \
		    {"selector1", "selector2"},                                \
		    "the two CNAME records that the Defender portal shows "    \
		    "(Email authentication settings, DKIM)"                    \
	}
    MICROSOFT("office365", "spf.protection.outlook.com"),
    MICROSOFT("office365-hve", "spf.protection.outlook.com"),
    MICROSOFT("office365-gcc-high", "spf.protection.office365.us"),
    MICROSOFT("office365-dod", "spf.protection.office365.us"),
    MICROSOFT("office365-china", "spf.protection.partner.outlook.cn"),
    {"google", "Google's servers", "_spf.google.com", {"google", NULL},
	"the TXT record that the Google Admin console shows (Gmail, "
	"Authenticate email)"},
};

/* Any other: only what holds for every sender. */
static const struct domains_sender anybody = {
    NULL, "the provider's servers", NULL, {NULL, NULL}, NULL};

static const struct domains_sender *
sender_of(const struct conf_account *account)
{
	size_t i;

	for (i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		if (strcmp(senders[i].provider,
			account->application->provider) == 0)
			return &senders[i];
	return &anybody;
}

/* The domain of an address or a pattern, once. */
static void
take_domain(struct domains *domains, const struct conf_account *account,
    const char *address)
{
	const char *at = strrchr(address, '@');
	size_t i;

	if (at == NULL || domains->count == DOMAINS_MAX)
		return;
	for (i = 0; i < domains->count; i++)
		if (strcasecmp(domains->items[i].name, at + 1) == 0)
			return;
	domains->items[i].name = at + 1;
	domains->items[i].sender = sender_of(account);
	domains->count++;
}

void
domains_find(
    struct domains *domains, const struct checkup_target *targets, size_t count)
{
	const struct conf_account *account;
	size_t i, k;

	memset(domains, 0, sizeof(*domains));
	for (i = 0; i < count; i++) {
		account = targets[i].account;
		take_domain(domains, account,
		    account->from_account != NULL ? account->from_account
						  : account->name);
		for (k = 0; k < account->send_as.count; k++)
			take_domain(
			    domains, account, account->send_as.items[k]);
	}
}
