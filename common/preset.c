/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preset - the providers. See preset.h.
 *
 * Microsoft's hosts and scopes differ per national cloud; the scope names the
 * Outlook resource even where the permission is picked under Microsoft Graph.
 * offline_access asks for the refresh token.
 */
#include "preset.h"

#include <stddef.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#define N_PRESETS (sizeof(presets) / sizeof(presets[0]))
#define EXPANDED_MAX 4096
#define PLACEHOLDER "{tenant}"

#define ENTRA(host)                                                            \
	.authorization_endpoint = host "/{tenant}/oauth2/v2.0/authorize",      \
	.token_endpoint = host "/{tenant}/oauth2/v2.0/token",                  \
	.device_authorization_endpoint =                                       \
	    host "/{tenant}/oauth2/v2.0/devicecode"

/* The sending limits of an Exchange Online mailbox; neither can be raised. */
#define EXCHANGE_LIMITS                                                        \
	.limits = {"30 messages / 1m", "10000 recipients / 24h"},              \
	.max_recipients = 500, .max_message_size = "35M"

#define EXCHANGE_AUDIENCE "api://AzureADTokenExchange"
#define QUARTER_HOUR (15 * 60)

static const struct preset presets[] = {
    {
	.name = "office365",
	.federated_audience = EXCHANGE_AUDIENCE,
	.flags = PRESET_TENANT | PRESET_GUID_CLIENT,
	ENTRA("https://login.microsoftonline.com"),
	.scope = "https://outlook.office.com/SMTP.Send offline_access",
	.app_scope = "https://outlook.office365.com/.default",
	.hosts = {"smtp.office365.com", "outlook.office365.com"},
	EXCHANGE_LIMITS,
	.min_validity_s = QUARTER_HOUR,
    },
    {
	.name = "office365-gcc-high",
	.federated_audience = EXCHANGE_AUDIENCE "USGov",
	.flags = PRESET_TENANT | PRESET_GUID_CLIENT,
	ENTRA("https://login.microsoftonline.us"),
	.scope = "https://outlook.office365.us/SMTP.Send offline_access",
	.app_scope = "https://outlook.office365.us/.default",
	.hosts = {"smtp.office365.us", "outlook.office365.us"},
	EXCHANGE_LIMITS,
	.min_validity_s = QUARTER_HOUR,
    },
    {
	.name = "office365-dod",
	.federated_audience = EXCHANGE_AUDIENCE "USGov",
	.flags = PRESET_TENANT | PRESET_GUID_CLIENT,
	ENTRA("https://login.microsoftonline.us"),
	.scope = "https://outlook.office365.us/SMTP.Send offline_access",
	.app_scope = "https://outlook-dod.office365.us/.default",
	.hosts = {"outlook-dod.office365.us"},
	EXCHANGE_LIMITS,
	.min_validity_s = QUARTER_HOUR,
    },
    {
	.name = "office365-china",
	.federated_audience = EXCHANGE_AUDIENCE "China",
	.flags = PRESET_TENANT | PRESET_GUID_CLIENT,
	ENTRA("https://login.partner.microsoftonline.cn"),
	.scope = "https://partner.outlook.cn/SMTP.Send offline_access",
	.app_scope = "https://partner.outlook.cn/.default",
	.hosts = {"smtp.partner.outlook.cn", "partner.outlook.cn"},
	EXCHANGE_LIMITS,
	.min_validity_s = QUARTER_HOUR,
    },
    {
	/* High Volume Email; it refuses tokens with less than 10 minutes. */
	.name = "office365-hve",
	.federated_audience = EXCHANGE_AUDIENCE,
	.flags = PRESET_TENANT | PRESET_GUID_CLIENT,
	ENTRA("https://login.microsoftonline.com"),
	.scope = "https://outlook.office.com/SMTP.Send offline_access",
	.app_scope = "https://outlook.office.com/.default",
	.hosts = {"smtp.hve.mx.microsoft", "smtp-hve.office365.com"},
	.max_recipients = 50,
	.max_message_size = "10M",
	.min_validity_s = 20 * 60,
    },
    {
	/* Personal accounts: outlook.com, hotmail.com, live.com, msn.com */
	.name = "outlook",
	.federated_audience = EXCHANGE_AUDIENCE,
	.flags = PRESET_GUID_CLIENT | PRESET_PERSONAL,
	ENTRA("https://login.microsoftonline.com"),
	.scope = "https://outlook.office.com/SMTP.Send offline_access",
	.hosts = {"smtp-mail.outlook.com", "outlook.office365.com"},
	.min_validity_s = QUARTER_HOUR,
    },
    {
	/* No device endpoint: Google's does not offer the mail scope. */
	.name = "google",
	.federated_audience = EXCHANGE_AUDIENCE,
	.flags = PRESET_PERSONAL,
	.authorization_endpoint =
	    "https://accounts.google.com/o/oauth2/v2/auth",
	.token_endpoint = "https://oauth2.googleapis.com/token",
	.scope = "https://mail.google.com/",
	.hosts = {"smtp.gmail.com", "imap.gmail.com", "pop.gmail.com"},
	.limits = {"2000 messages / 24h", "10000 recipients / 24h"},
	.max_recipients = 100,
	.min_validity_s = QUARTER_HOUR,
    },
    {
	.name = "custom",
	.federated_audience = EXCHANGE_AUDIENCE,
	.flags = PRESET_BARE,
	.min_validity_s = QUARTER_HOUR,
    },
};

const struct preset *
preset_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_PRESETS; i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

const struct preset *
preset_all(unsigned int *count)
{
	*count = N_PRESETS;
	return presets;
}

char *
preset_expand(const char *template, const char *tenant)
{
	struct buf out;
	const char *place;
	char *expanded;

	if (template == NULL)
		return NULL;
	buf_init(&out, EXPANDED_MAX);
	while ((place = strstr(template, PLACEHOLDER)) != NULL) {
		buf_add(&out, template, (size_t)(place - template));
		buf_adds(&out, tenant != NULL ? tenant : PLACEHOLDER);
		template = place + strlen(PLACEHOLDER);
	}
	buf_adds(&out, template);
	expanded = mem_strdup(out.data != NULL ? out.data : "");
	buf_clear(&out);
	return expanded;
}
