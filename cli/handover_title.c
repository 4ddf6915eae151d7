/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover_title - see handover_title.h.
 */
#include "handover_title.h"

#include <string.h>

#include "distance.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TITLE_MAX 48  /* letters and digits of a title */
#define REMARK_MAX 60 /* bytes of a remark in brackets behind it */
#define SLIPS_FROM 8  /* shorter titles are right or another word */

/*
 * Titles as letters and digits alone. A weak one is a word of any text: it
 * counts before a separator, or alone on its line.
 */
static const struct spelling {
	const char *title;
	enum handover_field field;
	int weak;
} spellings[] = {
    {"clientsecret", HANDOVER_CLIENT_SECRET, 0},
    {"clientsecretvalue", HANDOVER_CLIENT_SECRET, 0},
    {"secretvalue", HANDOVER_CLIENT_SECRET, 0},
    {"valueofsecret", HANDOVER_CLIENT_SECRET, 0},
    {"applicationsecret", HANDOVER_CLIENT_SECRET, 0},
    {"applicationclientsecret", HANDOVER_CLIENT_SECRET, 0},
    {"appsecret", HANDOVER_CLIENT_SECRET, 0},
    {"secretkey", HANDOVER_CLIENT_SECRET, 0},
    {"clientkey", HANDOVER_CLIENT_SECRET, 0},
    {"secret", HANDOVER_CLIENT_SECRET, 1},
    {"value", HANDOVER_CLIENT_SECRET, 1},
    {"clientid", HANDOVER_CLIENT_ID, 0},
    {"clientidentifier", HANDOVER_CLIENT_ID, 0},
    {"applicationid", HANDOVER_CLIENT_ID, 0},
    {"applicationclientid", HANDOVER_CLIENT_ID, 0},
    {"applicationidentifier", HANDOVER_CLIENT_ID, 0},
    {"appid", HANDOVER_CLIENT_ID, 0},
    {"appclientid", HANDOVER_CLIENT_ID, 0},
    {"clientappid", HANDOVER_CLIENT_ID, 0},
    {"appregistrationid", HANDOVER_CLIENT_ID, 0},
    {"tenantid", HANDOVER_TENANT_ID, 0},
    {"tenantidentifier", HANDOVER_TENANT_ID, 0},
    {"tenantguid", HANDOVER_TENANT_ID, 0},
    {"directoryid", HANDOVER_TENANT_ID, 0},
    {"directorytenantid", HANDOVER_TENANT_ID, 0},
    {"tenantdirectoryid", HANDOVER_TENANT_ID, 0},
    {"adtenantid", HANDOVER_TENANT_ID, 0},
    {"tenant", HANDOVER_TENANT_ID, 1},
    {"authorizationendpoint", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authorisationendpoint", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authorizeendpoint", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authenticationendpoint", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authendpoint", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authorizationurl", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authorizationuri", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authurl", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"authuri", HANDOVER_AUTHORIZATION_ENDPOINT, 0},
    {"tokenendpoint", HANDOVER_TOKEN_ENDPOINT, 0},
    {"accesstokenendpoint", HANDOVER_TOKEN_ENDPOINT, 0},
    {"tokenurl", HANDOVER_TOKEN_ENDPOINT, 0},
    {"tokenuri", HANDOVER_TOKEN_ENDPOINT, 0},
    {"accesstokenurl", HANDOVER_TOKEN_ENDPOINT, 0},
    {"fromaccount", HANDOVER_FROM_ACCOUNT, 0},
    {"fromaddress", HANDOVER_FROM_ACCOUNT, 0},
    {"fromemailaddress", HANDOVER_FROM_ACCOUNT, 0},
    {"fromemail", HANDOVER_FROM_ACCOUNT, 0},
    {"frommailaccount", HANDOVER_FROM_ACCOUNT, 0},
    {"senderaddress", HANDOVER_FROM_ACCOUNT, 0},
    {"senderaccount", HANDOVER_FROM_ACCOUNT, 0},
    {"senderemail", HANDOVER_FROM_ACCOUNT, 0},
    {"sendingmailbox", HANDOVER_FROM_ACCOUNT, 0},
    {"userprincipalname", HANDOVER_USER, 0},
    {"username", HANDOVER_USER, 0},
    {"useraccount", HANDOVER_USER, 0},
    {"useremail", HANDOVER_USER, 0},
    {"loginname", HANDOVER_USER, 0},
    {"user", HANDOVER_USER, 1},
    {"userid", HANDOVER_USER, 1},
    {"login", HANDOVER_USER, 1},
    {"upn", HANDOVER_USER, 1},
    {"password", HANDOVER_PASSWORD, 1},
    {"passwd", HANDOVER_PASSWORD, 1},
    {"pwd", HANDOVER_PASSWORD, 1},
    {"pass", HANDOVER_PASSWORD, 1},
    {"userpassword", HANDOVER_PASSWORD, 1},
    {"accountpassword", HANDOVER_PASSWORD, 1},
    {"mailboxpassword", HANDOVER_PASSWORD, 1},
    {"secretid", HANDOVER_SECRET_ID, 0},
    {"clientsecretid", HANDOVER_SECRET_ID, 0},
    {"objectid", HANDOVER_OBJECT_ID, 0},
    {"serviceprincipalid", HANDOVER_OBJECT_ID, 0},
    {"serviceprincipalobjectid", HANDOVER_OBJECT_ID, 0},
    {"enterpriseapplicationobjectid", HANDOVER_OBJECT_ID, 0},
    {"clientsecretexpires", HANDOVER_SECRET_EXPIRES, 0},
    {"clientsecretexpiry", HANDOVER_SECRET_EXPIRES, 0},
    {"secretexpires", HANDOVER_SECRET_EXPIRES, 0},
    {"secretexpiry", HANDOVER_SECRET_EXPIRES, 0},
    {"secretexpireson", HANDOVER_SECRET_EXPIRES, 0},
    {"secretexpirydate", HANDOVER_SECRET_EXPIRES, 0},
    {"expirydate", HANDOVER_SECRET_EXPIRES, 1},
    {"expirationdate", HANDOVER_SECRET_EXPIRES, 1},
    {"expires", HANDOVER_SECRET_EXPIRES, 1},
    {"expireson", HANDOVER_SECRET_EXPIRES, 1},
    {"grant", HANDOVER_GRANT, 1},
    {"granttype", HANDOVER_GRANT, 1},
    {"smtpserver", HANDOVER_SERVER, 0},
    {"smtphost", HANDOVER_SERVER, 0},
    {"outgoingserver", HANDOVER_SERVER, 0},
    {"mailserver", HANDOVER_SERVER, 1},
    {"proxy", HANDOVER_PROXY, 1},
    {"cafile", HANDOVER_CA_FILE, 1},
    {"protocol", HANDOVER_PROTOCOL, 1},
    {"mailprotocol", HANDOVER_PROTOCOL, 1},
    {"incomingprotocol", HANDOVER_PROTOCOL, 0},
};

/* Words before a title that say whose it is. */
static const char *const prefixes[] = {"modernauth", "modernauthentication",
    "microsoft365", "office365", "exchangeonline", "microsoft", "entra",
    "azuread", "azure", "oauth20", "oauth2", "oauth", "your", "the"};

/* Words behind it; a remark in brackets comes here, too. */
static const char *const suffixes[] = {"v2", "v20", "v1", "guid", "upn", "is"};

/* Letters and digits of p to end in lower case. 0, or -1: too many. */
static int
letters(const char *p, const char *end, char out[TITLE_MAX + 1])
{
	size_t len = 0;

	for (; p < end; p++) {
		char c = *p;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
			continue;
		if (len == TITLE_MAX)
			return -1;
		out[len++] = c;
	}
	out[len] = '\0';
	return 0;
}

static const struct spelling *
spelt(const char *title, int slips)
{
	size_t i, allowed;

	for (i = 0; i < N_OF(spellings); i++) {
		allowed = !slips || strlen(title) < SLIPS_FROM ? 0 : 2;
		if (allowed == 0
			? strcmp(title, spellings[i].title) == 0
			: strlen(spellings[i].title) >= SLIPS_FROM &&
			      distance(title, spellings[i].title) <= allowed)
			return &spellings[i];
	}
	return NULL;
}

/* Take what says nothing away from both ends, and look it up. */
static const struct spelling *
look_up(const char *title, int slips)
{
	const struct spelling *found = spelt(title, slips);
	char shorter[TITLE_MAX + 1];
	size_t i, len = strlen(title), cut;

	for (i = 0; found == NULL && i < N_OF(prefixes); i++) {
		cut = strlen(prefixes[i]);
		if (len > cut && strncmp(title, prefixes[i], cut) == 0)
			found = look_up(title + cut, slips);
	}
	for (i = 0; found == NULL && i < N_OF(suffixes); i++) {
		cut = strlen(suffixes[i]);
		if (len <= cut || strcmp(title + len - cut, suffixes[i]) != 0)
			continue;
		memcpy(shorter, title, len - cut);
		shorter[len - cut] = '\0';
		found = spelt(shorter, slips);
	}
	return found;
}

static int
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* The end of what may be a title: before the first separator. */
static const char *
title_end(const char *p, const char *end)
{
	size_t len;

	for (; p < end; p += len)
		if (*p == '\t' || handover_class(p, &len) == HANDOVER_SEPARATOR)
			return p;
	return end;
}

/* "(v2)", "(UPN)" behind a title: behind it, else p. */
static const char *
skip_remark(const char *p, const char *end)
{
	const char *from = handover_skip_blanks(p, end), *close;

	if (from == end || *from != '(')
		return p;
	close = memchr(from, ')', (size_t)(end - from));
	return close != NULL && close - from <= REMARK_MAX ? close + 1 : p;
}

/* Behind a colon or the like; a dash and two blanks count as well. */
static const char *
skip_separator(const char *p, const char *end, int *separated)
{
	const char *from = p;
	int blanks = 0, tab = 0;
	size_t len;
	enum handover_class class;

	*separated = 0;
	for (; p < end; p += len) {
		class = handover_class(p, &len);
		if (class == HANDOVER_SEPARATOR ||
		    (class == HANDOVER_DASH && blanks > 0)) {
			*separated = 1;
			/* One of a kind, then what follows it: "->", "::". */
			for (p += len; p < end && (*p == '>' || *p == '='); p++)
				continue;
			return p;
		}
		tab |= *p == '\t';
		blanks += class == HANDOVER_BLANK;
		/* What closes quotes and emphasis around the title. */
		if (class == HANDOVER_OTHER || class == HANDOVER_DASH)
			break;
	}
	if (tab || blanks >= 2)
		*separated = 1;
	return *separated ? p : from;
}

/* The longest title that begins here. */
static const struct spelling *
longest(const char *begin, const char *end, const char **rest)
{
	const struct spelling *found = NULL, *here;
	char title[TITLE_MAX + 1];
	const char *p;

	for (p = begin + 1; p <= end && letters(begin, p, title) == 0; p++) {
		if (!is_word(p[-1]) || (p < end && is_word(*p)))
			continue;
		here = look_up(title, 0);
		if (here != NULL) {
			found = here;
			*rest = p;
		}
	}
	/* A bracket inside a title closes with it. */
	if (found != NULL && *rest < end && **rest == ')')
		(*rest)++;
	return found;
}

int
handover_title_read(
    const struct handover_line *line, struct handover_title *title)
{
	const char *begin = handover_skip_marks(line->begin, line->end);
	const char *end = title_end(begin, line->end);
	const struct spelling *found = longest(begin, end, &title->rest);
	char all[TITLE_MAX + 1];
	int separated;

	if (found != NULL) {
		title->field = found->field;
		title->rest = skip_remark(title->rest, line->end);
		title->rest =
		    skip_separator(title->rest, line->end, &separated);
		if (separated ||
		    handover_skip_blanks(title->rest, line->end) == line->end)
			return 1;
		return !found->weak &&
		       handover_is_alone(title->rest, line->end);
	}
	if (end == line->end || letters(begin, end, all) == -1 ||
	    (found = look_up(all, 1)) == NULL)
		return 0;
	title->field = found->field;
	title->rest = skip_separator(end, line->end, &separated);
	return separated;
}
