/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of diagnose and reply: real replies, log lines and bounces.
 *
 * link: cli/diagnose cli/reply
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aadsts.h"
#include "cli/diagnose.h"

static struct diagnosis found;

static void
look(const char *text)
{
	diagnose(&found, text, strlen(text));
}

/* Exactly one finding: code, class, and a word of its meaning. */
static void
expect_one(
    const char *text, const char *code, const char *class, const char *meaning)
{
	look(text);
	if (found.count != 1)
		fail_msg("%s: %zu findings", text, found.count);
	assert_string_equal(found.findings[0].code, code);
	assert_string_equal(found.findings[0].advice.class, class);
	if (strstr(found.findings[0].advice.meaning, meaning) == NULL)
		fail_msg("%s: %s", text, found.findings[0].advice.meaning);
}

static int
has_meaning(const char *meaning)
{
	size_t i;

	for (i = 0; i < found.count; i++)
		if (strcmp(found.findings[i].advice.meaning, meaning) == 0)
			return 1;
	return 0;
}

/* --- the tables ----------------------------------------------------------- */

/* An example made of the row itself, as a server would say it. */
static void
make_example(char *out, size_t size, const struct reply *row)
{
	char basic[8] = "", code[32] = "";

	if (row->basic != 0)
		snprintf(basic, sizeof(basic), "%d ", row->basic);
	if (strcmp(row->enhanced, "-") != 0)
		snprintf(code, sizeof(code), "%s", row->enhanced);
	code[strcspn(code, "-")] = '\0';
	snprintf(out, size, "%s%s %s [HOST.PROD.OUTLOOK.COM 2026-01-01T00Z]",
	    basic, code, reply_is_general(row) ? "" : row->words);
}

static void
test_each_row_is_found_by_its_example(void **state)
{
	const struct reply *rows;
	size_t count, i;
	char text[256];

	(void)state;
	rows = reply_all(&count);
	assert_true(count > 60);
	for (i = 0; i < count; i++) {
		make_example(text, sizeof(text), &rows[i]);
		look(text);
		if (!has_meaning(rows[i].advice.meaning))
			fail_msg("row %zu is not found by \"%s\"", i, text);
	}
}

static void
check_advice(const struct reply_advice *advice, const char *row)
{
	static const char *const classes[] = {"good", "transient", "quota",
	    "blocked", "refresh", "permanent", "interaction"};
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(advice->class, classes[i]) == 0)
			break;
	if (i == sizeof(classes) / sizeof(classes[0]))
		fail_msg("%s: class %s", row, advice->class);
	assert_true(strlen(advice->ends) >= 2);
	assert_true(strlen(advice->meaning) > 10);
	assert_true(strlen(advice->remedy) > 5);
}

static void
test_rows_are_complete(void **state)
{
	const struct reply_word *words;
	const struct reply *rows;
	size_t count, i;

	(void)state;
	rows = reply_all(&count);
	for (i = 0; i < count; i++)
		check_advice(&rows[i].advice, rows[i].enhanced);
	words = reply_words(&count);
	assert_true(count > 20);
	for (i = 0; i < count; i++) {
		check_advice(&words[i].advice, words[i].word);
		look(words[i].word);
		assert_int_equal(found.count, 1);
		assert_string_equal(found.findings[0].code, words[i].word);
	}
}

static void
test_each_entra_number_is_found(void **state)
{
	const struct aadsts *rows;
	unsigned int count, i;
	char text[32];

	(void)state;
	rows = aadsts_all(&count);
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "AADSTS%ld", rows[i].number);
		look(text);
		assert_int_equal(found.count, 1);
		assert_string_equal(found.findings[0].source, "entra");
		assert_string_equal(found.findings[0].code, text);
		assert_true(found.findings[0].is_refusal);
	}
}

/* --- ways to write a code ------------------------------------------------- */

static void
test_entra_numbers_in_all_spellings(void **state)
{
	static const char *const texts[] = {"AADSTS50126", "50126", " 50126\n",
	    "aadsts.50126", "aadsts50126",
	    "AADSTS50126: Error validating credentials due to invalid username",
	    "{\"error\":\"invalid_grant\",\"error_codes\":[50126]}",
	    "https://login.microsoftonline.com/error?code=50126",
	    ("Nov 23 20:34:01 h postoak-tokend[77]: relay@contoso.com: token "
	     "refused: code=aadsts.50126 trace=1.2")};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_one(texts[i], "AADSTS50126", "permanent", "password");
	look("50126, 7000222");
	assert_int_equal(found.count, 2);
}

static void
test_an_entra_text_counts_more_than_its_oauth_word(void **state)
{
	(void)state;
	expect_one("invalid_grant: AADSTS50173: The provided grant has expired",
	    "AADSTS50173", "interaction", "revoked");
	expect_one("{\"error\":\"invalid_client\"}", "invalid_client",
	    "permanent", "secret");
	expect_one("tokend: no: code=wait text=x", "wait", "transient", "time");
	look("please wait, the account is denied");
	assert_int_equal(found.count, 0);
}

