/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/rewrite_field milter/charset milter/rewrite_edit milter/notice
 * link: milter/dkim milter/encoded
 * link: milter/rewrite milter/phrase milter/name milter/address milter/scan
 * link: milter/map tests/unit/mta
 *
 * phrase, name: what becomes of display names when From is written anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "mta.h"

static void
several_mailboxes(void **state)
{
	(void)state;
	mta_from("relay@contoso.com, sales@contoso.com", "<relay@contoso.com>");
	mta_expect("Reply-To", "<relay@contoso.com>, <sales@contoso.com>");
	mta_from("G: relay@contoso.com;", "<relay@contoso.com>");
	mta_from(
	    "Ann <a@b.example>, Bob <b@b.example>", "Ann <relay@contoso.com>");
	mta_expect("Reply-To", "Ann <a@b.example>, Bob <b@b.example>");
}

static void
odd_but_allowed_is_written_anew(void **state)
{
	(void)state;
	mta_from("relay@contoso.com (Relay)", "Relay <relay@contoso.com>");
	mta_expect("Reply-To", NULL);
	mta_expect("X-Original-From", "relay@contoso.com (Relay)");
	mta_from("<@evil.example:relay@contoso.com>", "<relay@contoso.com>");
	mta_from("\"relay\"@contoso.com", "<relay@contoso.com>");
	mta_from("Relay <relay@(evil@example.com)contoso.com>",
	    "Relay <relay@contoso.com>");
	mta_from(
	    "Sales . <sales @ contoso.com>", "\"Sales .\" <sales@contoso.com>");
}

static void
names_survive(void **state)
{
	(void)state;
	mta_from("Ann Other <a@b>", "Ann Other <relay@contoso.com>");
	mta_from("\"Other, Ann\" <a@b>", "\"Other, Ann\" <relay@contoso.com>");
	mta_from("J. Doe <a@b>", "\"J. Doe\" <relay@contoso.com>");
	mta_from("\"say \\\"hi\\\" \\\\\" <a@b>",
	    "\"say \\\"hi\\\" \\\\\" <relay@contoso.com>");
	mta_from("a@b (Ann Other)", "Ann Other <relay@contoso.com>");
	mta_from("a@b (J\\. (the) D)", "\"J. (the) D\" <relay@contoso.com>");
	mta_from("Ann (secret) Other <a@b>", "Ann Other <relay@contoso.com>");
	mta_from("Ann\n \t Other <a@b>", "Ann Other <relay@contoso.com>");
	mta_from("\"\" <a@b>", "<relay@contoso.com>");
	mta_from("\"boss@contoso.com\" <a@b>",
	    "\"boss@contoso.com\" <relay@contoso.com>");
}

static void
encoded_names_survive(void **state)
{
	(void)state;
	mta_from("=?utf-8?q?J=C3=BCrgen?= <a@b>",
	    "=?utf-8?q?J=C3=BCrgen?= <relay@contoso.com>");
	mta_from("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=\n =?utf-8?q?_x?= <a@b>",
	    "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?= =?utf-8?q?_x?= "
	    "<relay@contoso.com>");
	mta_from("=?utf-8?q?J=C3=BCrgen?= Doe <a@b>",
	    "=?utf-8?q?J=C3=BCrgen?= Doe <relay@contoso.com>");
	/* The blank between two encoded words is not shown. */
	mta_from("=?utf-8?q?J=C3=BC?= M\xc3\xbcller <a@b>",
	    "=?utf-8?q?J=C3=BC?= =?utf-8?b?IE3DvGxsZXI=?= "
	    "<relay@contoso.com>");
	/* Not an encoded word, though it looks like one. */
	mta_from(
	    "=?utf-8?x?y?= <a@b>", "\"=?utf-8?x?y?=\" <relay@contoso.com>");
	mta_from(
	    "\"=?utf-8?q?x?=\" <a@b>", "\"=?utf-8?q?x?=\" <relay@contoso.com>");
}

/* Some readers decode first and look for the address then. */
static void
names_that_hide_an_address_lose_it(void **state)
{
	(void)state;
	/* "evil@example.com" <evil@example.com> */
	mta_from("=?utf-8?B?ImV2aWxAZXhhbXBsZS5jb20iIDxldmlsQGV4YW1wbGUuY29t"
		 "Pg==?= <a@b>",
	    "\"\\\"evilexample.com\\\" evilexample.com\" "
	    "<relay@contoso.com>");
	mta_from("=?us-ascii?q?boss=40x=2Eexample=3E?= <a@b>",
	    "\"bossx.example\" <relay@contoso.com>");
	mta_from("=?ISO-8859-1*de?Q?M=FCller=2C_Hans?= <a@b>",
	    "=?utf-8?b?TcO8bGxlciBIYW5z?= <relay@contoso.com>");
	mta_from("Ann =?utf-8?q?=0D=0AFrom=3A?= <a@b>",
	    "Ann From <relay@contoso.com>");
	mta_from("Ann =?windows-1252?q?=3Cx=40y=3E?= <a@b>",
	    "Ann <relay@contoso.com>");
	/* Not what it says it is. */
	mta_from("Ann =?utf-8?b?PD=4?= =?utf-8?q?=4?= <a@b>",
	    "Ann <relay@contoso.com>");
	mta_from("\"Ann <boss@contoso.com>\" <a@b>",
	    "\"Ann boss@contoso.com\" <relay@contoso.com>");
	mta_from("a@b (Ann <x>)", "Ann x <relay@contoso.com>");
}

