/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bars - budgets for people. See bars.h.
 */
#include "bars.h"

#include <stdio.h>
#include <string.h>

#include "time_text.h"

#define BAR_WIDTH 20
#define LIMIT_WIDTH 32

/* How much of a limit is used, in thousandths. */
static int64_t
share_of(int64_t used, int64_t max)
{
	if (max <= 0 || used >= max)
		return 1000;
	return used > 0 ? (int64_t)(1000.0 * (double)used / (double)max) : 0;
}

static int64_t
share_of_limit(const struct json *limit)
{
	return share_of(show_int(limit, "used"), show_int(limit, "max"));
}

/* The limit that will stop the account first. NULL if it has none. */
static const struct json *
tightest(const struct json *limits)
{
	const struct json *found = NULL, *limit;
	size_t i;

	for (i = 0; i < json_length(limits); i++) {
		limit = json_at(limits, i);
		if (found == NULL ||
		    share_of_limit(limit) > share_of_limit(found))
			found = limit;
	}
	return found;
}

/* "18 of 30 this minute": in the last 60 seconds, that is. */
static void
put_used(struct buf *out, int64_t used, int64_t max, int64_t window_s)
{
	char span[TIME_TEXT_MAX];

	buf_addf(out, "%lld of %lld", (long long)used, (long long)max);
	if (window_s == 60 || window_s == 3600 || window_s == 86400)
		buf_addf(out, " this %s",
		    window_s == 60     ? "minute"
		    : window_s == 3600 ? "hour"
				       : "day");
	else if (window_s > 0)
		buf_addf(out, " in %s",
		    time_text_span(span, sizeof(span), window_s));
}

void
bars_budget(struct buf *out, const struct json *account)
{
	const struct json *limits = json_get_array(account, "limits");
	const struct json *limit;

	if (limits == NULL) {
		buf_adds(out, "not known");
		return;
	}
	limit = tightest(limits);
	if (limit == NULL) {
		buf_adds(out, "no limit");
		return;
	}
	put_used(out, show_int(limit, "used"), show_int(limit, "max"),
	    show_int(limit, "window_s"));
}

static enum show_tone
tone_of_share(int64_t share)
{
	return share >= 1000 ? SHOW_BAD : share >= 800 ? SHOW_WARN : SHOW_GOOD;
}

/* One line: whose it is, how much of max is used, when more comes free. */
struct line {
	const char *name;
	size_t indent;
	int64_t used, max, window_s, frees_at;
};

static void
put_line(
    struct buf *out, const struct line *line, const struct show_style *style)
{
	int64_t share = share_of(line->used, line->max), i;
	char bar[BAR_WIDTH + 1], when[TIME_TEXT_MAX];

	for (i = 0; i < BAR_WIDTH; i++)
		bar[i] = i * 1000 < share * BAR_WIDTH ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	buf_addf(out, "%*s", (int)line->indent, "");
	show_cell(out, line->name, LIMIT_WIDTH + 2 - line->indent);
	buf_adds(out, " ");
	show_toned(out, bar, BAR_WIDTH, tone_of_share(share), style->colours);
	buf_adds(out, " ");
	put_used(out, line->used, line->max, line->window_s);
	if (share >= 1000 && line->frees_at > 0)
		buf_addf(out, "\n%*snext slot free %s", (int)line->indent + 2,
		    "",
		    time_text_when(
			when, sizeof(when), line->frees_at, style->now_s));
	buf_adds(out, "\n");
}

/* The fullest of those it counts for, and how many others there are. */
static void
put_fullest(
    struct buf *out, const struct json *limit, const struct show_style *style)
{
	const struct json *fullest = json_get_array(limit, "fullest"), *one;
	int64_t others = show_int(limit, "others");
	int more = json_get_bool(limit, "more", 0);
	const char *name;
	size_t i;