static void
test_replies(void **state)
{
	(void)state;
	expect_one("535 5.7.3 Authentication unsuccessful "
		   "[SN2PR00CA0018.namprd00.prod.outlook.com]",
	    "535 5.7.3", "permanent", "does not say why");
	expect_one("535 5.7.139 Authentication unsuccessful, "
		   "SmtpClientAuthentication is disabled for the Tenant. Visit "
		   "https://aka.ms/smtp_auth_disabled for more information.",
	    "535 5.7.139", "permanent", "whole organisation");
	expect_one("535 5.7.139 Authentication unsuccessful, "
		   "SmtpClientAuthentication is disabled for the Mailbox.",
	    "535 5.7.139", "permanent", "this mailbox");
	expect_one("432 4.3.2 Concurrent connections limit exceeded. Visit "
		   "https://aka.ms/concurrent_sending [Hostname=X]",
	    "432 4.3.2", "transient", "three sessions");
	expect_one("421 4.3.2 Service not active", "421 4.3.2", "transient",
	    "out of service");
	expect_one("554 5.2.0 STOREDRV.Submission.Exception:"
		   "SubmissionQuotaExceededException; Failed to process",
	    "554 5.2.0", "quota", "rolling day");
	expect_one("554 5.2.0 STOREDRV.Submission.Exception:"
		   "OutboundSpamException; Failed to process message",
	    "554 5.2.0", "blocked", "spam");
	expect_one(
	    "535-5.7.8 Username and Password not accepted. Learn more at\n"
	    "535 5.7.8  https://support.google.com/ x1sm3 - gsmtp",
	    "535 5.7.8", "permanent", "Gmail");
	expect_one("5.7.501 Access denied, spam abuse detected", "5.7.501",
	    "blocked", "spam");
	expect_one("451 4.7.550 Access denied, please try again later",
	    "451 4.7.550", "transient", "slows");
}

static void
test_one_message_or_the_whole_mailbox(void **state)
{
	(void)state;
	expect_one(
	    "554 5.2.252 SendAsDenied; a@contoso.com not allowed to send "
	    "as b@fabrikam.com; STOREDRV.Submission.Exception:"
	    "SendAsDeniedException.MapiExceptionSendAsDenied",
	    "554 5.2.252", "permanent", "This one message");
	expect_one("550 5.2.252 Sender throttled due to continuous send as "
		   "denied errors.",
	    "550 5.2.252", "blocked", "mailbox is blocked");
	look("5.2.252"); /* without the basic code nobody can tell */
	assert_int_equal(found.count, 2);
}

static void
test_a_bare_code_gets_all_its_meanings(void **state)
{
	(void)state;
	look("5.7.139");
	assert_true(found.count >= 8);
	look("535 5.7.139");
	assert_true(found.count >= 8);
	assert_string_equal(found.findings[0].code, "535 5.7.139");
	look("432");
	assert_int_equal(found.count, 1);
}

static void
test_accepted(void **state)
{
	(void)state;
	expect_one("235 2.7.0 Authentication successful", "235 2.7.0", "good",
	    "accepted");
	expect_one(
	    "235 2.7.0 Authentication successful\n550 5.7.60 SMTP; Client"
	    " does not have permissions to send as this sender",
	    "550 5.7.60", "permanent", "envelope sender");
}

/* --- whole texts ---------------------------------------------------------- */

static void
test_log_line(void **state)
{
	(void)state;
	expect_one(
	    "Nov 23 20:34:01 relay postfix/smtp[50126]: 4XyZ12: "
	    "to=<a@example.org>, relay=smtp.office365.com[52.98.1.2]:587,"
	    " delay=1.2, delays=0.1/0/1/0.1, dsn=5.7.60, status=bounced "
	    "(host smtp.office365.com[52.98.1.2] said: 550 5.7.60 SMTP; "
	    "Client does not have permissions to send as this sender "
	    "[AM0PR01.eurprd01.prod.outlook.com] (in reply to end of DATA"
	    " command))",
	    "550 5.7.60", "permanent", "envelope sender");
	expect_one("Nov 23 20:34:01 relay postfix/smtp[9]: 4X: to=<a@b.org>, "
		   "relay=smtp.office365.com[52.98.1.2]:587, dsn=4.7.0, "
		   "status=deferred (SASL authentication failed; cannot "
		   "authenticate to server smtp.office365.com[52.98.1.2]: "
		   "remote authentication server unavailable)",
	    "reply", "transient", "no token");
}

static void
test_bounce(void **state)
{
	(void)state;
	expect_one(
	    "From: MAILER-DAEMON (Mail Delivery System)\r\n"
	    "Content-Type: multipart/report; boundary=\"4X.1700/relay\"\r\n\r\n"
	    "<a@example.org>: host smtp.office365.com[52.98.1.2] said: 550 "
	    "5.2.254\r\n    Sender throttled due to continuous too many "
	    "recipients errors. (in reply\r\n    to end of DATA "
	    "command)\r\n\r\n"
	    "Reporting-MTA: dns; relay.example.net\r\n"
	    "Final-Recipient: rfc822; a@example.org\r\n"
	    "Action: failed\r\nStatus: 5.2.254\r\n"
	    "Remote-MTA: dns; smtp.office365.com\r\n"
	    "Diagnostic-Code: smtp; 550 5.2.254 Sender throttled due to\r\n"
	    "    continuous too many recipients errors.\r\n",
	    "550 5.2.254", "blocked", "too many recipients");
}