/* Many decode them in quotes and within other text, against the rules. */
static void
encoded_words_where_none_may_be(void **state)
{
	mta_from("\"=?utf-8?q?J=C3=BC?=\" <a@b>",
	    "\"=?utf-8?q?J=C3=BC?=\" <relay@contoso.com>");
	mta_from("\"=?utf-8?q?=3Cx=40y=3E?=\" <a@b>",
	    "= utf-8?q?=3Cx=40y=3E?= <relay@contoso.com>");
	mta_from(
	    "x=?utf-8?q?=3C?=y <a@b>", "x= utf-8?q?=3C?=y <relay@contoso.com>");
	/* One that only comes to be when its pieces are put together. */
	mta_from("\"=\"?utf-8?q?=3Cx=40y=3E?= <a@b>",
	    "= utf-8?q?=3Cx=40y=3E?= <relay@contoso.com>");
	(void)state;
}

/* A sender that is allowed is not, with such a name, beyond doubt. */
static void
an_allowed_sender_may_lose_its_name(void **state)
{
	static const char *const kept[] = {"Sales <sales@contoso.com>",
	    "\"boss@contoso.com\" <sales@contoso.com>",
	    "=?utf-8?q?J=C3=BC?= <sales@contoso.com>",
	    "\"=?utf-8?q?J=C3=BC?=\" <sales@contoso.com>"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		mta_from(kept[i], kept[i]);
	mta_from("\"Boss <boss@contoso.com>\" <sales@contoso.com>",
	    "\"Boss boss@contoso.com\" <sales@contoso.com>");
	mta_from("=?utf-8?q?=3Cboss=40x=2Ey=3E?= <sales@contoso.com>",
	    "\"bossx.y\" <sales@contoso.com>");
	mta_from("\"=?utf-8?q?=3Cx=40y=3E?=\" <sales@contoso.com>",
	    "= utf-8?q?=3Cx=40y=3E?= <sales@contoso.com>");
	mta_expect("Reply-To", NULL);
}

static void
other_encoded_names_stand_as_they_are(void **state)
{
	static const char *const words[] = {
	    "=?utf-8?Q?M=C3=BCller?=",
	    "=?iso-8859-1?q?M=FCller_Hans?=",
	    "=?utf-8?B?TcO8bGxlcg?=",
	    "=?iso-2022-jp?B?GyRCO3NFRBsoQg==?=",
	};
	char from[120], expected[120];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)snprintf(from, sizeof(from), "%s <a@b>", words[i]);
		(void)snprintf(expected, sizeof(expected),
		    "%s <relay@contoso.com>", words[i]);
		mta_from(from, expected);
	}
}

static void
eight_bit_names_are_encoded(void **state)
{
	(void)state;
	mta_from("J\xc3\xbcrgen <a@b>", "=?utf-8?b?SsO8cmdlbg==?= "
					"<relay@contoso.com>");
	mta_from("\"J\xc3\xbcrgen, X\" <a@b>",
	    "=?utf-8?b?SsO8cmdlbiwgWA==?= <relay@contoso.com>");
	mta_from("J\xfcrgen <a@b>",
	    "=?windows-1252?b?SvxyZ2Vu?= <relay@contoso.com>");
	mta_expect_folded("X-Original-From");
}

static void
long_names_fold(void **state)
{
	static const char *const names[] = {"some word ", "w\xc3\xb6rter ",
	    "\"quoted. text\" ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    "\xe6\x97\xa5\xe6\x9c\xac", "=?utf-8?q?abc?= "};
	char value[4000];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value[0] = '\0';
		for (k = 0; k < 60; k++)
			strcat(value, names[i]);
		strcat(value, " <a@b>");
		mta_clear();
		mta_add("From", value);
		mta_decide("<a@b>");
		mta_expect_promise();
		mta_expect_folded("From");
		mta_expect_folded("Reply-To");
		mta_expect_folded("X-Original-From");
	}
}

static void
name_patterns(void **state)
{
	(void)state;
	mta_policy.from_name = "%n via Contoso";
	mta_from("Ann <a@b>", "Ann via Contoso <relay@contoso.com>");
	mta_from("erp@app.local", "erp via Contoso <relay@contoso.com>");
	mta_from("J\xc3\xbcrgen <a@b>",
	    "=?utf-8?b?SsO8cmdlbiB2aWEgQ29udG9zbw==?= <relay@contoso.com>");
	mta_from("=?utf-8?q?J=C3=BC?= <a@b>",
	    "=?utf-8?q?J=C3=BC?= via Contoso <relay@contoso.com>");
	mta_policy.from_name = "Contoso 100%%, Inc.";
	mta_from("Ann <a@b>", "\"Contoso 100%, Inc.\" <relay@contoso.com>");
	/* An allowed sender keeps its own name. */
	mta_from("sales@contoso.com (Sales)", "Sales <sales@contoso.com>");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, mta_setup, mta_teardown)
	const struct CMUnitTest tests[] = {
	    T(several_mailboxes),
	    T(odd_but_allowed_is_written_anew),
	    T(names_survive),
	    T(encoded_names_survive),
	    T(names_that_hide_an_address_lose_it),
	    T(encoded_words_where_none_may_be),
	    T(an_allowed_sender_may_lose_its_name),
	    T(other_encoded_names_stand_as_they_are),
	    T(eight_bit_names_are_encoded),
	    T(long_names_fold),
	    T(name_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
