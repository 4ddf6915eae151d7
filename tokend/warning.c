/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warning - thresholds, and what was told already. See warning.h.
 */
#define _GNU_SOURCE
#include "warning.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ADDRESSES 8
#define IDLE_END 90 /* days; Entra ID's refresh tokens */

static const char *const names[WARNING_COUNT] = {
    [WARNING_SECRET] = "client_secret",
    [WARNING_CERTIFICATE] = "certificate",
    [WARNING_IDLE] = "refresh_token",
    [WARNING_SIGN_IN] = "sign_in_frequency",
    [WARNING_EGRESS] = "egress",
    [WARNING_CLOCK] = "clock",
};

const char *
warning_name(enum warning warning)
{
	return names[warning];
}

int64_t
warning_date_s(const char *date)
{
	struct tm tm;
	const char *end;

	memset(&tm, 0, sizeof(tm));
	end = date != NULL ? strptime(date, "%Y-%m-%d", &tm) : NULL;
	return end != NULL && *end == '\0' ? (int64_t)timegm(&tm) : -1;
}

/* The number of limits, which fall, that left has come down to. */
static int
steps(int64_t left, const int64_t *limits, int count)
{
	int level = 0;

	while (level < count && left <= limits[level])
		level++;
	return level;
}

int
warning_expiry(int64_t ends_at_s, int64_t now_s)
{
	static const int64_t limits[] = {60 * WARNING_DAY_S, 30 * WARNING_DAY_S,
	    7 * WARNING_DAY_S, WARNING_DAY_S, 0};

	return ends_at_s <= 0 ? 0 : steps(ends_at_s - now_s, limits, 5);
}

int
warning_idle(int64_t used_at_s, int64_t now_s)
{
	static const int64_t limits[] = {
	    15 * WARNING_DAY_S, 5 * WARNING_DAY_S, 0};

	return used_at_s <= 0
		   ? 0
		   : steps(used_at_s + IDLE_END * WARNING_DAY_S - now_s, limits,
			 3);
}

static int64_t
at_most(int64_t value, int64_t limit)
{
	return value < limit ? value : limit;
}

int
warning_sign_in(int64_t signed_in_at_s, int64_t life_s, int64_t now_s)
{
	const int64_t limits[] = {
	    at_most(life_s / 4, 7 * WARNING_DAY_S),
	    at_most(life_s / 8, WARNING_DAY_S),
	};

	if (signed_in_at_s <= 0 || life_s <= 0)
		return 0;
	return steps(signed_in_at_s + life_s - now_s, limits, 2);
}

int
warning_clock(int64_t off_s)
{
	return off_s > WARNING_CLOCK_S || off_s < -WARNING_CLOCK_S;
}

/* --- addresses -------------------------------------------------------------
 */

/* As it is remembered; 0 if it is no address. */
static int
normalise(const char *address, char out[WARNING_ADDRESS_MAX])
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, address, bytes) == 1)
		return inet_ntop(AF_INET, bytes, out, WARNING_ADDRESS_MAX) !=
		       NULL;
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return 0;
	memset(bytes + 8, 0, 8);
	if (inet_ntop(AF_INET6, bytes, out, WARNING_ADDRESS_MAX - 4) == NULL)
		return 0;
	strcat(out, "/64");
	return 1;
}

static int
is_ipv6(const char *address)
{
	return strchr(address, ':') != NULL;
}

int
warning_address(char seen[WARNING_ADDRESSES_MAX], const char *address,
    char before[WARNING_ADDRESS_MAX])
{
	char now[WARNING_ADDRESS_MAX], list[WARNING_ADDRESSES_MAX];
	char old[WARNING_ADDRESSES_MAX];
	char *rest = old, *one;
	int known = 0, relatives = 0, count = 1;
	size_t len;

	if (!normalise(address, now))
		return 0;
	memcpy(old, seen, sizeof(old));
	len = (size_t)snprintf(list, sizeof(list), "%s", now);
	while ((one = strsep(&rest, " ")) != NULL) {
		if (strcmp(one, now) == 0)
			known = 1;
		else if (*one != '\0' && count++ < ADDRESSES)
			len += (size_t)snprintf(
			    list + len, sizeof(list) - len, " %s", one);
		if (*one != '\0' && is_ipv6(one) == is_ipv6(now) &&
		    relatives++ == 0)
			snprintf(before, WARNING_ADDRESS_MAX, "%.63s", one);
	}
	memcpy(seen, list, sizeof(list));
	return !known && relatives > 0;
}

/* --- who was told ----------------------------------------------------------
 */

/* A time in the future was noted by a clock that was wrong. */
static int
is_a_day_ago(int64_t at_s, int64_t now_s)
{
	return at_s > now_s || now_s - at_s >= WARNING_DAY_S;
}

int
warning_due(int level, int told, int64_t told_at_s, int64_t now_s)
{
	if (level <= told)
		return 0;
	return told > 0 || is_a_day_ago(told_at_s, now_s);
}

static int
is_state(const char *state, const char *one, const char *other)
{
	return strcmp(state, one) == 0 || strcmp(state, other) == 0;
}

int
warning_state_due(
    const char *state, const char *told, int64_t told_at_s, int64_t now_s)
{
	if (*told == '\0')
		told = "ok";
	if (strcmp(state, "idle") == 0)
		return 0;
	if (is_state(state, "needs_login", "needs_admin"))
		return strcmp(state, told) != 0 ||
		       is_a_day_ago(told_at_s, now_s);
	if (strcmp(state, told) == 0)
		return 0;
	if (strcmp(state, "ok") == 0)
		return 1;
	/* The token ended: from now on mail waits. */
	if (strcmp(state, "retrying") == 0 && strcmp(told, "stale") == 0)
		return 1;
	return strcmp(told, "ok") == 0 && is_a_day_ago(told_at_s, now_s);
}
