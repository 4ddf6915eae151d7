/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/charset
 *
 * charset: which encoded names might show an address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "milter/charset.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		enum charset charset;
	} cases[] = {
	    {"utf-8", CHARSET_UTF8},
	    {"UTF-8*de-AT", CHARSET_UTF8},
	    {"US-ASCII", CHARSET_UTF8},
	    {"ISO-8859-1", CHARSET_LATIN1},
	    {"ISO-8859-15", CHARSET_ASCII},
	    {"Windows-1252", CHARSET_ASCII},
	    {"EUC-KR", CHARSET_ASCII},
	    {"GB2312", CHARSET_ASCII},
	    {"GBK", CHARSET_DOUBLE},
	    {"Shift_JIS", CHARSET_DOUBLE},
	    {"Big5", CHARSET_DOUBLE},
	    {"iso-2022-jp", CHARSET_ESCAPE},
	    {"utf-7", CHARSET_OTHER},
	    {"utf-16", CHARSET_OTHER},
	    {"utf-80", CHARSET_OTHER},
	    {"hz-gb-2312", CHARSET_OTHER},
	    {"cp037", CHARSET_OTHER},
	    {"x-unheard-of", CHARSET_OTHER},
	    {"iso-8859-", CHARSET_OTHER},
	    {"", CHARSET_OTHER},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (charset_find(cases[i].name, strlen(cases[i].name)) !=
		    cases[i].charset)
			fail_msg("%s", cases[i].name);
}

static void
shows(enum charset charset, const char *text, int expected)
{
	if (charset_shows_sharp(charset, text, strlen(text)) != expected)
		fail_msg("charset %d: %s", charset, text);
}

static void
one_byte_charsets(void **state)
{
	(void)state;
	shows(CHARSET_LATIN1, "M\xfcller", 0);
	shows(CHARSET_LATIN1, "x<y", 1);
	shows(CHARSET_ASCII, "\xc0\xe0", 0);
	shows(CHARSET_ASCII, "a\nb", 1);
	shows(CHARSET_ASCII, "a\177b", 1);
	shows(CHARSET_ASCII, "\xa4\xa2@x", 1);
	shows(CHARSET_OTHER, "harmless", 1);
}

static void
utf8(void **state)
{
	(void)state;
	shows(CHARSET_UTF8, "M\xc3\xbcller", 0);
	shows(CHARSET_UTF8, "x@y", 1);
	/* Split over two words by a broken sender: only cut. */
	shows(CHARSET_UTF8, "M\xc3", 0);
	shows(CHARSET_UTF8, "\xbcller", 0);
	/* "<" written with too many bytes. */
	shows(CHARSET_UTF8, "\xc0\xbc", 1);
	shows(CHARSET_UTF8, "\xe0\x80\xbc", 1);
	shows(CHARSET_UTF8, "\xf0\x80\x80\xbc", 1);
}

static void
double_byte_charsets(void **state)
{
	(void)state;
	/* Big5's most common character ends like an '@'. */
	shows(CHARSET_DOUBLE, "\xa4\x40", 0);
	shows(CHARSET_DOUBLE, "\x83\x5c\x83\x8c", 0);
	shows(CHARSET_DOUBLE, "\xa4\x40<x>", 1);
	shows(CHARSET_DOUBLE, "x@y", 1);
	/* No trail byte: a reader that recovers sees it. */
	shows(CHARSET_DOUBLE, "\xa4<", 1);
	shows(CHARSET_DOUBLE, "\xa4", 0);
}

static void
escape_charsets(void **state)
{
	(void)state;
	shows(CHARSET_ESCAPE, "\033$B<+F0\033(B", 0);
	shows(CHARSET_ESCAPE, "\033$@<@\033(J", 0);
	shows(CHARSET_ESCAPE, "plain", 0);
	shows(CHARSET_ESCAPE, "x@y", 1);
	shows(CHARSET_ESCAPE, "\033$B<+\033(B<x@y>", 1);
	shows(CHARSET_ESCAPE, "\033(B<", 1);
	shows(CHARSET_ESCAPE, "\033$)C\016<+F0\017", 0);
	shows(CHARSET_ESCAPE, "\033$)C<", 1);
	shows(CHARSET_ESCAPE, "\033$(D<+\033(B", 0);
	/* Unfinished: what is behind it would be read as part of it. */
	shows(CHARSET_ESCAPE, "\033$B<+", 1);
	shows(CHARSET_ESCAPE, "\033", 1);
	shows(CHARSET_ESCAPE, "\033$", 1);
	shows(CHARSET_ESCAPE, "\033?x", 1);
	shows(CHARSET_ESCAPE, "\033$B<\n<\033(B", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(one_byte_charsets),
	    cmocka_unit_test(utf8),
	    cmocka_unit_test(double_byte_charsets),
	    cmocka_unit_test(escape_charsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
