/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spf - a record read from left to right, as a receiver does. See spf.h.
 *
 * The address of the server that will send is not known, only that it is one of
 * the provider's: a mechanism matches if it includes the provider's name, or is
 * "all". Others (ip4, a, mx ...) are taken not to match; they cost look-ups.
 */
#include "spf.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 253
#define DEPTH_MAX SPF_LOOKUPS_MAX

/* What the terms read so far say. */
enum outcome { NO_MATCH, PASS, NEUTRAL, FAIL, NONE, PERMERROR, UNKNOWN };

struct walk {
	const char *wanted;
	spf_lookup *lookup;
	void *arg;
	struct spf_result *result;
	int macros; /* a term that cannot be judged was passed by */
};

/* One term: [qualifier] name [":" value], or name "=" value. */
struct term {
	char qualifier;
	char name[24];
	char value[NAME_MAX_LEN + 1];
	int is_modifier;
};

static enum outcome walk_name(struct walk *walk, const char *name, int depth);

static enum outcome broken(struct walk *walk, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static enum outcome
broken(struct walk *walk, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(walk->result->why, sizeof(walk->result->why), fmt, ap);
	va_end(ap);
	return PERMERROR;
}

int
spf_is_record(const char *text)
{
	/* RFC 7208 section 4.5: the version stands alone. */
	return strncasecmp(text, "v=spf1", 6) == 0 &&
	       (text[6] == '\0' || text[6] == ' ');
}

/* --- terms ---------------------------------------------------------------- */

/* Take one apart; 0, or -1 if it is none. */
static int
read_term(const char *text, size_t len, struct term *term)
{
	size_t name, i;

	memset(term, 0, sizeof(*term));
	term->qualifier = '+';
	if (len > 0 && strchr("+-~?", text[0]) != NULL) {
		term->qualifier = *text++;
		len--;
	}
	for (name = 0; name < len && strchr(":/=", text[name]) == NULL; name++)
		if (!isalnum((unsigned char)text[name]) &&
		    strchr("-_.", text[name]) == NULL)
			return -1;
	if (name == 0 || name >= sizeof(term->name) ||
	    len - name > sizeof(term->value))
		return -1;
	for (i = 0; i < name; i++)
		term->name[i] = (char)tolower((unsigned char)text[i]);
	term->is_modifier = name < len && text[name] == '=';
	if (name < len && text[name] != '/')
		name++;
	memcpy(term->value, text + name, len - name);
	return 0;
}

/* Does it need a question to the DNS when a receiver comes to it? */
static int
costs_lookup(const struct term *term)
{
	static const char *const names[] = {
	    "include", "a", "mx", "ptr", "exists", "redirect"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(term->name, names[i]) == 0)
			return 1;
	return 0;
}

static int
is_known(const struct term *term)
{
	return costs_lookup(term) || strcmp(term->name, "all") == 0 ||
	       strcmp(term->name, "ip4") == 0 || strcmp(term->name, "ip6") == 0;
}

/* A name without its closing dot. */
static void
strip_dot(char *name)
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
}

static enum outcome
by_qualifier(char qualifier)
{
	return qualifier == '+' ? PASS : qualifier == '?' ? NEUTRAL : FAIL;
}

/* --- includes ------------------------------------------------------------- */

/* Section 5.2: an include matches if what is included passes. */
static enum outcome
look_at_include(struct walk *walk, struct term *term, int depth)
{
	enum outcome inner;

	strip_dot(term->value);
	if (term->value[0] == '\0')
		return broken(walk, "an include names nothing");
	if (strchr(term->value, '%') != NULL) {
		walk->macros = 1;
		return NO_MATCH;
	}
	if (walk->wanted != NULL && strcasecmp(term->value, walk->wanted) == 0)
		return by_qualifier(term->qualifier);
	inner = walk_name(walk, term->value, depth + 1);
	if (inner == NONE)
		return broken(
		    walk, "it includes %s, which has none", term->value);
	if (inner == PERMERROR || inner == UNKNOWN)
		return inner;
	return inner == PASS ? by_qualifier(term->qualifier) : NO_MATCH;
}

