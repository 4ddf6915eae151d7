/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of table and show: what an administrator sees of the daemons' answers.
 *
 * link: cli/table cli/bars cli/show cli/time_text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#include "cli/bars.h"
#include "cli/show.h"
#include "cli/table.h"

#define NOW 1795466040

static const char tokend_text[] =
    "{\"version\":1,\"status\":\"ok\",\"accounts\":["
    "{\"account\":\"ok@contoso.com\",\"application\":\"contoso\","
    "\"grant\":\"password\",\"user\":\"ok@contoso.com\",\"state\":\"ok\","
    "\"expires_at\":1795469165,\"expires_in\":3125,\"obtained_at\":1795465560,"
    "\"audience\":\"https://outlook.office365.com\","
    "\"roles\":[\"SMTP.SendAsApp\"],"
    "\"client_secret_expires\":\"2028-10-31\",\"refresh_token\":true,"
    "\"waiters\":0,\"last_error\":{\"at\":1795400000,\"kind\":\"temporary\","
    "\"code\":\"aadsts.90033\",\"text\":\"old story\",\"retry_at\":null}},"
    "{\"account\":\"bad@contoso.com\",\"application\":\"contoso\","
    "\"grant\":\"password\",\"user\":\"x\",\"state\":\"needs_admin\","
    "\"expires_at\":null,\"client_secret_expires\":\"2026-11-21\","
    "\"certificate_expires\":\"2026-11-20\","
    "\"last_error\":{\"at\":1795465860,\"since\":1795455240,"
    "\"kind\":\"config\","
    "\"code\":\"aadsts.7000222\",\"text\":\"the client secret of application "
    "contoso expired; make a new one and put its Value into the file\\u001b[2J"
    "\",\"retry_at\":1795466340}},"
    "{\"account\":\"wait@contoso.com\",\"state\":\"retrying\","
    "\"expires_at\":1795466000,\"unsaved\":\"the disk is full\"}]}";

static const char milter_text[] =
    "{\"version\":1,\"status\":\"ok\",\"accounts\":[{\"account\":"
    "\"ok@contoso.com\",\"limits\":[{\"limit\":\"10000 recipients / 24h\","
    "\"scope\":\"account\",\"unit\":\"recipients\",\"max\":10000,\"used\":18,"
    "\"window_s\":86400,"
    "\"frees_at\":null},{\"limit\":\"30 messages / 1m\",\"unit\":\"messages\","
    "\"max\":30,\"used\":30,\"window_s\":60,\"frees_at\":1795466080}],"
    "\"refused\":{\"kind\":\"blocked\",\"text\":\"550 5.2.252 \\u001b[1m\","
    "\"since\":1795466000,\"until\":1795552400,\"next_try\":1795469600}}]}";

static const struct show_style style = {NOW, 0, 0};
static struct json *tokend, *milter, **accounts;
static size_t count;
static struct buf out;

static int
setup(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	tokend = json_parse(tokend_text, strlen(tokend_text), NULL);
	milter = json_parse(milter_text, strlen(milter_text), NULL);
	assert_non_null(tokend);
	assert_non_null(milter);
	accounts = table_merge(tokend, milter, &count);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(accounts);
	json_free(tokend);
	json_free(milter);
	buf_clear(&out);
	return 0;
}

static size_t
longest_line(const char *text)
{
	size_t most = 0, len;

	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > most)
			most = len;
	}
	return most;
}

static void
test_trouble_stands_first(void **state)
{
	(void)state;
	assert_int_equal(count, 3);
	assert_string_equal(
	    json_get_string(accounts[0], "account"), "bad@contoso.com");
	assert_string_equal(
	    json_get_string(accounts[1], "account"), "wait@contoso.com");
	assert_int_equal(table_exit_code(accounts, count), EX_CONFIG);
	assert_int_equal(table_exit_code(accounts + 1, 1), EX_TEMPFAIL);
	assert_int_equal(table_exit_code(accounts + 2, 1), EX_OK);
	assert_int_equal(table_exit_code(accounts, 0), EX_OK);
}

static void
test_list(void **state)
{
	(void)state;
	table_accounts(&out, accounts, count, &style);
	assert_true(longest_line(out.data) <= SHOW_WIDTH);
	assert_non_null(strstr(out.data,
	    "\nbad@contoso.com            NEEDS ADMIN none             "
	    "not known\n    3 minutes ago, failing for 3 hours, "
	    "aadsts.7000222: the "));
	assert_non_null(strstr(out.data, "(tried again in 5 minutes)"));
	assert_non_null(
	    strstr(out.data, "client secret expired 2026-11-21, 2 days ago\n"));
	assert_non_null(
	    strstr(out.data, "certificate expired 2026-11-20, 3 days ago\n"));
	assert_non_null(strstr(out.data, "retrying    expired "));
	assert_non_null(strstr(out.data,
	    "\nok@contoso.com             ok          52 minutes left  "
	    "30 of 30 this minute\n"));
	assert_non_null(strstr(
	    out.data, "    refresh token not saved: the disk is full\n"));
	assert_non_null(
	    strstr(out.data, "  BLOCKED, says the provider since "));
	assert_non_null(strstr(out.data, "\\x1b[1m"));
	assert_null(strstr(out.data, "old story"));
	assert_null(strchr(out.data, '\033'));
	assert_non_null(strstr(out.data, "\\x1b[2J"));
}