static void
test_addresses_and_versions_are_no_codes(void **state)
{
	(void)state;
	look("connect from unknown[5.7.60.1], Dovecot 2.3.19.1, 15.20.9137.005,"
	     " v5.7.60, 25.7.60, 5.7.60x");
	assert_int_equal(found.count, 0);
	assert_int_equal(found.unknown_count, 0);
}

static void
test_unknown_codes_are_named(void **state)
{
	(void)state;
	look("550 5.9.99 Something new, 550 5.9.99");
	assert_int_equal(found.count, 0);
	assert_int_equal(found.unknown_count, 1);
	assert_string_equal(found.unknown[0], "5.9.99");
	look("AADSTS999999999: new");
	assert_string_equal(found.unknown[0], "AADSTS999999999");
	look("AADSTS99999999999999999999");
	assert_int_equal(found.count, 0);
	look("");
	assert_int_equal(found.count, 0);
}

static void
test_bytes_of_any_kind(void **state)
{
	char text[512];
	unsigned int seed = 4711;
	size_t i, round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		for (i = 0; i < sizeof(text); i++) {
			seed = seed * 1103515245u + 12345u;
			text[i] = round % 2 != 0
				      ? (char)(seed >> 16)
				      : "0245.7- AD#"[(seed >> 16) % 11];
		}
		diagnose(&found, text, sizeof(text));
		assert_true(found.count <= DIAGNOSE_MAX);
		assert_true(found.unknown_count <= DIAGNOSE_UNKNOWN_MAX);
	}
}

static void
test_ends_by_itself(void **state)
{
	(void)state;
	look("550 5.2.251 Sender throttled");
	assert_true(diagnose_ends(&found.findings[0].advice));
	look("AADSTS7000222");
	assert_false(diagnose_ends(&found.findings[0].advice));
	look("AADSTS50076");
	assert_false(diagnose_ends(&found.findings[0].advice));
	look("AADSTS90033");
	assert_true(diagnose_ends(&found.findings[0].advice));
}

static void
test_what_postfix_says_without_a_reply(void **state)
{
	(void)state;
	/* Postfix's own dsn=4.7.0 is no reply of the server. */
	expect_one("4Xy: to=<a@b.example>, relay=smtp.office365.com[192.0.2.1]"
		   ":587, delay=1, delays=0/0/1/0, dsn=4.7.0, status=deferred "
		   "(SASL authentication failed; cannot authenticate to server "
		   "smtp.office365.com[192.0.2.1]: generic failure)",
	    "reply", "permanent", "the warning before this line");
	expect_one(
	    "warning: SASL authentication failure: No worthy mechs found",
	    "reply", "permanent", "no mechanism that both sides know");
	expect_one("status=deferred (connect to smtp.office365.com[192.0.2.1]"
		   ":587: Connection timed out)",
	    "reply", "transient", "could not be reached");
}

/* The replies of the milter and the codes of the plugin. */
static void
test_our_own(void **state)
{
	static const char *const codes[] = {"unreachable", "timeout", "path",
	    "account", "host", "challenge", "rejected", "sendmail.line"};
	char line[200];
	size_t i;

	(void)state;
	expect_one("550 5.7.1 the sender a@b.example belongs to no account of "
		   "this relay",
	    "550 5.7.1", "permanent", "no account whose mail this is");
	expect_one("550 5.5.3 the message has 700 recipients and account x may "
		   "send to 500 at once",
	    "550 5.5.3", "permanent", "max_recipients");
	expect_one("552 5.3.4 the message has 9 bytes and account x may send 8 "
		   "at once",
	    "552 5.3.4", "permanent", "max_message_size");
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(line, sizeof(line),
		    "warning: SASL authentication failure: postoak: "
		    "account=relay@contoso.com code=%s: why",
		    codes[i]);
		look(line);
		if (found.count != 1)
			fail_msg("%s: %zu findings", line, found.count);
		assert_string_equal(found.findings[0].code, codes[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_postfix_says_without_a_reply),
	    cmocka_unit_test(test_our_own),
	    cmocka_unit_test(test_each_row_is_found_by_its_example),
	    cmocka_unit_test(test_rows_are_complete),
	    cmocka_unit_test(test_each_entra_number_is_found),
	    cmocka_unit_test(test_entra_numbers_in_all_spellings),
	    cmocka_unit_test(
		test_an_entra_text_counts_more_than_its_oauth_word),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_one_message_or_the_whole_mailbox),
	    cmocka_unit_test(test_a_bare_code_gets_all_its_meanings),
	    cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_log_line),
	    cmocka_unit_test(test_bounce),
	    cmocka_unit_test(test_addresses_and_versions_are_no_codes),
	    cmocka_unit_test(test_unknown_codes_are_named),
	    cmocka_unit_test(test_bytes_of_any_kind),
	    cmocka_unit_test(test_ends_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
