/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the reply filter: each reply is shown to the expressions as Postfix
 * shows it, and to "postoak explain".
 *
 * link: cli/postfix_replies cli/diagnose cli/reply
 */
#include "cli/postfix_replies.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/diagnose.h"

#define RULES_MAX 64
#define STOREDRV "STOREDRV.Submission.Exception:"
#define RESULT "    450${2}deferred by postoak: ${1}"

static regex_t rules[RULES_MAX];
static size_t rule_count;

/* "/expression/", and the next line is the result, the same for all. */
static void
take_rule(char *line, const char *next)
{
	char *end = strrchr(line, '/');

	assert_true(rule_count < RULES_MAX);
	assert_ptr_not_equal(line, end);
	*end = '\0';
	/* Postfix' own flags, regexp_table(5). */
	assert_int_equal(
	    regcomp(&rules[rule_count++], line + 1, REG_EXTENDED | REG_ICASE),
	    0);
	assert_string_equal(next, RESULT);
}

static int
setup(void **state)
{
	struct buf text;
	char *line, *rest = NULL, *rule = NULL;

	(void)state;
	buf_init(&text, 1 << 20);
	postfix_replies_table(&text);
	for (line = strtok_r(text.data, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (line[0] == '/')
			rule = line;
		else if (line[0] == ' ')
			take_rule(rule, line);
		else
			assert_int_equal(line[0], '#');
	}
	buf_clear(&text);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	while (rule_count > 0)
		regfree(&rules[--rule_count]);
	return 0;
}

/* 1 if the reply becomes temporary; then its parts are where the result wants
 * them. */
static int
is_deferred(const char *reply)
{
	regmatch_t parts[3];
	size_t i;

	for (i = 0; i < rule_count; i++) {
		if (regexec(&rules[i], reply, 3, parts, 0) != 0)
			continue;
		assert_int_equal(parts[1].rm_so, 0);
		assert_int_equal(parts[1].rm_eo, strlen(reply));
		assert_int_equal(parts[2].rm_so, 3);
		assert_int_equal(parts[2].rm_eo, 4);
		return 1;
	}
	return 0;
}

/* What Exchange, Gmail and HVE say of the account. */
static void
test_account_waits(void **state)
{
	static const char *const replies[] = {
	    "554 5.2.0 " STOREDRV
	    "SubmissionQuotaExceededException; Failed to process",
	    "550 5.1.90 Your message can't be sent because you've reached your "
	    "daily limit for message recipients",
	    "554 5.1.90 daily limit", "550 5.2.2 Submission quota exceeded",
	    "550 5.2.251 Sender throttled due to continuous mailbox full "
	    "errors.",
	    "550 5.2.252 Sender throttled due to continuous send as denied "
	    "errors.",
	    "550 5.2.253 Sender throttled due to continuous invalid license "
	    "errors.",
	    "550 5.2.254 Sender throttled due to continuous too many "
	    "recipients errors.",
	    "550 5.2.255 Sender throttled due to continuous invalid recipients "
	    "errors. [Hostname=x]",
	    "550-5.2.255", "550 5.2.255",
	    "535 5.7.3 Authentication unsuccessful [SN2PR00CA0018.x "
	    "2023-02-06]",
	    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication "
	    "is disabled for the Tenant.",
	    "535-5.7.8 Username and Password not accepted.",
	    "530 5.7.57 Client not authenticated to send mail.",
	    "550 5.7.30 Basic authentication is not supported for Client "
	    "Submission.",
	    "550 5.7.233 Your message can't be sent because your tenant "
	    "exceeded its daily limit",
	    "550 5.7.232 your trial tenant",
	    "550 5.1.8 Access denied, bad outbound sender",
	    "554 5.2.0 " STOREDRV "OutboundSpamException; Failed to process",
	    "550 5.7.501 Access denied, spam abuse detected",
	    "550 5.7.503 Access denied, banned sender",
	    "550 5.7.705 Access denied, tenant has exceeded threshold",
	    "550-5.4.5 Daily user sending limit exceeded.",
	    "550 5.7.1 Daily SMTP relay limit exceeded for customer."};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (!is_deferred(replies[i]))
			fail_msg("not deferred: %s", replies[i]);
}

/* What they say of one message, and near misses. */
static void
test_message_bounces(void **state)
{
	static const char *const replies[] = {"550 5.1.1 User unknown",
	    "550 5.1.10 Recipient not found", "550 5.1.9 no", "550 5.1.900 no",
	    "550 5.1.80 no",
	    "550 5.1.20 Multiple From addresses are not allowed",
	    "554 5.2.252 SendAsDenied; a@b not allowed to send as c@d",
	    "554 5.2.0 " STOREDRV "SendAsDeniedException.MapiException",
	    "554 5.2.0 " STOREDRV
	    "MessageSubmissionExceededException.MapiException",
	    "554 5.2.2 mailbox full; " STOREDRV "QuotaExceededException",
	    "550 5.2.250 no", "550 5.2.256 no", "550 5.2.2520 no",
	    "450 5.2.252 no", "250 5.2.252 no",
	    "550 5.7.1 he wrote: 550 5.2.252 Sender throttled",
	    "550 5.7.1 Unable to relay",
	    "550 5.7.60 SMTP; Client does not have permissions to send as this",
	    "550 5.7.3 no", "550 5.7.509 DMARC", "550 5.7.512 no From",
	    "550 5.7.504 no", "552 5.3.4 Message size exceeds",
	    "554 5.6.0 Invalid message content", "250 2.0.0 OK",
	    "432 4.3.2 Concurrent connections limit exceeded", "553 x",
	    "550 5.7.1 a@b has sent 30 of 30 messages", ""};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (is_deferred(replies[i]))
			fail_msg("deferred: %s", replies[i]);
}

/* The mark hides nothing from who reads the log. */
static void
test_explain_reads_through(void **state)
{
	static const char reply[] =
	    "host smtp.office365.com[192.0.2.9] said: " POSTFIX_REPLIES_CODE
	    " " POSTFIX_REPLIES_MARK
	    "550 5.2.252 Sender throttled due to continuous send as denied "
	    "errors. (in reply to end of DATA command)";
	struct diagnosis diagnosis;

	(void)state;
	diagnose(&diagnosis, reply, strlen(reply));
	assert_int_equal(diagnosis.count, 1);
	assert_int_equal(diagnosis.unknown_count, 0);
	assert_string_equal(diagnosis.findings[0].code, "550 5.2.252");
	assert_string_equal(diagnosis.findings[0].advice.class, "blocked");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_account_waits),
	    cmocka_unit_test(test_message_bounces),
	    cmocka_unit_test(test_explain_reads_through),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
