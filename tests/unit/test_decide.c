/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide: whole decisions with a configuration from a file and counters on
 * disk.
 *
 * link: milter/lmdb_store
 * link: milter/budget milter/held
 * link: milter/mark milter/recent
 * link: milter/decide milter/message milter/config milter/rewrite
 * link: milter/rewrite_edit milter/notice milter/dkim milter/charset
 * link: milter/rewrite_field milter/phrase milter/name milter/encoded
 * link: milter/route milter/address milter/scan milter/reply milter/limits
 * link: milter/lmdb_keys milter/counters_walk
 * link: milter/counters milter/counters_lmdb milter/lmdb_file milter/ticks
 * link: milter/lmdb_check
 * link: milter/lmdb_work milter/notes_lmdb milter/tally milter/pending
 * link: milter/journal
 * link: milter/limit milter/map tests/unit/conf_files
 * libs: milter
 */
#include "milter/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "log.h"
#include "milter/mark.h"
#include "tests/unit/conf_files.h"

/* Two accounts, so that neither is the only one. */
#define OTHER                                                                  \
	"account \"o@o.example\" { application = \"c\"\ngrant = "              \
	"\"refresh_token\" }\n"

static struct counters *counters;
static struct config *config;
static struct message m;
static struct verdict verdict;
static struct err err;

/* Begin a message under that configuration, with counters of its own. */
static void
begin(const char *text, const char *sender, const char *from, long long size)
{
	static int number;
	char name[16], store[128];
	struct conf_milter milter = {.counters = store};

	snprintf(name, sizeof(name), "c%d", number++);
	assert_int_equal(mkdir(conf_files_path(name), 0700), 0);
	snprintf(store, sizeof(store), "lmdb:%s", conf_files_path(name));
	counters = counters_open(&milter, &err);
	assert_non_null(counters);
	conf_files_write("postoak.conf", text, strlen(text));
	config = config_load(conf_files_path("postoak.conf"), &err);
	if (config == NULL)
		fail_msg("%s", err.text);
	config_install(config);
	message_init(&m);
	message_mail(&m, config_get(), sender, NULL, size);
	if (from != NULL)
		message_header(&m, "From", from);
}

static int
teardown(void **state)
{
	(void)state;
	decide_clear(&verdict);
	message_clear(&m);
	config_install(NULL);
	counters_close(counters);
	counters = NULL;
	return 0;
}

static void
decide(const char *id)
{
	decide_clear(&verdict);
	decide_message(&m, counters, id, &verdict);
}

static void
assert_verdict(const char *action, const char *code, const char *words)
{
	assert_string_equal(verdict.action, action);
	if (code == NULL)
		assert_null(verdict.reply.code);
	else
		assert_string_equal(verdict.reply.code, code);
	if (strstr(verdict.reason, words) == NULL)
		fail_msg("wanted: %s\n     got: %s", words, verdict.reason);
}

static void
test_nobodys_mail(void **state)
{
	(void)state;
	begin(ACCOUNT("") OTHER, "<e@evil.example>", "e@evil.example", 0);
	decide("");
	assert_verdict("passed", NULL, "it is no account's mail");
	assert_null(verdict.account);
	assert_int_equal(verdict.rewrite.edits.count, 0);
	teardown(NULL);
	begin("milter { unmatched = \"reject\" }\n" ACCOUNT("") OTHER,
	    "<e@evil.example>", "a@x.org", 0);
	decide("");
	assert_verdict("refused", "550", "<e@evil.example> belongs to no");
	teardown(NULL);
	begin("milter { unmatched = \"o@o.example\" }\n" ACCOUNT("") OTHER,
	    "<e@evil.example>", "e@evil.example", 0);
	decide("");
	assert_verdict("rewritten", NULL, "");
	assert_string_equal(verdict.who, "o@o.example");
	assert_string_equal(verdict.by, "unmatched");
	assert_string_equal(verdict.rewrite.now, "o@o.example");
}

