/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_say - what a warning says. See watch_say.h.
 */
#include "watch_say.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *
watch_name(const struct watch_subject *s)
{
	if (s->account != NULL)
		return s->account->name;
	return s->application != NULL ? s->application->name : NULL;
}

/* "2026-10-31, in 30 days" */
static void
say_day(char *out, size_t size, int64_t at_s, int64_t now_s)
{
	int64_t days = (at_s - now_s + WARNING_DAY_S - 1) / WARNING_DAY_S;
	time_t at = (time_t)at_s;
	char date[16] = "?";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	if (at_s <= now_s)
		snprintf(out, size, "ended on %s", date);
	else
		snprintf(out, size, "ends on %s, in %lld day%s", date,
		    (long long)days, days == 1 ? "" : "s");
}

static void
say_secret(const struct watch_subject *s, int64_t now_s, char *out)
{
	const struct conf_application *application = s->application;
	char day[64];

	say_day(day, sizeof(day),
	    warning_date_s(application->client_secret_expires), now_s);
	snprintf(out, WATCH_TEXT_MAX,
	    "the client secret of application %.100s %s; make a new one, put "
	    "its Value into a file that client_secret_file lists beside %.300s,"
	    " and correct client_secret_expires",
	    application->name, day,
	    application->client_secret_files.count > 0
		? application->client_secret_files.items[0]
		: "it");
}

static void
say_certificate(const struct watch_subject *s, int64_t now_s, char *out)
{
	char day[64];

	say_day(day, sizeof(day), s->notes->certificate_ends_s, now_s);
	snprintf(out, WATCH_TEXT_MAX,
	    "the certificate of application %.100s %s; make a new one, upload "
	    "it to the app registration, and configure it",
	    s->application->name, day);
}

static void
say_idle(const struct watch_subject *s, int64_t now_s, char *out)
{
	snprintf(out, WATCH_TEXT_MAX,
	    "account %.200s: its refresh token was last used %lld days ago, "
	    "after 90 it is dead; run: postoak refresh %.200s",
	    watch_name(s),
	    (long long)((now_s - s->notes->refresh_at_s) / WARNING_DAY_S),
	    watch_name(s));
}

static void
say_sign_in(const struct watch_subject *s, int64_t now_s, char *out)
{
	const struct notes *notes = s->notes;
	char day[64];

	say_day(day, sizeof(day), notes->signed_in_at_s + notes->sign_in_life_s,
	    now_s);
	snprintf(out, WATCH_TEXT_MAX,
	    "account %.200s: a policy of the tenant ended the last sign-in "
	    "after %lld hours; the present one %s; sign in again before: "
	    "postoak login %.200s; or exclude the account from the policy",
	    watch_name(s), (long long)notes->sign_in_life_s / 3600, day,
	    watch_name(s));
}

static void
say_egress(const struct watch_subject *s, int64_t now_s, char *out)
{
	const struct notes *notes = s->notes;
	const char *seen = notes->addresses != NULL ? notes->addresses : "?";

	(void)now_s;
	snprintf(out, WATCH_TEXT_MAX,
	    "application %.100s: the provider sees this host at %.*s now, "
	    "before at %.64s; where addresses are listed (named locations, "
	    "connectors, firewalls), list the new one",
	    watch_name(s), (int)strcspn(seen, " "), seen,
	    notes->address_before != NULL ? notes->address_before : "?");
}

static void
say_clock(const struct watch_subject *s, int64_t now_s, char *out)
{
	int64_t off_s = s->notes->clock_off_s;

	(void)now_s;
	snprintf(out, WATCH_TEXT_MAX,
	    "the clock of this host is %lld minutes %s the provider's; have "
	    "it set and kept right (NTP)",
	    (long long)(off_s < 0 ? -off_s : off_s) / 60,
	    off_s < 0 ? "behind" : "ahead of");
}

static void (*const say[WARNING_COUNT])(
    const struct watch_subject *s, int64_t now_s, char *out) = {
    [WARNING_SECRET] = say_secret,
    [WARNING_CERTIFICATE] = say_certificate,
    [WARNING_IDLE] = say_idle,
    [WARNING_SIGN_IN] = say_sign_in,
    [WARNING_EGRESS] = say_egress,
    [WARNING_CLOCK] = say_clock,
};

void
watch_say(const struct watch_subject *s, enum warning warning, int64_t now_s,
    char out[WATCH_TEXT_MAX])
{
	say[warning](s, now_s, out);
}
