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
share_of(const struct json *limit)
{
	int64_t max = show_int(limit, "max");
	int64_t used = show_int(limit, "used");

	if (max <= 0 || used >= max)
		return 1000;
	return used > 0 ? (int64_t)(1000.0 * (double)used / (double)max) : 0;
}

/* The limit that will stop the account first. NULL if it has none. */
static const struct json *
tightest(const struct json *limits)
{
	const struct json *found = NULL, *limit;
	size_t i;

	for (i = 0; i < json_length(limits); i++) {
		limit = json_at(limits, i);
		if (found == NULL || share_of(limit) > share_of(found))
			found = limit;
	}
	return found;
}

/* "18 of 30 this minute": in the last 60 seconds, that is. */
static void
put_used(struct buf *out, const struct json *limit)
{
	int64_t window_s = show_int(limit, "window_s");
	char span[TIME_TEXT_MAX];

	buf_addf(out, "%lld of %lld", (long long)show_int(limit, "used"),
	    (long long)show_int(limit, "max"));
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
	put_used(out, limit);
}

static enum show_tone
tone_of_share(int64_t share)
{
	return share >= 1000 ? SHOW_BAD : share >= 800 ? SHOW_WARN : SHOW_GOOD;
}

static void
put_bar(
    struct buf *out, const struct json *limit, const struct show_style *style)
{
	int64_t share = share_of(limit), i, used;
	char bar[BAR_WIDTH + 1], when[TIME_TEXT_MAX];

	for (i = 0; i < BAR_WIDTH; i++)
		bar[i] = i * 1000 < share * BAR_WIDTH ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	buf_adds(out, "  ");
	show_cell(out, show_string(limit, "limit"), LIMIT_WIDTH);
	buf_adds(out, " ");
	show_toned(out, bar, BAR_WIDTH, tone_of_share(share), style->colours);
	if (!json_get_int(limit, "used", &used)) {
		buf_addf(
		    out, " each %s by itself\n", show_string(limit, "scope"));
		return;
	}
	buf_adds(out, " ");
	put_used(out, limit);
	if (share >= 1000 && show_int(limit, "frees_at") > 0)
		buf_addf(out, "\n    next slot free %s",
		    time_text_when(when, sizeof(when),
			show_int(limit, "frees_at"), style->now_s));
	buf_adds(out, "\n");
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