static void
test_own_mail_passes_and_a_foreign_sender_is_rewritten(void **state)
{
	(void)state;
	begin(ACCOUNT("") OTHER, "<A@X.org>", "Me <a@x.org>", 0);
	decide("");
	assert_verdict("passed", NULL, "");
	assert_string_equal(verdict.who, "a@x.org");
	message_mail(&m, config_get(), "<a@x.org>", NULL, 0);
	message_header(&m, "From", "e@evil.example");
	decide("");
	assert_verdict("rewritten", NULL, "");
	assert_string_equal(verdict.rewrite.was, "e@evil.example");
	assert_string_equal(verdict.rewrite.now, "a@x.org");
}

static void
test_a_foreign_sender_may_be_refused(void **state)
{
	(void)state;
	begin(ACCOUNT("on_sender = \"reject\"") OTHER, "<a@x.org>",
	    "e@evil.example", 0);
	decide("");
	assert_verdict("refused", "550", "e@evil.example");
}

#define DOMAIN                                                                 \
	APP "account \"@x.org\" { grant = \"client_credentials\" }\n" OTHER

static void
test_mailbox_of_a_domain_account(void **state)
{
	(void)state;
	begin(DOMAIN, "<c@X.org>", "d@x.org", 0);
	decide("");
	assert_string_equal(verdict.account->conf->name, "@x.org");
	assert_string_equal(verdict.who, "c@X.org");
	/* The null sender: From says it. */
	message_mail(&m, config_get(), "<>", NULL, 0);
	message_header(&m, "From", "d@x.org");
	decide("");
	assert_string_equal(verdict.who, "d@x.org");
	/* What can be read in two ways is no mailbox. */
	message_mail(&m, config_get(), "<\"c d\"@x.org>", NULL, 0);
	message_header(&m, "From", "c@sub.x.org");
	decide("");
	assert_verdict("refused", "550", "is an address of x.org");
	assert_string_equal(verdict.who, "@x.org");
}

static void
test_size_and_recipients(void **state)
{
	struct reply reply = {0};

	(void)state;
	begin(ACCOUNT("max_message_size = \"1k\"\nmax_recipients = 2") OTHER,
	    "<a@x.org>", "a@x.org", 1024);
	assert_int_equal(decide_too_large(&m, &reply), 0);
	message_rcpt(&m, "<b@x.org>");
	message_rcpt(&m, "<b@x.org>");
	decide("");
	assert_verdict("passed", NULL, "");
	message_rcpt(&m, "<c@x.org>");
	decide("");
	assert_verdict("refused", "550", "has 3 recipients");
	/* It lied about its size. */
	message_body(&m, 1025);
	decide("");
	assert_verdict("refused", "552", "may send 1024 at once");
	message_mail(&m, config_get(), "<a@x.org>", NULL, 1025);
	assert_int_equal(decide_too_large(&m, &reply), 1);
	assert_string_equal(reply.code, "552");
	message_mail(&m, config_get(), "<e@evil.example>", NULL, 1025);
	assert_int_equal(decide_too_large(&m, &reply), 0);
}

static void
test_limits_are_counted(void **state)
{
	(void)state;
	begin(ACCOUNT("on_limit = { \"hold\", \"tempfail\" }\n"
		      "limits = { \"2 messages / 1h\" }") OTHER,
	    "<a@x.org>", "a@x.org", 0);
	decide("q1");
	assert_verdict("passed", NULL, "");
	decide("q1"); /* the same once more */
	decide("q2");
	assert_verdict("passed", NULL, "");
	decide("q3");
	assert_verdict("limited", "451", "account a@x.org");
	/* A queue id that is used again is another message's. */
	message_header(&m, "Subject", "another");
	decide("q1");
	assert_verdict("limited", "451", "account a@x.org");
}

static void
test_on_limit(void **state)
{
	(void)state;
	begin(ACCOUNT("on_limit = { \"reject\" }\n"
		      "limits = { \"1 message / 1h\" }") OTHER,
	    "<a@x.org>", "a@x.org", 0);
	decide("");
	decide("");
	assert_verdict("limited", "550", "1 message");
	teardown(NULL);
	begin(ACCOUNT("on_limit = { \"observe\" }\n"
		      "limits = { \"1 message / 1h\" }") OTHER,
	    "<a@x.org>", "a@x.org", 0);
	decide("");
	decide("");
	assert_verdict("passed", NULL, "only observed: ");
}

