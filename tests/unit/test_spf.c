/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spf: records as domains have them, and as nobody should.
 *
 * link: cli/spf
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

#include "cli/spf.h"

#define MICROSOFT "spf.protection.outlook.com"
#define INCLUDE "include:" MICROSOFT

/* "name record": what the DNS has beside the domain's own record. */
static const char *const zone[] = {
    "inner.example v=spf1 ip4:192.0.2.1 " INCLUDE " ~all",
    "neutral.example v=spf1 ?" INCLUDE " -all",
    "closed.example v=spf1 -all",
    "open.example v=spf1 +all",
    "loop.example v=spf1 include:loop.example -all",
    "ring.example v=spf1 redirect=ring.example",
    "broken.example v=spf1 ip5:1 -all",
};

static const char *own; /* of the domain that is judged */

static enum spf_found
lookup(void *arg, const char *name, const char **record, size_t *count)
{
	size_t i, len = strlen(name);

	(void)arg;
	*count = 1;
	if (strcmp(name, "x.org") == 0) {
		*record = own;
		return own != NULL ? SPF_FOUND : SPF_ABSENT;
	}
	if (strcasecmp(name, "two.example") == 0)
		*count = 2;
	if (strcasecmp(name, "silent.example") == 0)
		return SPF_TROUBLE;
	*record = "v=spf1 mx -all";
	if (strcasecmp(name, "two.example") == 0)
		return SPF_FOUND;
	for (i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (strncasecmp(zone[i], name, len) == 0 &&
		    zone[i][len] == ' ') {
			*record = zone[i] + len + 1;
			return SPF_FOUND;
		}
	return SPF_ABSENT;
}

static struct spf_result
judge(const char *record)
{
	struct spf_result result;

	own = record;
	spf_judge("x.org", MICROSOFT, lookup, NULL, &result);
	return result;
}

struct record {
	const char *text;
	enum spf_verdict verdict;
	const char *why; /* a part of it */
};

static void
expect_all(const struct record *records, size_t count)
{
	struct spf_result result;

	for (; count > 0; count--, records++) {
		result = judge(records->text);
		if (result.verdict != records->verdict ||
		    strstr(result.why,
			records->why != NULL ? records->why : "") == NULL)
			fail_msg("%s: %d, %s",
			    records->text != NULL ? records->text : "none",
			    (int)result.verdict, result.why);
	}
}

#define EXPECT_ALL(records)                                                    \
	expect_all(records, sizeof(records) / sizeof((records)[0]))

static void
test_who_may_send(void **state)
{
	static const struct record records[] = {
	    {"v=spf1 " INCLUDE " -all", SPF_PASS, NULL},
	    {"V=SPF1   A  +Include:SPF.Protection.Outlook.com.  ~ALL", SPF_PASS,
		NULL},
	    {"v=spf1 include:inner.example -all", SPF_PASS, NULL},
	    {"v=spf1 redirect=inner.example", SPF_PASS, NULL},
	    {"v=spf1 exp=e.example unknown=1 " INCLUDE, SPF_PASS, NULL},
	    {"v=spf1 redirect=closed.example " INCLUDE, SPF_PASS, NULL},
	    {"v=spf1 redirect=" MICROSOFT, SPF_PASS, NULL},
	    {"v=spf1 mx/24 a:b.example/24//64 ip6:2001:db8::/32 " INCLUDE,
		SPF_PASS, NULL},
	    {"v=spf1 ?" INCLUDE " -all", SPF_NEUTRAL, NULL},
	    {"v=spf1 mx ?all", SPF_NEUTRAL, NULL},
	    /* RFC 7208 5.2: an include that does not pass does not match. */
	    {"v=spf1 include:neutral.example -all", SPF_FAIL, NULL},
	    {"v=spf1 -" INCLUDE " +mx ~all", SPF_FAIL, NULL},
	    {"v=spf1 -all " INCLUDE, SPF_FAIL, NULL},
	    {"v=spf1 ~all redirect=inner.example", SPF_FAIL, NULL},
	    {"v=spf1 redirect=closed.example", SPF_FAIL, NULL},
	    {"v=spf1 include:closed.example", SPF_FAIL, NULL},
	    {"v=spf1 include:" MICROSOFT ".evil.example -all", SPF_PERMERROR,
		"which has none"},
	    {"v=spf1", SPF_FAIL, NULL},
	    {NULL, SPF_NONE, NULL},
	};

	(void)state;
	EXPECT_ALL(records);
	assert_int_equal(judge("v=spf1 a mx " INCLUDE " -all").lookups, 3);
	assert_false(judge("v=spf1 " INCLUDE " +all").takes_all);
	assert_true(judge("v=spf1 mx all").takes_all);
	assert_true(judge("v=spf1 include:open.example -all").takes_all);
}

static void
test_what_receivers_ignore(void **state)
{
	static const struct record records[] = {
	    {"v=spf1 inlcude:" MICROSOFT " -all", SPF_PERMERROR, "inlcude"},
	    {"v=spf1 include: -all", SPF_PERMERROR, "names nothing"},
	    {"v=spf1 include:two.example -all", SPF_PERMERROR, "2 of them"},
	    {"v=spf1 include:broken.example -all", SPF_PERMERROR, "ip5"},
	    {"v=spf1 redirect=gone.example", SPF_PERMERROR, "gone.example"},
	    {"v=spf1 include:loop.example -all", SPF_PERMERROR,
		"more than 10 DNS look-ups"},
	    {"v=spf1 redirect=ring.example", SPF_PERMERROR, "more than 10"},
	    {"v=spf1 a a a a a a a a a a " INCLUDE, SPF_PERMERROR,
		"more than 10"},
	    {"v=spf1 a a a a a a a a a " INCLUDE, SPF_PASS, NULL},
	    {"v=spf1 : -all", SPF_PERMERROR, "no term"},
	    {"v=spf1 - -all", SPF_PERMERROR, "no term"},
	    {"v=spf1 \033[2J -all", SPF_PERMERROR, "no term"},
	    {"v=spf1 include:silent.example -all", SPF_UNKNOWN,
		"silent.example do not answer"},
	    {"v=spf1 exists:%{i}.x.example -all", SPF_UNKNOWN, "macros"},
	    {"v=spf1 include:%{d}.x.example " INCLUDE " -all", SPF_PASS, NULL},
	};

	(void)state;
	EXPECT_ALL(records);
}

static void
test_records_without_end(void **state)
{
	char text[9000];
	size_t len;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "v=spf1 ", 7);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(judge(text).verdict, SPF_PERMERROR);
	memcpy(text, "v=spf1 include:", 15);
	assert_int_equal(judge(text).verdict, SPF_PERMERROR);
	for (len = 6; len + 4 < sizeof(text); len += 4)
		memcpy(text + len, " ip4", 4);
	text[len] = '\0';
	assert_int_equal(judge(text).verdict, SPF_FAIL);
}

