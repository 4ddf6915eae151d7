/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maillog, follow: what lines of a mail log say, through rotation.
 *
 * link: cli/maillog cli/follow
 */
#include "cli/maillog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/follow.h"

#define POSTFIX(reply)                                                         \
	"Nov 24 00:00:01 mx postfix/smtp[4711]: 4jYNTr5tsf: "                  \
	"to=<x@y.example>, "                                                   \
	"relay=smtp.office365.com[192.0.2.9]:587, delay=1, delays=0/0/1/0, "   \
	"dsn=5.0.0, status=bounced (host smtp.office365.com[192.0.2.9] "       \
	"said: " reply " (in reply to end of DATA command))"

#define FORGED                                                                 \
	"4jYNTr5tsf: to=<x@y>, relay=smtp.office365.com[1.2.3.4]:587, "        \
	"status=bounced (host h said: 550 5.2.252 Sender throttled)"

static const struct {
	const char *line;
	enum maillog_kind kind;
	const char *reply;
} cases[] = {
    {POSTFIX("554 5.2.0 STOREDRV.Submission.Exception:"
	     "SubmissionQuotaExceededException; Failed"),
	MAILLOG_FULL,
	"554 5.2.0 STOREDRV.Submission.Exception:"
	"SubmissionQuotaExceededException; Failed"},
    {POSTFIX("550 5.1.90 Your message can't be sent because"), MAILLOG_FULL,
	"550 5.1.90 Your message can't be sent because"},
    {POSTFIX("550 5.2.2 Submission quota exceeded"), MAILLOG_FULL,
	"550 5.2.2 Submission quota exceeded"},
    {POSTFIX("550 5.2.251 Sender throttled"), MAILLOG_BLOCKED,
	"550 5.2.251 Sender throttled"},
    {POSTFIX("550 5.2.255 Sender throttled"), MAILLOG_BLOCKED,
	"550 5.2.255 Sender throttled"},
    /* As the reply filter leaves it. */
    {POSTFIX("450 deferred by postoak: 550 5.2.252 Sender throttled"),
	MAILLOG_BLOCKED, "550 5.2.252 Sender throttled"},
    {POSTFIX("450 deferred by postoak: 554 5.2.0 STOREDRV.Submission.Exception:"
	     "SubmissionQuotaExceededException; Failed"),
	MAILLOG_FULL,
	"554 5.2.0 STOREDRV.Submission.Exception:"
	"SubmissionQuotaExceededException; Failed"},
    {POSTFIX("450 deferred by postoak; 550 5.2.252 Sender throttled"),
	MAILLOG_OTHER, NULL},
    {POSTFIX("450 deferred by postoak: 550 5.7.1 450 deferred by postoak: "
	     "550 5.2.252 Sender throttled"),
	MAILLOG_OTHER, NULL},
    /* One message that was refused; a full mailbox; near misses. */
    {POSTFIX("554 5.2.252 SendAsDenied; x"), MAILLOG_OTHER, NULL},
    {POSTFIX("554 5.2.2 mailbox full; STOREDRV.Submission.Exception:"
	     "QuotaExceededException"),
	MAILLOG_OTHER, NULL},
    {POSTFIX("554 5.2.0 STOREDRV.Submission.Exception:SendAsDenied"),
	MAILLOG_OTHER, NULL},
    {POSTFIX("550 5.2.2510 no"), MAILLOG_OTHER, NULL},
    {POSTFIX("550 5.7.1 he wrote: 550 5.2.252 Sender throttled"), MAILLOG_OTHER,
	NULL},
    {"4jYNTr5tsf: to=<x@y>, relay=h, status=sent (250 2.0.0 OK)", MAILLOG_SENT,
	NULL},
    {"4jYNTr5tsf: to=<x>, delay=0, mailer=relay, relay=smtp.office365.com. "
     "[1.2.3.4], dsn=2.0.0, stat=Sent (OK)",
	MAILLOG_SENT, NULL},
    {"4jYNTr5tsf: to=<x>, relay=smtp.office365.com. [1.2.3.4], dsn=5.0.0, "
     "reply=550 5.2.252 Sender throttled, stat=Service unavailable",
	MAILLOG_BLOCKED,
	"550 5.2.252 Sender throttled, stat=Service unavailable"},
    {"x postfix/qmgr[1]: 4jYNTr5tsf: from=<a@b.example>, size=3, nrcpt=1",
	MAILLOG_FROM, NULL},
    {"4jYNTr5tsf: from=<>, size=3", MAILLOG_FROM, NULL},
    {"4jYNTr5tsf: to=<x>, status=deferred (connect to h: timed out)",
	MAILLOG_OTHER, NULL},
    {"warning: 550 5.2.252 said: 550 5.2.252 x", MAILLOG_OTHER, NULL},
    {"4jYNTr5tsf: removed", MAILLOG_OTHER, NULL},
    /* Words of strangers that look like a refusal: a subject that is logged,
     * without syslog's tag and behind another program's; addresses. */
    {"4jYNTr5tsf: warning: header Subject: x]: " FORGED, MAILLOG_OTHER, NULL},
    {"Nov 24 00:00:01 mx dovecot: login: user=<x[1]: " FORGED, MAILLOG_OTHER,
	NULL},
    {"4jYNTr5tsf: from=<\"x[1]: " FORGED "\"@evil.example>", MAILLOG_FROM,
	NULL},
    {"4jYNTr5tsf: to=<\"x>, relay=smtp.office365.com[1.2.3.4]:587, status=b "
     "(host said: 550 5.2.252 x)\"@evil.example>, relay=none, delay=1, "
     "status=deferred (connect to evil.example: timed out)",
	MAILLOG_OTHER, NULL},
    {"4jYNTr5tsf: to=<\"x\\\">, status=sent (\"@y>, orig_to=<\"a, reply=550 "
     "5.2.252 x\"@y>, relay=none, status=bounced (no)",
	MAILLOG_OTHER, NULL},
    {"4jYNTr5tsf: to=<x>,<\"a, stat=Sent\"@y>, delay=0, relay=mx.y. [1.2.3.4], "
     "reply=550 5.1.1 , stat=Sent, reply=550 5.2.252 x",
	MAILLOG_OTHER, NULL},
    {"", MAILLOG_OTHER, NULL},
};