static void
test_what_is_refused_costs_nothing(void **state)
{
	int i;

	(void)state;
	begin(ACCOUNT("max_recipients = 1\nlimits = { \"1 message / 1h\" }")
		  OTHER,
	    "<a@x.org>", "a@x.org", 0);
	message_rcpt(&m, "<b@x.org>");
	message_rcpt(&m, "<c@x.org>");
	for (i = 0; i < 3; i++)
		decide("");
	assert_verdict("refused", "550", "recipients");
	message_mail(&m, config_get(), "<a@x.org>", NULL, 0);
	message_header(&m, "From", "a@x.org");
	decide("");
	assert_verdict("passed", NULL, "");
}

static void
test_external_recipients(void **state)
{
	(void)state;
	begin(ACCOUNT("internal_domains = { \"x.org\" }\n"
		      "limits = { \"2 external_recipients / 1h\" }") OTHER,
	    "<a@x.org>", "a@x.org", 0);
	message_rcpt(&m, "<b@X.ORG>");
	message_rcpt(&m, "<c@x.org>");
	message_rcpt(&m, "<d@sub.x.org>");
	message_rcpt(&m, "<root>");
	decide("");
	assert_verdict("passed", NULL, "");
	message_mail(&m, config_get(), "<a@x.org>", NULL, 0);
	message_header(&m, "From", "a@x.org");
	message_rcpt(&m, "<b@x.org>");
	decide("");
	assert_verdict("passed", NULL, "");
	message_rcpt(&m, "<e@evil.example>");
	decide("");
	assert_verdict("limited", "451", "external recipients");
}

/* Delivered elsewhere: alone they are nobody's business here. */
static void
test_exempt_recipients(void **state)
{
	struct reply reply = {0};
	int i;

	(void)state;
	begin(ACCOUNT("exempt_recipients = { \"Old.x.org\" }\n"
		      "max_recipients = 2\nmax_message_size = \"1k\"\n"
		      "on_bounce = \"reject\"\n"
		      "limits = { \"1 message / 1h\", \"2 recipients / 1h\", "
		      "\"1 external_recipients / 1h\" }\n"
		      "internal_domains = { \"x.org\" }") OTHER,
	    "<a@x.org>", "e@evil.example", 2000);
	assert_int_equal(decide_too_large(&m, &reply), 0);
	for (i = 0; i < 5; i++)
		message_rcpt(&m, "<b@OLD.x.org>");
	for (i = 0; i < 5; i++) {
		decide("");
		assert_verdict("passed", NULL, "all its recipients are exempt");
		assert_int_equal(verdict.rewrite.edits.count, 0);
	}
	/* With others among them they only do not count. */
	message_mail(&m, config_get(), "<a@x.org>", NULL, 0);
	message_header(&m, "From", "e@evil.example");
	for (i = 0; i < 5; i++)
		message_rcpt(&m, "<b@old.x.org>");
	message_rcpt(&m, "<c@y.example>");
	message_rcpt(&m, "<c@x.org>");
	decide("");
	assert_verdict("rewritten", NULL, "");
	assert_string_equal(verdict.rewrite.now, "a@x.org");
	message_rcpt(&m, "<d@x.org>");
	decide("");
	assert_verdict("refused", "550", "has 3 recipients");
}

/* A recipient whose domain is not known might be anybody. */
static void
test_an_unknown_recipient_is_not_exempt(void **state)
{
	(void)state;
	begin(ACCOUNT("exempt_recipients = { \"old.x.org\" }") OTHER,
	    "<a@x.org>", "e@evil.example", 0);
	message_rcpt(&m, "<b@old.x.org>");
	message_rcpt(&m, "<root>");
	decide("");
	assert_verdict("rewritten", NULL, "");
	message_mail(&m, config_get(), "<a@x.org>", NULL, 0);
	message_header(&m, "From", "e@evil.example");
	message_rcpt(&m, "<b@sub.old.x.org>");
	decide("");
	assert_verdict("rewritten", NULL, "");
}

