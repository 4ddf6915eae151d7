/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landing: the pages a browser sees after a sign-in.
 * link: tokend/landing
 */
#include "tokend/landing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct buf page;

static int
setup(void **state)
{
	(void)state;
	buf_init(&page, LANDING_MAX);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_clear(&page);
	return 0;
}

static int
has(const char *words)
{
	return strstr(page.data, words) != NULL;
}

static void
test_words_stay_words(void **state)
{
	(void)state;
	landing_page(&page, "<T>", "<script>&\"'\r\n\x1b\x7f\xc3\xa4%s", 0);
	assert_true(has("<title>&lt;T&gt;</title>"));
	assert_true(has("<p>&lt;script&gt;&amp;&quot;&#39;    \xc3\xa4%s</p>"));
	assert_false(has("<script"));
	assert_false(has("http-equiv"));
}

static void
test_what_is_no_utf8(void **state)
{
	(void)state;
	landing_page(&page, "T", "a\xff\x9b\xc3(\xe2\x82\xac\xe2\x82", 0);
	assert_true(has("<p>a?\?\?(\xe2\x82\xac?\?</p>"));
}

static void
test_one_that_asks_again(void **state)
{
	(void)state;
	landing_page(&page, "Wait", "", 2);
	assert_true(has("<meta http-equiv=\"refresh\" content=\"2\">"));
}

static void
done(const char *text)
{
	struct json *answer = json_parse(text, strlen(text), NULL);

	assert_non_null(answer);
	landing_done(&page, answer);
	json_free(answer);
}

static void
test_a_good_token(void **state)
{
	(void)state;
	done("{\"account\":\"a@x.org\",\"token_user\":\"b@x.org\","
	     "\"scope\":\"SMTP.Send  <b>\",\"findings\":[]}");
	assert_true(has("<h1>Signed in; mail can be sent now</h1>"));
	assert_true(
	    has("<b>a@x.org</b>, won by the sign-in of <b>b@x.org</b>"));
	assert_true(has("<li>SMTP.Send</li><li>&lt;b&gt;</li>"));
	assert_false(has("looked at"));
}

static void
test_a_token_that_will_not_do(void **state)
{
	(void)state;
	done("{\"account\":\"a@x.org\",\"findings\":["
	     "{\"level\":\"warn\",\"text\":\"one\"},"
	     "{\"level\":\"fail\",\"text\":\"<two>\"}]}");
	assert_true(has("<h1>Signed in, but mail cannot be sent yet</h1>"));
	assert_true(has("<li>one</li><li>&lt;two&gt;</li>"));
	assert_true(has("does not say which permissions"));
}

static void
test_a_warning_is_no_failure(void **state)
{
	(void)state;
	done("{\"account\":\"a\",\"scope\":\"\","
	     "\"findings\":[{\"level\":\"warn\",\"text\":\"one\"}]}");
	assert_true(has("mail can be sent now"));
	assert_true(has("<li>one</li>"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_words_stay_words),
	    TEST(test_what_is_no_utf8),
	    TEST(test_one_that_asks_again),
	    TEST(test_a_good_token),
	    TEST(test_a_token_that_will_not_do),
	    TEST(test_a_warning_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