/* What the screen of "status --watch" has of each account. */
static void
test_whole_list(void **state)
{
	static const struct show_style whole = {NOW, 0, 1};

	(void)state;
	table_accounts(&out, accounts, count, &whole);
	assert_true(longest_line(out.data) <= SHOW_WIDTH);
	assert_non_null(strstr(
	    out.data, "    client secret expires 2028-10-31, in 708 days\n"));
	assert_non_null(strstr(out.data,
	    "  10000 recipients / 24h           #................... 18 of "
	    "10000 this day\n"));
	assert_non_null(strstr(out.data, "    next slot free in 40 seconds\n"));
}

/* An account that the provider refuses stands before those that work. */
static void
test_refused_is_trouble(void **state)
{
	static const char text[] =
	    "{\"accounts\":[{\"account\":\"a\",\"state\":\"ok\"},"
	    "{\"account\":\"b\",\"state\":\"stale\"},"
	    "{\"account\":\"ok@contoso.com\",\"state\":\"ok\"},"
	    "{\"account\":\"c\",\"state\":\"retrying\"}]}";
	struct json *others = json_parse(text, strlen(text), NULL);
	struct json **sorted = table_merge(others, milter, &count);

	(void)state;
	assert_string_equal(json_get_string(sorted[0], "account"), "c");
	assert_string_equal(
	    json_get_string(sorted[1], "account"), "ok@contoso.com");
	assert_string_equal(json_get_string(sorted[2], "account"), "b");
	assert_string_equal(json_get_string(sorted[3], "account"), "a");
	assert_int_equal(table_exit_code(sorted, 4), EX_TEMPFAIL);
	assert_int_equal(table_exit_code(sorted + 1, 3), EX_OK);
	free(sorted);
	json_free(others);
}

static void
test_details(void **state)
{
	(void)state;
	table_details(&out, accounts[2], &style);
	assert_non_null(strstr(out.data, "ok@contoso.com: ok\n"));
	assert_non_null(strstr(out.data, "password, application contoso\n"));
	assert_non_null(
	    strstr(out.data, "ends in 52 minutes, obtained 8 minutes ago\n"));
	assert_non_null(strstr(out.data, "expires 2028-10-31, in 708 days\n"));
	assert_non_null(strstr(out.data, "SMTP.SendAsApp\n"));
	assert_non_null(strstr(out.data, "old story"));
	assert_non_null(
	    strstr(out.data, "#################### 30 of 30 this minute\n"));
	assert_non_null(strstr(out.data, "next slot free in 40 seconds\n"));
	assert_non_null(
	    strstr(out.data, "  BLOCKED, says the provider since "));
	assert_true(longest_line(out.data) <= SHOW_WIDTH);
	assert_string_equal(
	    json_get_string(
		json_at(json_get_array(accounts[2], "limits"), 0), "scope"),
	    "account");
}

static void
test_without_the_milter(void **state)
{
	struct json **without;

	(void)state;
	without = table_merge(tokend, NULL, &count);
	assert_null(json_get_array(without[2], "limits"));
	table_details(&out, without[2], &style);
	assert_non_null(strstr(out.data, "budget          not known\n"));
	assert_null(strstr(out.data, "BLOCKED"));
	free(without);
}

static void
test_colours(void **state)
{
	static const struct show_style coloured = {NOW, 1, 0};

	(void)state;
	table_accounts(&out, accounts, count, &coloured);
	assert_non_null(strstr(out.data, "\033[1;31mNEEDS ADMIN \033[0m"));
}

static void
test_escapes(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
	    {"plain", "plain"},
	    {"J\xc3\xbcrgen", "J\xc3\xbcrgen"},
	    {"\x1b]0;x\x07", "\\x1b]0;x\\x07"},
	    {"a\xc2\x9b"
	     "1m",
		"a\\xc2\\x9b1m"}, /* C1: CSI in UTF-8 */
	    {"\xff\xfe", "\\xff\\xfe"},
	    {"\xe2\x80\xae"
	     "x",
		"\\xe2\\x80\\xaex"}, /* right to left */
	    {"\xc0\xaf", "\\xc0\\xaf"},
	    {"a\tb\nc\x7f", "a\\x09b\\x0ac\\x7f"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		show_text(&out, rows[i].in);
		assert_string_equal(out.data, rows[i].out);
		buf_clear(&out);
	}
}

static void
test_cells_keep_their_width(void **state)
{
	(void)state;
	show_cell(&out, "J\xc3\xbcrgen", 8);
	assert_string_equal(out.data, "J\xc3\xbcrgen  ");
	buf_clear(&out);
	show_cell(&out, "a.very.long.name@contoso.com", 12);
	assert_string_equal(out.data, "a.very.lo...");
	buf_clear(&out);
	show_cell(&out, "\x01\x01\x01\x01", 12);
	assert_string_equal(out.data, "\\x01\\x01... ");
}

static void
test_wrapping(void **state)
{
	char word[200];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	show_field(&out, "what to do",
	    "one two three four five six seven eight nine ten eleven twelve "
	    "thirteen");
	assert_string_equal(out.data,
	    "  what to do      one two three four five six seven eight nine "
	    "ten "
	    "eleven twelve\n                  thirteen\n");
	buf_clear(&out);
	show_wrapped(&out, word, 4); /* nothing to break at: left whole */
	assert_int_equal(out.len, sizeof(word));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_trouble_stands_first),
	    TEST(test_list),
	    TEST(test_whole_list),
	    TEST(test_refused_is_trouble),
	    TEST(test_details),
	    TEST(test_without_the_milter),
	    TEST(test_colours),
	    TEST(test_escapes),
	    TEST(test_cells_keep_their_width),
	    TEST(test_wrapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