static void
test_notices(void **state)
{
	int i;

	(void)state;
	begin(ACCOUNT("limits = { \"1 message / 1h\" }\n"
		      "on_bounce = \"discard\"") OTHER,
	    "<>", "a@x.org", 0);
	for (i = 0; i < 3; i++) {
		decide("");
		assert_verdict("discarded", NULL, "it is a delivery notice");
	}
	/* They cost nothing. */
	message_mail(&m, config_get(), "<a@x.org>", NULL, 0);
	message_header(&m, "From", "a@x.org");
	decide("");
	assert_verdict("passed", NULL, "");
	teardown(NULL);
	begin(ACCOUNT("on_bounce = \"reject\"") OTHER, "<>", "a@x.org", 0);
	decide("");
	assert_verdict("refused", "550", "which this relay does not send");
}

/* Not taken by the MTA: neither the limit nor the hourly try has had it. */
static void
test_what_is_undone_costs_nothing(void **state)
{
	int64_t hours_ago_s = time(NULL) - 2 * 3600;

	(void)state;
	begin(ACCOUNT("limits = { \"1 message / 1h\" }\n"
		      "on_limit = { \"tempfail\" }") OTHER,
	    "<a@x.org>", "a@x.org", 0);
	decide("A");
	assert_verdict("passed", NULL, "");
	decide_undo(&verdict, counters, "A");
	assert_verdict("failed", NULL, "the MTA did not take");
	assert_int_equal(mark_set(counters, "a@x.org", MARK_FULL, "554 5.2.0",
			     hours_ago_s, &err),
	    1);
	decide("B");
	assert_verdict("passed", NULL, "");
	/* The try is B's. */
	decide("C");
	assert_verdict("limited", "451", "554 5.2.0");
	decide_undo(&verdict, counters, "C");
	decide("C");
	assert_verdict("limited", "451", "554 5.2.0");
	assert_int_equal(mark_clear(counters, "a@x.org"), 1);
	decide("D");
	assert_verdict("limited", "451", "1 of 1");
	decide_undo(&verdict, counters, "D");
	decide("E");
	assert_verdict("limited", "451", "1 of 1");
	teardown(NULL);
	begin(ACCOUNT("") OTHER, "<a@x.org>", "a@x.org", 0);
	assert_int_equal(mark_set(counters, "a@x.org", MARK_FULL, "554 5.2.0",
			     hours_ago_s, &err),
	    1);
	decide("A");
	assert_verdict("passed", NULL, "");
	decide_undo(&verdict, counters, "A");
	decide("B");
	assert_verdict("passed", NULL, "");
	assert_int_equal(mark_clear(counters, "a@x.org"), 1);
}

static void
test_with_the_counters_gone_it_stays_counted(void **state)
{
	(void)state;
	begin(ACCOUNT("limits = { \"1 message / 1h\" }\n"
		      "on_limit = { \"tempfail\" }") OTHER,
	    "<a@x.org>", "a@x.org", 0);
	decide("A");
	assert_verdict("passed", NULL, "");
	decide_undo(&verdict, NULL, "A");
	assert_verdict("failed", NULL, "the MTA did not take");
	decide("B");
	assert_verdict("limited", "451", "1 of 1");
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nobodys_mail),
	    TEST(test_own_mail_passes_and_a_foreign_sender_is_rewritten),
	    TEST(test_a_foreign_sender_may_be_refused),
	    TEST(test_mailbox_of_a_domain_account),
	    TEST(test_size_and_recipients),
	    TEST(test_limits_are_counted),
	    TEST(test_on_limit),
	    TEST(test_what_is_refused_costs_nothing),
	    TEST(test_external_recipients),
	    TEST(test_exempt_recipients),
	    TEST(test_an_unknown_recipient_is_not_exempt),
	    TEST(test_notices),
	    TEST(test_what_is_undone_costs_nothing),
	    TEST(test_with_the_counters_gone_it_stays_counted),
	};

	log_open("test_decide", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