static void
what_lines_say(void **state)
{
	struct maillog line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		maillog_read(&line, cases[i].line);
		if (line.kind != cases[i].kind)
			fail_msg("%d: %s", line.kind, cases[i].line);
		if (line.kind != MAILLOG_OTHER)
			assert_string_equal(line.id, "4jYNTr5tsf");
		if (cases[i].reply == NULL)
			continue;
		assert_string_equal(line.reply, cases[i].reply);
		assert_string_equal(line.server, "smtp.office365.com");
	}
	maillog_read(
	    &line, "x postfix/qmgr[1]: 4jYNTr5tsf: from=<a@b.example>, size=3");
	assert_string_equal(line.sender, "a@b.example");
}

static void
long_ones_are_cut(void **state)
{
	static char text[100000];
	struct maillog line;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		memset(text, 'a', sizeof(text) - 1);
		if (i == 1)
			memcpy(text, "4jYNTr5tsf: from=<", 18);
		if (i == 2)
			memcpy(text, "4jYNTr5tsf: to=<x>, relay=", 26);
		maillog_read(&line, text);
		assert_int_equal(
		    line.kind, i == 1 ? MAILLOG_FROM : MAILLOG_OTHER);
	}
}

/* --- follow --------------------------------------------------------------- */

static char path[64], other[80], seen[4096];
static struct follow follow;

static void
add(void *arg, const char *line)
{
	(void)arg;
	strcat(seen, line);
	strcat(seen, ";");
}

