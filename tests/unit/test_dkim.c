/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: milter/rewrite_field milter/charset milter/rewrite_edit milter/notice
 * link: milter/dkim milter/encoded
 * link: milter/rewrite milter/phrase milter/name milter/address milter/scan
 * link: milter/map tests/unit/mta
 *
 * dkim: which signatures a changed header breaks.
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

#include "milter/dkim.h"
#include "mta.h"

#define SIGNED(h)                                                              \
	"v=1; a=rsa-sha256; c=relaxed/relaxed; d=contoso.com;\n\ts=x; h=" h    \
	";\n\tbh=aGFzaD0=; b=h=From"

static void
signs(const char *value, const char *name, int expected)
{
	struct rewrite_value v = {.data = value, .len = strlen(value)};

	if (dkim_signs(&v, name) != expected)
		fail_msg("%s: %s", value, name);
}

static void
the_tag_is_read(void **state)
{
	(void)state;
	signs(SIGNED("From:To:Subject"), "From", 1);
	signs(SIGNED("To:subject:FROM"), "From", 1);
	signs(SIGNED("To : \n\t from :Date"), "From", 1);
	signs(SIGNED("To:Subject"), "From", 0);
	signs(SIGNED("X-From:From-X:Fro:m"), "From", 0);
	signs(SIGNED("Reply-To"), "To", 0);
	signs("h=From", "From", 1);
	signs("h = To : From ;", "From", 1);
	signs("bh=From; h=To", "From", 0);
	signs("h=To; H=From", "From", 0);
}

static void
what_cannot_be_read_signs_everything(void **state)
{
	struct rewrite_value cut = {.data = "h=To", .len = 4, .cut = 1};

	(void)state;
	signs("", "From", 1);
	signs(";;", "From", 1);
	signs("v=1; d=x", "From", 1);
	signs("h=", "From", 1);
	signs("h", "From", 1);
	assert_int_equal(dkim_signs(&cut, "From"), 1);
}

static void
stale_ones_are_removed(void **state)
{
	(void)state;
	mta_add("DKIM-Signature", SIGNED("From:To"));
	mta_add("Received", "x");
	mta_add("dkim-signature", SIGNED("To:Date"));
	mta_add("From", "erp@app.local");
	mta_add("DKIM-Signature", "garbage");
	mta_decide("<erp@app.local>");
	mta_expect_promise();
	mta_expect("DKIM-Signature", SIGNED("To:Date"));
	assert_int_equal(mta_place("DKIM-Signature", 2), mta_count);
}

/* Signed as absent, so that nobody can add one. */
static void
an_added_field_may_be_signed(void **state)
{
	(void)state;
	mta_add("From", "erp@app.local");
	mta_add("DKIM-Signature", SIGNED("To:Reply-To"));
	mta_decide("<erp@app.local>");
	mta_expect("DKIM-Signature", NULL);
}

static void
a_kept_message_keeps_its_signature(void **state)
{
	(void)state;
	mta_add("From", OWN);
	mta_add("DKIM-Signature", SIGNED("From:Sender"));
	mta_decide("<bounce@app.local>");
	mta_expect("DKIM-Signature", SIGNED("From:Sender"));
	/* Bcc is not signed, Sender is. */
	mta_add("Bcc", "a@b");
	mta_decide("<" OWN ">");
	mta_expect("DKIM-Signature", SIGNED("From:Sender"));
	mta_add("Sender", "x@y.example");
	mta_decide("<" OWN ">");
	mta_expect("DKIM-Signature", NULL);
}

/* More than are looked at: all that were not go, too. */
static void
many_signatures(void **state)
{
	int i;

	(void)state;
	mta_add("From", "erp@app.local");
	for (i = 0; i < 20; i++)
		mta_add("DKIM-Signature",
		    i == 2 ? SIGNED("To:Date") : SIGNED("From"));
	mta_decide("<erp@app.local>");
	mta_expect_promise();
	mta_expect("DKIM-Signature", SIGNED("To:Date"));
	assert_int_equal(mta_place("DKIM-Signature", 2), mta_count);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, mta_setup, mta_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_tag_is_read),
	    T(what_cannot_be_read_signs_everything),
	    T(stale_ones_are_removed),
	    T(an_added_field_may_be_signed),
	    T(a_kept_message_keeps_its_signature),
	    T(many_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
