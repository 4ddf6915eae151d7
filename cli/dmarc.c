/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmarc - tags of a DMARC record. See dmarc.h.
 */
#include "dmarc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"
#define VERSION "v=DMARC1"

static const char *const policies[] = {
    [DMARC_NO_POLICY] = "none",
    [DMARC_QUARANTINE] = "quarantine",
    [DMARC_REJECT] = "reject",
};

int
dmarc_is_record(const char *text)
{
	size_t len = strlen(VERSION);

	return strncasecmp(text, VERSION, len) == 0 &&
	       (text[len] == '\0' || strchr(BLANKS ";", text[len]) != NULL);
}

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	return policies[policy];
}

/* One tag without the blanks around its parts. */
struct tag {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

static size_t
trimmed(const char *text, size_t len)
{
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	return len;
}

/* The next tag behind *p, 0 at the end. What has no "=" has no value. */
static int
next_tag(const char **p, struct tag *tag)
{
	size_t len;
	const char *equal;

	*p += strspn(*p, BLANKS ";");
	len = strcspn(*p, ";");
	if (len == 0)
		return 0;
	equal = memchr(*p, '=', len);
	tag->name = *p;
	tag->name_len = trimmed(*p, equal != NULL ? (size_t)(equal - *p) : len);
	tag->value = equal != NULL ? equal + 1 : *p + len;
	tag->value += strspn(tag->value, BLANKS);
	*p += len;
	tag->value_len = tag->value < *p
			     ? trimmed(tag->value, (size_t)(*p - tag->value))
			     : 0;
	return 1;
}

static int
is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* -1: the value is no policy. */
static int
read_policy(const struct tag *tag, enum dmarc_policy *policy)
{
	size_t i;

	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (is(tag->value, tag->value_len, policies[i])) {
			*policy = (enum dmarc_policy)i;
			return 0;
		}
	return -1;
}

static int
read_percent(const struct tag *tag)
{
	long percent = strtol(tag->value, NULL, 10);

	return tag->value_len > 0 && percent >= 0 && percent <= 100
		   ? (int)percent
		   : 100;
}

int
dmarc_read(struct dmarc *dmarc, const char *text)
{
	int has_policy = 0, has_subdomains = 0;
	const char *p = text;
	struct tag tag;

	memset(dmarc, 0, sizeof(*dmarc));
	dmarc->percent = 100;
	while (next_tag(&p, &tag)) {
		if (is(tag.name, tag.name_len, "p"))
			has_policy = read_policy(&tag, &dmarc->policy) == 0;
		else if (is(tag.name, tag.name_len, "sp"))
			has_subdomains =
			    read_policy(&tag, &dmarc->subdomains) == 0;
		else if (is(tag.name, tag.name_len, "aspf"))
			dmarc->strict_spf = is(tag.value, tag.value_len, "s");
		else if (is(tag.name, tag.name_len, "adkim"))
			dmarc->strict_dkim = is(tag.value, tag.value_len, "s");
		else if (is(tag.name, tag.name_len, "pct"))
			dmarc->percent = read_percent(&tag);
	}
	if (!has_subdomains)
		dmarc->subdomains = dmarc->policy;
	return has_policy ? 0 : -1;
}
