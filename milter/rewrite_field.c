/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite_field - see rewrite_field.h.
 */
#include "rewrite_field.h"

#include <string.h>
#include <strings.h>

static const char *const names[REWRITE_NAMES] = {
    [REWRITE_FROM] = "From",
    [REWRITE_SENDER] = "Sender",
    [REWRITE_REPLY_TO] = "Reply-To",
    [REWRITE_RESENT_FROM] = "Resent-From",
    [REWRITE_RESENT_SENDER] = "Resent-Sender",
    [REWRITE_ORIGINAL_FROM] = "X-Original-From",
    [REWRITE_AUTO_SUBMITTED] = "Auto-Submitted",
    [REWRITE_TRACE] = "X-Postoak-Trace",
    [REWRITE_CONTENT_TYPE] = "Content-Type",
    [REWRITE_DKIM_SIGNATURE] = "DKIM-Signature",
    [REWRITE_BCC] = "Bcc",
    [REWRITE_RESENT_BCC] = "Resent-Bcc",
    [REWRITE_RETURN_PATH] = "Return-Path",
};

const char *
rewrite_field_name(enum rewrite_name name)
{
	return names[name];
}

enum rewrite_name
rewrite_field_find(const char *name)
{
	size_t len = strlen(name);
	enum rewrite_name i;

	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
		len--;
	for (i = 0; i < REWRITE_NAMES; i++)
		if ((name[0] | 0x20) == (names[i][0] | 0x20) &&
		    strncasecmp(name, names[i], len) == 0 &&
		    names[i][len] == '\0')
			break;
	return i;
}

int
rewrite_field_stays(enum rewrite_name name)
{
	switch (name) {
	case REWRITE_FROM:
	case REWRITE_SENDER:
	case REWRITE_RESENT_FROM:
	case REWRITE_RESENT_SENDER:
	case REWRITE_ORIGINAL_FROM:
	case REWRITE_BCC:
	case REWRITE_RESENT_BCC:
	case REWRITE_RETURN_PATH:
		return 0;
	default:
		return 1;
	}
}