	for (i = 0; i < json_length(fullest); i++) {
		one = json_at(fullest, i);
		name = show_string(one, "name");
		/* Mail without a login, say. */
		put_line(out,
		    &(struct line){.name = name[0] != '\0' ? name : "(none)",
			.indent = 4,
			.used = show_int(one, "used"),
			.max = show_int(limit, "max"),
			.window_s = show_int(limit, "window_s"),
			.frees_at = show_int(one, "frees_at")},
		    style);
	}
	if (others > 0 || more)
		buf_addf(out, "    and %lld %s%s\n", (long long)others,
		    others == 1 ? "other" : "others",
		    more ? " at least: not all were looked at" : "");
}

/* A limit that many are counted by. */
static void
put_many(
    struct buf *out, const struct json *limit, const struct show_style *style)
{
	const struct json *fullest = json_get_array(limit, "fullest");
	const char *scope = show_string(limit, "scope");

	buf_adds(out, "  ");
	show_cell(out, show_string(limit, "limit"), LIMIT_WIDTH);
	buf_addf(out, " each %s by itself%s\n",
	    strcmp(scope, "account") == 0 ? "mailbox" : scope,
	    fullest != NULL && json_length(fullest) == 0 ? ", none is in use"
							 : "");
	if (fullest != NULL)
		put_fullest(out, limit, style);
}

static void
put_bar(
    struct buf *out, const struct json *limit, const struct show_style *style)
{
	int64_t used;

	if (!json_get_int(limit, "used", &used)) {
		put_many(out, limit, style);
		return;
	}
	put_line(out,
	    &(struct line){.name = show_string(limit, "limit"),
		.indent = 2,
		.used = used,
		.max = show_int(limit, "max"),
		.window_s = show_int(limit, "window_s"),
		.frees_at = show_int(limit, "frees_at")},
	    style);
}

void
bars_show(
    struct buf *out, const struct json *limits, const struct show_style *style)
{
	size_t i;

	for (i = 0; i < json_length(limits); i++)
		put_bar(out, json_at(limits, i), style);
	if (json_length(limits) == 0)
		buf_adds(out, "  no limit\n");
}

static void
put_held(
    struct buf *out, const struct json *entry, const struct show_style *style)
{
	const struct json *held = json_get_object(entry, "held");
	int64_t count = held != NULL ? show_int(held, "count") : 0;
	char since[TIME_TEXT_MAX], due[TIME_TEXT_MAX];

	if (count == 0)
		return;
	time_text_when(
	    since, sizeof(since), show_int(held, "oldest_at"), style->now_s);
	buf_addf(out, "  %lld held, the oldest %s", (long long)count, since);
	if (show_int(held, "due_at") > style->now_s)
		buf_addf(out, ", the next goes %s",
		    time_text_when(due, sizeof(due), show_int(held, "due_at"),
			style->now_s));
	buf_adds(out, "\n");
}

void
bars_refused(
    struct buf *out, const struct json *entry, const struct show_style *style)
{
	const struct json *refused = json_get_object(entry, "refused");
	char since[TIME_TEXT_MAX], next[TIME_TEXT_MAX];
	struct buf text;

	if (refused == NULL)
		return;
	buf_init(&text, SHOW_MAX);
	buf_addf(&text, "%s, says the provider since %s; next try %s: ",
	    strcmp(show_string(refused, "kind"), "full") == 0 ? "FULL"
							      : "BLOCKED",
	    time_text_when(
		since, sizeof(since), show_int(refused, "since"), style->now_s),
	    show_int(refused, "next_try") > style->now_s
		? time_text_when(next, sizeof(next),
		      show_int(refused, "next_try"), style->now_s)
		: "now");
	buf_adds(&text, show_string(refused, "text"));
	buf_adds(out, "  ");
	show_wrapped(out, text.data, 2);
	buf_clear(&text);
}

void
bars_account(
    struct buf *out, const struct json *entry, const struct show_style *style)
{
	show_text(out, show_string(entry, "account"));
	buf_adds(out, "\n");
	bars_show(out, json_get_array(entry, "limits"), style);
	put_held(out, entry, style);
	bars_refused(out, entry, style);
}
