/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time_text - times as people say them. See time_text.h.
 */
#include "time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

/* A unit is used from `from` on; below that the smaller one says more. */
static const struct {
	int64_t from_s;
	int64_t unit_s;
	const char *one;
	const char *many;
} units[] = {
    {2 * (int64_t)DAY_S, DAY_S, "day", "days"},
    {2 * 3600, 3600, "hour", "hours"},
    {60, 60, "minute", "minutes"},
    {0, 1, "second", "seconds"},
};

const char *
time_text_span(char *out, size_t size, int64_t seconds)
{
	int64_t number;
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds < units[i].from_s)
		i++;
	/* Cut, not rounded: "52 minutes left" must not promise more. */
	number = seconds / units[i].unit_s;
	snprintf(out, size, "%lld %s", (long long)number,
	    number == 1 ? units[i].one : units[i].many);
	return out;
}

const char *
time_text_when(char *out, size_t size, int64_t at_s, int64_t now_s)
{
	char span[TIME_TEXT_MAX];

	if (at_s == now_s)
		snprintf(out, size, "now");
	else if (at_s > now_s)
		snprintf(out, size, "in %s",
		    time_text_span(span, sizeof(span), at_s - now_s));
	else
		snprintf(out, size, "%s ago",
		    time_text_span(span, sizeof(span), now_s - at_s));
	return out;
}

int64_t
time_text_days(const char *date, int64_t now_s, int *ok)
{
	struct tm tm;
	char rest;
	int year, month, day;

	*ok = 0;
	memset(&tm, 0, sizeof(tm));
	if (sscanf(date, "%4d-%2d-%2d%c", &year, &month, &day, &rest) != 3)
		return 0;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	*ok = 1;
	return (int64_t)timegm(&tm) / DAY_S - now_s / DAY_S;
}

const char *
time_text_date(char *out, size_t size, const char *date, int64_t now_s)
{
	int ok;
	long long days = (long long)time_text_days(date, now_s, &ok);

	if (!ok)
		snprintf(out, size, "%s", date);
	else if (days == 0)
		snprintf(out, size, "%s, today", date);
	else if (days > 0)
		snprintf(out, size, "%s, in %lld %s", date, days,
		    days == 1 ? "day" : "days");
	else
		snprintf(out, size, "%s, %lld %s ago", date, -days,
		    days == -1 ? "day" : "days");
	return out;
}