static enum outcome
look_at_term(struct walk *walk, struct term *term, int depth)
{
	if (!is_known(term))
		return broken(
		    walk, "it has the unknown term \"%s\"", term->name);
	if (costs_lookup(term) && ++walk->result->lookups > SPF_LOOKUPS_MAX)
		return broken(walk, "it takes more than %d DNS look-ups",
		    SPF_LOOKUPS_MAX);
	if (strcmp(term->name, "all") == 0) {
		if (term->qualifier == '+')
			walk->result->takes_all = 1;
		return by_qualifier(term->qualifier);
	}
	if (strcmp(term->name, "include") == 0)
		return look_at_include(walk, term, depth);
	if (strcmp(term->name, "exists") == 0)
		walk->macros = 1;
	return NO_MATCH;
}

/* Section 6.1: where nothing matched, another record stands for this one. */
static enum outcome
look_at_redirect(struct walk *walk, char *name, int depth)
{
	enum outcome inner;

	strip_dot(name);
	if (strchr(name, '%') != NULL) {
		walk->macros = 1;
		return NO_MATCH;
	}
	if (++walk->result->lookups > SPF_LOOKUPS_MAX)
		return broken(walk, "it takes more than %d DNS look-ups",
		    SPF_LOOKUPS_MAX);
	if (walk->wanted != NULL && strcasecmp(name, walk->wanted) == 0)
		return PASS;
	inner = walk_name(walk, name, depth + 1);
	if (inner == NONE)
		return broken(walk, "it redirects to %s, which has none", name);
	return inner;
}

static enum outcome
walk_record(struct walk *walk, const char *record, int depth)
{
	char redirect[NAME_MAX_LEN + 1] = "";
	const char *p = record + strlen("v=spf1");
	enum outcome outcome;
	struct term term;
	size_t len;

	for (; *(p += strspn(p, " ")) != '\0'; p += len) {
		len = strcspn(p, " ");
		if (read_term(p, len, &term) == -1)
			return broken(walk, "\"%.*s\" is no term of SPF",
			    (int)(len > 80 ? 80 : len), p);
		if (term.is_modifier) {
			/* Unknown modifiers are ignored, section 6. */
			if (strcmp(term.name, "redirect") == 0)
				memcpy(redirect, term.value, sizeof(redirect));
			continue;
		}
		outcome = look_at_term(walk, &term, depth);
		if (outcome != NO_MATCH)
			return outcome;
	}
	return redirect[0] != '\0' ? look_at_redirect(walk, redirect, depth)
				   : NO_MATCH;
}

/* Longer than any record that a question could be answered with. */
#define RECORD_MAX 4096

static enum outcome
walk_name(struct walk *walk, const char *name, int depth)
{
	const char *found = NULL;
	char record[RECORD_MAX];
	size_t count = 0;

	if (depth > DEPTH_MAX)
		return broken(walk, "it takes more than %d DNS look-ups",
		    SPF_LOOKUPS_MAX);
	switch (walk->lookup(walk->arg, name, &found, &count)) {
	case SPF_ABSENT:
		return NONE;
	case SPF_TROUBLE:
		snprintf(walk->result->why, sizeof(walk->result->why),
		    "the name servers of %s do not answer", name);
		return UNKNOWN;
	case SPF_FOUND:
		break;
	}
	if (count == 0)
		return NONE;
	if (count > 1)
		return broken(walk, "%s has %zu of them, and there may be one",
		    name, count);
	/* The next question needs the callback's room. */
	snprintf(record, sizeof(record), "%s", found);
	return walk_record(walk, record, depth);
}

void
spf_judge(const char *domain, const char *wanted, spf_lookup *lookup, void *arg,
    struct spf_result *result)
{
	static const enum spf_verdict verdicts[] = {
	    [NO_MATCH] = SPF_FAIL, /* neutral by section 4.7, but no yes */
	    [PASS] = SPF_PASS,
	    [NEUTRAL] = SPF_NEUTRAL,
	    [FAIL] = SPF_FAIL,
	    [NONE] = SPF_NONE,
	    [PERMERROR] = SPF_PERMERROR,
	    [UNKNOWN] = SPF_UNKNOWN,
	};
	struct walk walk = {
	    .wanted = wanted, .lookup = lookup, .arg = arg, .result = result};
	enum outcome outcome;

	memset(result, 0, sizeof(*result));
	outcome = walk_name(&walk, domain, 0);
	if (walk.macros && (outcome == NO_MATCH || outcome == FAIL)) {
		snprintf(result->why, sizeof(result->why),
		    "it has macros, which depend on each mail");
		outcome = UNKNOWN;
	}
	if (wanted == NULL && outcome != NONE && outcome != PERMERROR &&
	    outcome != UNKNOWN)
		outcome = PASS;
	result->verdict = verdicts[outcome];
}