static const char *
lines(void)
{
	seen[0] = '\0';
	follow_read(&follow, add, NULL);
	return seen;
}

static void
put(const char *mode, const char *text)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
through_rotation_and_truncation(void **state)
{
	struct err err;
	static char longest[70000];

	(void)state;
	strcpy(path, "/tmp/postoak-follow-XXXXXX");
	close(mkstemp(path));
	snprintf(other, sizeof(other), "%s.1", path);
	put("w", "old\n");
	assert_int_equal(follow_open(&follow, path, &err), 0);
	assert_string_equal(lines(), "");
	put("a", "one\ntwo\nthr");
	assert_string_equal(lines(), "one;two;");
	put("a", "ee\n");
	/* Renamed: what was still written to it is read. */
	rename(path, other);
	assert_string_equal(lines(), "three;");
	assert_string_equal(lines(), "");
	put("w", "four\n");
	assert_string_equal(lines(), "four;");
	/* Renamed, and a new one made before the next look. */
	put("a", "five\n");
	rename(path, other);
	put("w", "six\n");
	assert_string_equal(lines(), "five;six;");
	/* Copied and emptied. */
	put("a", "some more\n");
	assert_string_equal(lines(), "some more;");
	put("w", "7\n");
	assert_string_equal(lines(), "7;");
	memset(longest, 'x', sizeof(longest) - 1);
	put("a", longest);
	put("a", "\nshort\n");
	assert_string_equal(lines(), "short;");
	follow_close(&follow);
	unlink(path);
	unlink(other);
	/* Not there yet: from its beginning, as all of it is new. */
	assert_int_equal(follow_open(&follow, path, &err), 0);
	assert_string_equal(lines(), "");
	put("w", "new\n");
	assert_string_equal(lines(), "new;");
	follow_close(&follow);
	unlink(path);
	assert_int_equal(follow_open(&follow, "/tmp", &err), -1);
	follow_close(&follow);
}

/* Another process stops and goes on: nothing twice, nothing missed. */
static void
going_on_at_a_place(void **state)
{
	char place[64];
	struct err err;

	(void)state;
	strcpy(path, "/tmp/postoak-follow-XXXXXX");
	close(mkstemp(path));
	snprintf(other, sizeof(other), "%s-20261124", path);
	assert_int_equal(follow_open(&follow, path, &err), 0);
	put("a", "one\ntwo\nthr");
	assert_string_equal(lines(), "one;two;");
	follow_place(&follow, place, sizeof(place));
	follow_close(&follow);
	put("a", "ee\n");
	assert_int_equal(follow_open(&follow, path, &err), 0);
	follow_resume(&follow, "no place");
	assert_string_equal(lines(), "");
	follow_resume(&follow, place);
	assert_string_equal(lines(), "three;");
	follow_place(&follow, place, sizeof(place));
	follow_close(&follow);
	/* Rotated meanwhile. */
	put("a", "four\n");
	rename(path, other);
	put("w", "five\n");
	assert_int_equal(follow_open(&follow, path, &err), 0);
	follow_resume(&follow, place);
	assert_string_equal(lines(), "four;five;");
	follow_close(&follow);
	/* And the old one packed away; or emptied. */
	unlink(other);
	assert_int_equal(follow_open(&follow, path, &err), 0);
	follow_resume(&follow, place);
	assert_string_equal(lines(), "five;");
	follow_place(&follow, place, sizeof(place));
	follow_close(&follow);
	put("w", "6\n");
	assert_int_equal(follow_open(&follow, path, &err), 0);
	follow_resume(&follow, place);
	assert_string_equal(lines(), "6;");
	follow_close(&follow);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_lines_say),
	    cmocka_unit_test(long_ones_are_cut),
	    cmocka_unit_test(through_rotation_and_truncation),
	    cmocka_unit_test(going_on_at_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