/* Whatever stands there: an answer, and no look-up too many. */
static void
test_nonsense(void **state)
{
	static const char letters[] =
	    " +-~?:/=%.aelmx14include:redirect=allmx\001\377";
	char text[200] = "v=spf1 ";
	unsigned seed = 1;
	size_t i;
	int n;

	(void)state;
	for (n = 0; n < 20000; n++) {
		for (i = 7; i < sizeof(text) - 1; i++) {
			seed = seed * 1103515245u + 12345u;
			text[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		assert_true(judge(text).lookups <= SPF_LOOKUPS_MAX + 1);
	}
}

static void
test_which_texts_are_records(void **state)
{
	(void)state;
	assert_true(spf_is_record("v=spf1"));
	assert_true(spf_is_record("v=spf1 -all"));
	assert_false(spf_is_record("v=spf10 -all"));
	assert_false(spf_is_record("v=spf1-all"));
	assert_false(spf_is_record("spf2.0/pra"));
	assert_false(spf_is_record(" v=spf1"));
	assert_false(spf_is_record(""));
}

static void
test_any_provider(void **state)
{
	struct spf_result result;

	(void)state;
	own = "v=spf1 mx -all";
	spf_judge("x.org", NULL, lookup, NULL, &result);
	assert_int_equal(result.verdict, SPF_PASS);
	own = "v=spf1 nonsense";
	spf_judge("x.org", NULL, lookup, NULL, &result);
	assert_int_equal(result.verdict, SPF_PERMERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_may_send),
	    cmocka_unit_test(test_what_receivers_ignore),
	    cmocka_unit_test(test_records_without_end),
	    cmocka_unit_test(test_nonsense),
	    cmocka_unit_test(test_which_texts_are_records),
	    cmocka_unit_test(test_any_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
