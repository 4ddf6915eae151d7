/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply - see reply.h.
 */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
reply_set(struct reply *reply, const char *code, const char *enhanced,
    const char *fmt, ...)
{
	va_list ap;

	reply->code = code;
	reply->enhanced = enhanced;
	va_start(ap, fmt);
	(void)vsnprintf(reply->text, sizeof(reply->text), fmt, ap);
	va_end(ap);
}

void
reply_duration(char *text, size_t size, int64_t ms)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
	int64_t s = (ms + 999) / 1000, n;
	size_t i;

	/* The largest unit of which there are at least two. */
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (s < 2 * units[i].seconds && s != units[i].seconds)
			continue;
		n = (s + units[i].seconds - 1) / units[i].seconds;
		(void)snprintf(text, size, "%lld %s%s", (long long)n,
		    units[i].name, n == 1 ? "" : "s");
		return;
	}
	(void)snprintf(
	    text, size, "%lld second%s", (long long)s, s == 1 ? "" : "s");
}

const char *
reply_unit(enum conf_unit unit)
{
	switch (unit) {
	case CONF_UNIT_MESSAGES:
		return "messages";
	case CONF_UNIT_RECIPIENTS:
		return "recipients";
	case CONF_UNIT_EXTERNAL_RECIPIENTS:
		return "external recipients";
	case CONF_UNIT_BYTES:
		return "bytes";
	}
	return "?";
}

/* "minute", "24 hours": what stands behind "in the last". */
static void
window_text(char *text, size_t size, int64_t window_s)
{
	if (window_s == 60)
		(void)snprintf(text, size, "minute");
	else if (window_s == 3600)
		(void)snprintf(text, size, "hour");
	else if (window_s == 86400)
		(void)snprintf(text, size, "24 hours");
	else
		reply_duration(text, size, window_s * 1000);
}

void
reply_over_limit(struct reply *reply, int retry, const char *who,
    const struct conf_limit *limit, const struct counters_item *item)
{
	const char *unit = reply_unit(limit->unit);
	char window[40], wait[40], this[60] = "", again[80] = "";

	window_text(window, sizeof(window), limit->window_s);
	if (item->wait_ms < 0) {
		reply_duration(window, sizeof(window), limit->window_s * 1000);
		reply_set(reply, "550", "5.7.1",
		    "%.330s may send %llu %s in %s and this message alone has "
		    "%llu",
		    who, (unsigned long long)item->max, unit, window,
		    (unsigned long long)item->amount);
		return;
	}
	if (item->amount > 1)
		(void)snprintf(this, sizeof(this), " and this message has %llu",
		    (unsigned long long)item->amount);
	reply_duration(wait, sizeof(wait), item->wait_ms);
	if (retry)
		(void)snprintf(again, sizeof(again), "; try again in %s", wait);
	reply_set(reply, retry ? "451" : "550", retry ? "4.7.1" : "5.7.1",
	    "%.330s has sent %llu of %llu %s in the last %s%s%s", who,
	    (unsigned long long)item->used, (unsigned long long)item->max, unit,
	    window, this, again);
}

void
reply_wire(const char *text, char out[2 * REPLY_TEXT_MAX])
{
	size_t n = 0;

	for (; *text != '\0' && n < 2 * REPLY_TEXT_MAX - 2; text++) {
		char c = *text;

		out[n++] = c >= ' ' && c < 0x7f ? c : '?';
		if (c == '%')
			out[n++] = '%';
	}
	out[n] = '\0';
}
